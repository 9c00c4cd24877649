"""`hamzaban config`: the values of YAML and JSON files that drivers need."""

import json
import subprocess
import sys

import pytest
import yaml

from hamzaban import cli
from hamzaban.bin.config import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf é").mkdir()
    return tmp_path / "conf é"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(capsys, *words):
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out.splitlines()


def test_values_are_printed_as_the_shell_wants_them(folder, capsys):
    write(folder / "base.yaml", "noise_list: 'a b.lst'\nguard: {patience: 1}\n")
    text = "base: base.yaml\nflag: true\nnothing: null\nitems: [x, 2, 0.5]\n"
    config = write(folder / "x.yaml", text)
    assert run(capsys, "get", config, "noise_list", "rir_list") == ["a b.lst"]
    assert run(capsys, "get", config, "guard.patience", "flag") == ["1", "true"]
    assert run(capsys, "get", config, "nothing", "items.x", "none.at.all") == []
    assert run(capsys, "get", config, "items") == ["x", "2", "0.5"]


def test_values_of_json_are_read_too(folder, capsys):
    status = {"go_on": False, "best": None, "why": 'round "1" 😀\u2028'}
    path = write(folder / "status.json", json.dumps(status, indent=1))
    assert run(capsys, "get", path, "go_on") == ["false"]
    assert run(capsys, "get", path, "best") == []
    assert main(["get", path, "why"]) == 0
    assert capsys.readouterr().out == f"{status['why']}\n"


def test_keys_can_be_left_out_and_a_base_put_in_front(folder):
    config = write(folder / "x.yaml", "a: 1\noptions: {rounds: 3}\n")
    out = folder / "out.yaml"
    main(["merge", config, str(out), "--leave_out", "options", "--base", "asr.yaml"])
    assert yaml.safe_load(out.read_text()) == {"base": "asr.yaml", "a": 1}


def test_files_and_data_directories_that_values_and_options_name_are_printed(
    folder, capsys
):
    for name in ("old", "a probe", "new"):
        (folder / name).mkdir()
        write(folder / name / "wav.scp", "u1 a.wav\n")
    tokens = write(folder / "tokens.txt", "a\n")
    text = "replay_dir: 'conf é/old'\nprobes: {far: 'conf é/a probe'}\nlr: 1\n"
    config = write(folder / "x.yaml", text + f"long: '{'x' * 300}'\n")
    words = ["--probes", "near=conf é/new", f"--token_list={tokens}", "--lr", "none"]
    assert run(capsys, "files", config, "--", *words) == [
        *("conf é/old/wav.scp", "conf é/a probe/wav.scp", "conf é/new/wav.scp"),
        tokens,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "false"),
        ("search: greedy", "false"),
        ("base: l.yaml", "true"),
        ("search: token", "true"),
    ],
)
def test_uses_lm_tells_whether_a_search_reads_a_language_model(
    folder, capsys, text, expected
):
    write(folder / "l.yaml", "search: lexicon\n")
    config = write(folder / "x.yaml", text)
    assert run(capsys, "uses_lm", config) == [expected]


def test_options_of_pseudo_labels_are_words_for_the_shell(folder, capsys):
    write(folder / "base.yaml", "options: {rounds: 3, target: ur, ref: null}\n")
    text = (
        "base: base.yaml\noptions:\n  text: data/text_{target}\n"
        "  asr_args: --seed 1 --max_epoch 2\n  test_dirs: ['a_{target}', b]\n"
        "  flag: true\n"
    )
    config = write(folder / "x.yaml", text)
    lines = run(capsys, "options", config, "target=fa", "nbpe=30")
    options = dict(zip(lines[::2], lines[1::2], strict=True))
    assert options == {
        "--rounds": "3", "--target": "fa", "--ref": "", "--text": "data/text_fa",
        "--asr_args": "--seed 1 --max_epoch 2", "--test_dirs": "a_fa b",
        "--flag": "true", "--nbpe": "30",
    }  # fmt: skip
    assert run(capsys, "options", write(folder / "y.yaml", "mapping: null")) == []


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("options: [a]", [], r"x.yaml: options: \['a'\] found, expected lines"),
        ("options: {a: {b: 1}}", [], "x.yaml: options: a: .* expected one line"),
        ("options: {a-b: 1}", [], "x.yaml: options: a-b: expected the name"),
        (
            "options: {a: '{b}'}",
            [],
            "a: {b} is not an option with a plain value; known: a",
        ),
        ("options: {a: '{a}'}", [], "a: {a} is not an option with a plain value"),
        ("options: {a: 1}", ["b"], "'b' after .*x.yaml: expected NAME=VALUE"),
    ],
)
def test_wrong_options_name_file_and_key(folder, text, words, message):
    config = write(folder / "x.yaml", text)
    with pytest.raises(ValueError, match=message):
        main(["options", config, *words])


@pytest.mark.slow
def test_no_action_loads_torch(folder):
    config = write(folder / "x.yaml", "search: greedy\n")
    code = (
        "import sys\nfrom hamzaban.bin.config import main\n"
        "for action in ('inputs', 'files', 'options', 'uses_lm'):\n"
        f"    main([action, {config!r}])\n"
        "assert not {'torch', 'espnet2'} & set(sys.modules), 'slow'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_old_names_work_and_name_the_new_one(folder, capsys):
    config = write(folder / "x.yaml", "a: 1\n")
    out = folder / "out.yaml"
    assert cli.main(["merge-config", config, str(out)]) == 0
    assert "'merge-config' is now called 'config merge'" in capsys.readouterr().err
    assert yaml.safe_load(out.read_text()) == {"a": 1}
    assert cli.main(["list_inputs", config]) == 0
    assert "'config inputs'" in capsys.readouterr().err
