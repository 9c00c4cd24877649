"""Every verb knows every error rate of the table; MER serves as the example."""

from pathlib import Path

import pytest
import yaml
from test_grid import grid  # noqa: F401
from test_report import text_of

from hamzaban.bin import (
    analyse_errors,
    compare_systems,
    make_report,
    score_text,
    show_results,
)
from hamzaban.grid.definition import read_grid
from hamzaban.score.kinds import KINDS, find_kind

REFS = {"s1-a": "我要去 shopping 了", "s1-b": "你好", "s2-a": "去 了", "s2-b": "好"}
HYPS = {"one": REFS | {"s1-a": "我去 shoping 了"}, "two": REFS | {"s2-b": "了"}}
MER = {"one": "20.00", "two": "10.00"}  # of 10 words and characters


def write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key} {rest}\n" for key, rest in lines.items()), "utf-8")
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two experiments; the set of the second is also decoded in noise."""
    root = tmp_path_factory.mktemp("率 e")
    data = root / "data/test"
    write(data / "text", REFS)
    write(data / "utt2spk", {utt: utt[:2] for utt in REFS})
    write(data / "utt2lang", dict.fromkeys(REFS, "zh"))
    for name, part in (("one", "test"), ("two", "test"), ("two", "test_noise")):
        folder = root / f"exp/{name}/decode/{part}"
        hyp = write(folder / "text", HYPS["one" if "noise" in part else name])
        write(folder / "utt2lang", dict.fromkeys(REFS, "zh"))
        words = ["--ref", data / "text", "--hyp", hyp, "--output_dir", folder]
        words += ["--utt2spk", data / "utt2spk", "--mer", "true"]
        assert score_text.main([str(word) for word in words]) == 0
    return root


def run(verb, *words):
    assert verb.main([str(word) for word in words]) == 0


def test_names_of_folders_are_read():
    assert list(KINDS) == ["wer", "cer", "mer", "ter"]
    assert [find_kind(f"score_{kind}") for kind in KINDS] == list(KINDS)
    assert find_kind("score_cer_raw") == "cer"


@pytest.mark.slow
def test_results_have_a_table_of_each(root, capsys):
    run(show_results, root / "exp/one", root / "exp/two")
    text = capsys.readouterr().out
    assert text.count("### MER") == 2
    assert text.index("### CER") < text.index("### MER")


@pytest.mark.parametrize("form", ["folders", "files"])
def test_systems_are_compared(root, capsys, form):
    words = [f"{name}={root}/exp/{name}/decode/test" for name in ("one", "two")]
    if form == "files":
        words = [f"{word}/text" for word in words] + ["--ref", root / "data/test/text"]
        words += ["--utt2spk", root / "data/test/utt2spk"]
    run(compare_systems, *words, "--kind", "mer", "--replicates", 100)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["system", "runs", "MER"] in [row[:3] for row in rows]
    for name, rate in MER.items():
        assert [name, "1", rate] in [row[:3] for row in rows]


def test_conditions_are_shown(root, capsys):
    config = {"sets": ["test"], "conditions": {"noise": {"noise_list": "n.lst"}}}
    path = root / "conditions.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    words = ["--config", path, "--kind", "mer", "--replicates", 100]
    run(analyse_errors, "--by", "conditions", root / "exp/two/decode", *words)
    text = capsys.readouterr().out
    assert "MER by condition" in text
    assert "| test | clean | 4 | 10 | 1 | 10.00 |" in text
    assert "| test | noise | 4 | 10 | 2 | 20.00 |" in text


def test_analyse_by_routing_reports_the_cost(root, capsys):
    exp = root / "exp"
    words = ["--oracle", exp / "two/decode", "--predicted", exp / "one/decode"]
    run(
        analyse_errors,
        "--by",
        "routing",
        "--data_dir",
        root / "data/test",
        *words,
        "--kind",
        "mer",
    )
    text = capsys.readouterr().out
    assert "MER oracle" in text and "|10.00|20.00|10.00|" in text


def test_report_has_the_columns_that_were_scored(root, monkeypatch):
    monkeypatch.chdir(root)
    run(make_report, "exp/one", "exp/two", "--output", "r.html", "--replicates", 100)
    text = text_of(Path("r.html"))
    assert "WER % CER % MER % WER from 0" in text  # nothing has a TER
    assert "mer, decode, test 20.0 %" in text.lower()


def test_a_grid_may_use_it_as_its_metric(grid):  # noqa: F811
    path = grid / "grid.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(values | {"metric": "mer"}), encoding="utf-8")
    assert read_grid(path).metric == "mer"


def test_the_table_of_results_says_which_model_was_decoded(tmp_path):
    from hamzaban.score.results import Result, format_results

    exp = tmp_path / "asr_x"
    exp.mkdir()
    result = Result(str(exp), "greedy/test", "wer", "ar-score/1", ["1"] * 8)
    assert "valid.wer.ave.pth" not in format_results([result], [])
    note = "epoch 2 (valid.wer 0.65), since the mean of epochs 1, 2 is worse (0.68)"
    (exp / "valid.wer.ave.yaml").write_text(f"note: '{note}'\n", encoding="utf-8")
    assert f"`valid.wer.ave.pth`: {note}\n" in format_results([result], [])
