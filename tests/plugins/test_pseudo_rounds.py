"""pseudo-label: a round's files, kills, several rounds, collapse and roll back."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from pseudo_rounds import SOURCE, emit, options_of, write_emissions, write_inputs

from hamzaban.bin.pseudo_label import main
from hamzaban.data.files import read_scp
from hamzaban.pseudo import decode
from hamzaban.pseudo.record import read_measured_round
from hamzaban.validate.directory import CheckOptions, validate_data_dir
from repository import ROOT

pytestmark = pytest.mark.slow

CONFIG = ROOT / "conf/pseudo.yaml"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pseudo ه")
    text = write_inputs(folder)
    (folder / "pseudo.yaml").write_text(
        f"base: {CONFIG}\nmapping: fa\nguard: {{rules: {{copied_share: null}}}}\n"
    )
    return folder, text


def run(inputs, exp, number, *more):
    words = options_of(inputs[0], exp, number, *more)
    return main([*words, "--config", str(inputs[0] / "pseudo.yaml")])


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_round_gives_data_in_the_targets_script(inputs, tmp_path, capsys):
    folder, text = inputs
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(text.items()))}
    write_emissions(tmp_path / "round_0/emissions", utts)
    assert run(inputs, tmp_path, 0, "--ref", folder / "ref") == 0
    assert capsys.readouterr().out.startswith("go_on 0 round 0 is best so far")
    kept = {}
    for part in ("train", "valid"):
        check = CheckOptions(no_wav=True)
        found, _ = validate_data_dir(tmp_path / "round_0/data" / part, check)
        assert found.num_errors == 0
        kept |= dict(read_scp(tmp_path / "round_0/data" / part / "text"))
    assert {w for line in kept.values() for w in line.split()} & {"چپ", "گل"}
    assert not any("خوانده" in line for line in kept.values())  # the data have a text
    dropped = dict(read_scp(tmp_path / "round_0/dropped"))
    assert set(kept) | set(dropped) == set(text) and not set(kept) & set(dropped)
    health = read_json(tmp_path / "round_0/health.json")
    assert sum(health["dropped"].values()) == len(dropped)
    assert health["num_kept"] == len(kept) and 0 < health["scores"]["wer"] < 20
    right = sum(kept[u] == text[u] for u in kept) / len(kept)
    assert right >= sum(text[u] == s for u, s in read_labels(tmp_path)) / len(text)
    unspelled = (tmp_path / "round_0/unspelled_words").read_text(encoding="utf-8")
    assert unspelled == "чай\tчай\n"


def read_labels(exp):
    for path in sorted((exp / "round_0/labels").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["utt_id"], row["text"]


def test_a_killed_round_continues_and_processes_change_nothing(
    inputs, tmp_path, monkeypatch
):
    text = inputs[1]
    monkeypatch.setattr(decode, "PART_UTTS", 10)
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(text.items()))}
    for name in ("one", "two"):
        write_emissions(tmp_path / name / "round_0/emissions", utts)
    run(inputs, tmp_path / "one", 0)
    whole, calls = decode._label_part, []

    def die(shared, part):
        calls.append(part)
        if len(calls) == 4:
            raise KeyboardInterrupt
        whole(shared, part)

    monkeypatch.setattr(decode, "_label_part", die)
    with pytest.raises(KeyboardInterrupt):
        run(inputs, tmp_path / "two", 0)
    assert not (tmp_path / "two/status.json").exists()
    with pytest.raises(FileNotFoundError, match="not complete, run it first"):
        run(inputs, tmp_path / "two", 1)
    monkeypatch.setattr(decode, "_label_part", whole)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("two/round_0/labels/0*")}
    assert len(before) == 3
    run(inputs, tmp_path / "two", 0, "--nj", 2)
    assert all(p.stat().st_mtime_ns == then for p, then in before.items())
    names = ["health.json", "dropped", "data/train/text", "data/valid/utt2spk"]
    names += [f"labels/{i:05d}.jsonl" for i in range(6)]
    for name in names:
        one, two = (tmp_path / which / "round_0" / name for which in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), name


def test_other_emissions_are_labelled_anew(inputs, tmp_path):
    text = inputs[1]
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(text.items()))}
    write_emissions(tmp_path / "round_0/emissions", utts)
    run(inputs, tmp_path, 0)
    first = dict(read_labels(tmp_path))
    swapped = dict(zip(sorted(utts), reversed(utts.values()), strict=True))
    write_emissions(tmp_path / "round_0/emissions", swapped, "another model")
    run(inputs, tmp_path, 0)
    assert dict(read_labels(tmp_path)) != first


def test_a_collapsed_round_is_rolled_back(inputs, tmp_path, capsys):
    text = inputs[1]
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(text.items()))}
    silent = {u: emit("", 0).repeat(40, 0) for u in utts}
    word = emit("سلام سلام", 7)
    for number, found in ((0, utts), (1, utts), (2, silent)):
        write_emissions(tmp_path / f"round_{number}/emissions", found)
    assert run(inputs, tmp_path, 0) == 0
    assert run(inputs, tmp_path, 1) == 0
    capsys.readouterr()
    assert read_json(tmp_path / "round_1/health.json")["health"]["churn"] == 0.0
    run(inputs, tmp_path, 2)
    assert capsys.readouterr().out.startswith("stop 0 round 2 collapsed: empty_rate 1")
    status = read_json(tmp_path / "status.json")
    assert status["best_asr_exp"] == str(inputs[0] / "source exp")
    write_emissions(tmp_path / "round_2/emissions", dict.fromkeys(utts, word), "w")
    run(inputs, tmp_path, 2)
    out = capsys.readouterr().out
    assert out.startswith("stop 0 round 2 collapsed") and "type_token_ratio" in out
    rows = (tmp_path / "rounds.tsv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 4 and rows[0].startswith("round\tnum_kept\tkept_share\tblank_")


def test_times_and_a_picture_of_the_rounds(inputs, tmp_path):
    text = inputs[1]
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(text.items()))}
    ended = "# 2026-11-20T08:15:31 ended with status {} after {} s\n"
    for number in (0, 1):
        folder = tmp_path / f"round_{number}"
        write_emissions(folder / "emissions", utts)
        (folder / "emissions.log").write_text(ended.format(0, 2.5))
    (folder / "model").mkdir()
    runs = ended.format(1, 7.0) + ended.format(0, 61.25) + "saved\n"
    (folder / "model/train.log").write_text(runs)
    for number in (0, 1):
        run(inputs, tmp_path, number, "--ref", inputs[0] / "ref")
    with open(tmp_path / "rounds.tsv", encoding="utf-8", newline="") as f:
        first, second = csv.DictReader(f, delimiter="\t")
    assert (first["train_s"], second["train_s"]) == ("-", "61.25")
    assert {row["emissions_s"] for row in (first, second)} == {"2.5"}
    assert float(first["label_s"]) > 0 and float(second["label_s"]) > 0
    table = (tmp_path / "rounds.tsv").read_text(encoding="utf-8")
    words = ["--summarize", "--pseudo_exp", str(tmp_path), "--last"]
    assert main([*words, "0"]) == 0
    shorter = (tmp_path / "rounds.tsv").read_text(encoding="utf-8")
    assert shorter == "".join(table.splitlines(True)[:2])
    assert read_json(tmp_path / "status.json")["round"] == 0
    assert main([*words, "1"]) == 0
    assert (tmp_path / "rounds.tsv").read_text(encoding="utf-8") == table
    with pytest.raises(FileNotFoundError, match="not complete, run it first"):
        main([*words, "2"])
    health = read_json(tmp_path / "round_1/health.json")
    share = health["num_kept"] / health["health"]["num_utts"]
    assert float(second["kept_share"]) == pytest.approx(share, abs=1e-4)
    with Image.open(tmp_path / "rounds.png") as picture:
        assert picture.width > picture.height > 500


def test_emissions_of_another_model_are_refused(inputs, tmp_path):
    wide = np.zeros((9, len(SOURCE) + 1), np.float32)
    write_emissions(tmp_path / "round_0/emissions", {"s0-u000": wide, "s1-u001": wide})
    with pytest.raises(ValueError, match="make them with that model"):
        run(inputs, tmp_path, 0)


def test_emissions_of_other_audio_are_refused(inputs, tmp_path):
    utts = {f"x{u}": emit(s, 0) for u, s in inputs[1].items()}
    write_emissions(tmp_path / "round_0/emissions", utts)
    with pytest.raises(
        ValueError, match="kept utterances are missing; give the --data"
    ):
        run(inputs, tmp_path, 0)
    assert not (tmp_path / "status.json").exists()


WRONG = b'{"health": {"num_utts": "a"}, "num_kept": 1, "scores": {}}'


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"\xff", b"{", b"{}", b'{"health": 1}', WRONG]
)
def test_a_damaged_health_of_a_round_is_named_with_its_remedy(tmp_path, content):
    (tmp_path / "status.json").write_text("{}")
    (tmp_path / "health.json").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"health\.json: damaged .* run local/pseudo.sh"
    ):
        read_measured_round(tmp_path)
