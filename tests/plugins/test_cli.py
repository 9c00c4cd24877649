"""The command `hamzaban`: verbs, options, errors in one line."""

import argparse
import importlib
import math
import re
import subprocess
import sys

import pytest

from hamzaban import cli, verb_help

TORCH_VERBS = ("train-asr", "train-pseudo", "train-ssl")  # described by their tasks
VERB = '''"""Do a thing well.

More.
"""

import argparse
import math


def main(cmd):
    parser = argparse.ArgumentParser()
    parser.add_argument("--utt_id")
    parser.add_argument("rest", nargs="*")
    args = parser.parse_args(cmd)
    if args.utt_id == "bad":
        raise ValueError("data/text:3: utt_id bad is\\nnot in wav.scp")
    if args.utt_id == "file":
        open("no/such file")
    if args.utt_id == "bug":
        raise KeyError("bug")
    print(args.utt_id, args.rest)
    return 7
'''


@pytest.fixture
def verb(tmp_path, monkeypatch):
    """Make `do-thing` the only verb."""
    (tmp_path / "do_thing.py").write_text(VERB)
    (tmp_path / "_hidden.py").write_text(VERB)
    monkeypatch.setattr(cli.list_verbs, "__defaults__", (tmp_path,))
    monkeypatch.setattr("hamzaban.bin.__path__", [str(tmp_path)])
    monkeypatch.setattr(sys, "argv", ["hamzaban"])
    yield "do-thing"
    sys.modules.pop("hamzaban.bin.do_thing", None)


@pytest.mark.slow
def test_a_full_disk_behind_a_verb_is_named(tmp_path):
    (tmp_path / "in").write_text("سلام\n", encoding="utf-8")
    command = f"{sys.executable} -m hamzaban normalize --lang fa < in > /dev/full"
    done = subprocess.run(command, shell=True, cwd=tmp_path, stderr=subprocess.PIPE)
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert lines[-1].startswith(
        "hamzaban normalize: standard output or a temporary file: No space left"
    )


def test_help_lists_verbs_with_a_line_each(verb, capsys):
    assert cli.main(["--help", "--all"]) == 0
    assert "  do-thing  Do a thing well.\n" in capsys.readouterr().out
    assert cli.main([]) == 2


def test_help_of_the_real_command_is_complete_and_imports_no_library():
    command = [sys.executable, "-X", "importtime", "-m", "hamzaban", "--help", "--all"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    # The time it takes depends on the machine, what it reads does not.
    assert not {"numpy", "yaml", "torch", "espnet2"} & imported
    assert "hamzaban.cli" in imported and len(imported) < 250
    lines = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    listed = {line.split()[0] for line in lines}
    assert listed == {cli.name_verb(verb) for verb in cli.list_verbs()}
    for line in lines:
        assert len(line.split()) > 2, f"{line}: no summary"


def test_help_describes_a_dozen_verbs_and_names_the_others(capsys):
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    first, rest = out.split("all other verbs, by group:\n")
    described = [line.split()[0] for line in first.splitlines() if line[:2] == "  "]
    assert tuple(described) == verb_help.COMMON
    named = set(rest.replace(",", " ").split())
    names = {cli.name_verb(verb) for verb in cli.list_verbs()}
    assert names - set(verb_help.COMMON) <= named
    assert "train-ssl" in rest.split("Training: ")[1].split("Decoding:")[0]


def test_every_verb_declares_its_group():
    verbs = cli.list_verbs()
    without = [
        v for v in verbs if verb_help.read_info(verbs[v]).group not in verb_help.GROUPS
    ]
    assert without == []


def test_short_name_is_the_one_listed_and_the_long_one_works(monkeypatch):
    called = []
    monkeypatch.setattr(cli, "run_verb", lambda verb, words: called.append(verb) or 0)
    names = set(map(cli.name_verb, cli.list_verbs()))
    assert {"mine", "score", "compare", "analyse"} <= names
    for typed in ("mine", "mine-audio", "mine_audio"):
        assert cli.main([typed]) == 0
    assert called == ["mine-audio"] * 3


def test_old_name_runs_the_new_verb_and_names_it_on_stderr(verb, monkeypatch, capsys):
    monkeypatch.setitem(cli.RENAMED, "old-thing", "do-thing --utt_id fixed")
    for typed in ("old-thing", "old_thing", "old"):
        assert cli.main([typed, "more"]) == 7
        shown = capsys.readouterr()
        assert shown.out == "fixed ['more']\n"
        line = "hamzaban: 'old-thing' is now called 'do-thing --utt_id fixed'\n"
        assert shown.err == line


@pytest.mark.parametrize("old", sorted(cli.RENAMED))
def test_old_name_leads_to_a_verb_and_an_option_that_exist(old):
    verbs = cli.list_verbs()
    assert old not in verbs
    name, *fixed = cli.RENAMED[old].split()
    verb = cli.complete_verb(name, verbs)
    assert verb in verbs
    module = importlib.import_module("hamzaban.bin." + verbs[verb].stem)
    text = module.get_parser().format_help()
    for word in fixed:
        assert word == "true" or word in text


@pytest.mark.parametrize(
    "verb", sorted(v for v in cli.list_verbs() if v not in TORCH_VERBS)
)
def test_help_of_a_verb_has_no_artefacts(verb):
    module = importlib.import_module("hamzaban.bin." + cli.list_verbs()[verb].stem)
    text = module.get_parser().format_help()
    for artefact in ("PosixPath", "default: None", "default: )", "default: ["):
        assert artefact not in text


def test_nj_is_described_in_the_same_words_by_each_verb():
    parser = argparse.ArgumentParser()
    cli.add_nj(parser)
    assert "--nj N      number of processes (default: 1)" in parser.format_help()
    assert parser.parse_args(["--nj", "3"]).nj == 3
    with pytest.raises(argparse.ArgumentTypeError, match="0, expected a whole number"):
        cli.count("0")


def test_status_and_output_of_a_verb_are_its_own(verb, capsys):
    assert cli.main([verb, "--utt-id", "a-b", "x"]) == 7
    assert capsys.readouterr().out == "a-b ['x']\n"
    assert cli.main(["do_thing"]) == 7


def test_first_word_of_a_verb_is_enough_where_no_other_begins_with_it(verb, tmp_path):
    assert cli.main(["do", "--utt_id", "a"]) == 7
    (tmp_path / "do_other.py").write_text(VERB)
    assert cli.main(["do"]) == 2


def test_dashes_in_options_equal_underscores():
    words = ["--a-b=c-d", "--a-b", "--x-y z", "-a-b", "a--b-c", "--", "--e-f"]
    expected = ["--a_b=c-d", "--a_b", "--x-y z", "-a-b", "a--b-c", "--", "--e-f"]
    assert cli.normalize_options(words) == expected


def test_errors_of_the_user_are_one_line(verb, capsys):
    assert cli.main([verb, "--utt_id", "bad"]) == 1
    expected = "hamzaban do-thing: data/text:3: utt_id bad is not in wav.scp\n"
    assert capsys.readouterr().err == expected
    assert cli.main([verb, "--utt_id", "file"]) == 1
    expected = "hamzaban do-thing: no/such file: No such file or directory\n"
    assert capsys.readouterr().err == expected


def test_our_bugs_keep_their_traceback(verb, monkeypatch):
    with pytest.raises(KeyError):
        cli.main([verb, "--utt_id", "bug"])
    monkeypatch.setenv(cli.DEBUG_VARIABLE, "1")
    with pytest.raises(ValueError, match="is\nnot"):
        cli.main([verb, "--utt_id", "bad"])


def test_unknown_verb_is_answered_with_the_nearest(verb, capsys):
    assert cli.main(["do-thin"]) == 2
    assert capsys.readouterr().err.endswith("did you mean do-thing?\n")
    assert cli.main(["zzz"]) == 2
    assert capsys.readouterr().err.endswith("known: do-thing\n")


def test_a_closed_pipe_is_no_error():
    code = (
        "import sys; from hamzaban import cli; cli.list_verbs = lambda: {'x': None};"
        "m = type(sys)('hamzaban.bin.x'); sys.modules['hamzaban.bin.x'] = m;"
        "m.main = lambda cmd: print('line\\n' * 100000); sys.exit(cli.main(['x']))"
    )
    command = f'{sys.executable} -c "{code}" | head -n 1; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout == "line\n141\n"
    assert done.stderr == ""


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False)])
def test_booleans_are_true_or_false(text, value):
    assert cli.str2bool(text) is value
    with pytest.raises(Exception, match="'1' is neither true nor false"):
        cli.str2bool("1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirection", "statuses", "message"),
    [
        (">&-", {0}, ""),
        ("1< /dev/null", {141}, ""),
        ("> /dev/full", {1}, "hamzaban: standard output: No space left on device\n"),
    ],
)
@pytest.mark.parametrize("words", ["--help", "--version"])
def test_output_that_cannot_be_written_is_no_traceback(
    redirection, statuses, message, words
):
    command = f"{sys.executable} -m hamzaban {words} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode in statuses
    assert done.stderr == message


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "x", ""])
def test_numbers_of_options_are_numbers(text):
    for read in (cli.finite_float, cli.float_or_inf):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a"):
            read(text)


def test_infinity_is_a_number_of_some_options_only():
    assert cli.float_or_inf("-inf") == -math.inf
    assert cli.finite_float("1e-4") == 1e-4
    with pytest.raises(argparse.ArgumentTypeError, match="'inf', expected a finite"):
        cli.finite_float("inf")


def test_no_option_of_a_verb_takes_nan():
    for path in cli.BIN_DIR.parent.rglob("*.py"):
        found = re.search(r"type=float\b", path.read_text(encoding="utf-8"))
        assert found is None, f"{path}: use cli.finite_float or cli.float_or_inf"


def test_a_line_that_quotes_a_damaged_file_is_short_and_has_no_control_characters():
    error = ValueError(f"a:1: id '{'x' * 70000}\x1b[2J' is not in b; remove the line")
    line = cli.describe_error(error)
    assert len(line) < 1100 and "\x1b" not in line and "\\x1b[2J" in line
    assert line.startswith("a:1: id 'xxx") and line.endswith("remove the line")


def test_a_missing_package_is_one_line_that_names_the_extra(capsys, monkeypatch):
    from hamzaban import cli, extras

    def fail(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="espnet2.tasks")

    monkeypatch.setattr(cli.importlib, "import_module", fail)
    monkeypatch.setattr(extras, "is_installed", lambda name: False)
    assert cli.run_verb("train-asr", []) == 1
    assert capsys.readouterr().err == (
        "hamzaban train-asr: the package espnet2 is not installed; "
        "`pip install 'hamzaban[train]'` installs it\n"
    )
    monkeypatch.setattr(extras, "is_installed", lambda name: True)
    with pytest.raises(ModuleNotFoundError):  # a fault of ours, not of the user
        cli.run_verb("train-asr", [])
