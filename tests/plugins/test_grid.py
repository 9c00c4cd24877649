"""Grids of experiments: cells as jobs, kills, failures, tables."""

import csv
import functools
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
import yaml

from hamzaban.bin.run_grid import main as run_grid
from hamzaban.grid.cells import list_cells, look_at
from hamzaban.grid.definition import Choice, read_grid
from hamzaban.grid.report import format_p
from hamzaban.grid.table import read_score

pytestmark = pytest.mark.slow

RESULT = """\
Text as scored, normalizer {lang}-score/1:abc
       | Sum/Avg|    3    200 | 80.0   10.0   10.0    0.0   20.0   50.0 |
       | Sum    |    3    200 |  160     20     20      0 {errors:6d}      2 |
"""
dump = functools.partial(yaml.safe_dump, sort_keys=False, allow_unicode=True)
# A "training" that counts its calls, may fail or hang, and writes a result.txt.
WORK = """\
set -eu
mkdir -p "$1/asr_x/decode/test/score_cer"
echo run >> "$1/calls"
[ ! -e "{root}/fail $2" ] || exit 5
while [ -e "{root}/hang $2" ]; do sleep 0.05; done
cp "{root}/result $2" "$1/asr_x/decode/test/score_cer/result.txt"
"""
ERRORS = {"good": 10, "bad": 50, "worst": 90}  # of 200; a seed adds its number


@pytest.fixture
def grid(tmp_path):
    root = tmp_path / "a é"
    root.mkdir()
    for name, errors in ERRORS.items():
        (root / f"{name}.pt").write_text(name)
        for lang in ("fa", "ar"):
            for seed in range(3):
                text = RESULT.format(lang=lang, errors=errors + 7 * seed)
                (root / f"result {name} {lang} {seed}").write_text(text)
    (root / "work.sh").write_text(WORK.format(root=root))
    work = ["bash", "{root}/work.sh", "{dir}"]
    prepare = "echo {lang} >> '{root}/prepared'; [ ! -e '{root}/no {lang}' ]"
    values = {
        "variables": {"root": str(root), "nj": 1},
        "axes": {
            "start": {name: "{root}/" + f"{name}.pt" for name in ERRORS},
            "lang": ["fa", "ar"],
            "seed": [0, 1, 2],
        },
        "prepare": {"axes": ["lang"], "command": ["bash", "-c", prepare]},
        "cell": {
            "command": [*work, "{start_name} {lang} {seed}", "--nj", "{nj}"],
            "inputs": ["{start}"],
            "result": "{dir}/asr_x/decode/test/score_cer/result.txt",
        },
        "compared": "start",
        "conditions": "lang",
        "repeats": "seed",
    }
    (root / "grid.yaml").write_text(dump(values), encoding="utf-8")
    return root


def words_of(root, *more):
    config = str(root / "grid.yaml")
    return ["--config", config, "--exp_dir", str(root / "exp"), *more]


def summarize_grid(words):
    return run_grid([*words, "--tables_only", "true"])


def states(root, **choice):
    found = read_grid(root / "grid.yaml", Choice(**choice))
    cells = list_cells(found, root / "exp")
    return {" ".join(c.names.values()): look_at(c).name for c in cells}


def calls(root, cell):
    path = root / "exp" / cell.replace(" ", "/") / "calls"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_grid_is_run_once_and_a_failed_cell_does_not_stop_others(grid, capsys):
    (grid / "fail bad fa 1").touch()
    assert run_grid(words_of(grid)) == 3
    out = capsys.readouterr().out
    assert "17 of 18 cells are done" in out
    assert out.endswith((grid / "exp/RESULTS.md").read_text(encoding="utf-8"))
    assert (grid / "prepared").read_text().split() == ["fa", "ar"]
    found = states(grid)
    assert found.pop("bad fa 1") == "failed"
    assert set(found.values()) == {"done"}
    (grid / "fail bad fa 1").unlink()
    assert run_grid(words_of(grid, "--set", "nj=4")) == 0
    assert calls(grid, "bad fa 1") == 2
    assert [calls(grid, cell) for cell in found] == [1] * 17
    (grid / "good.pt").write_text("another checkpoint")
    assert states(grid)["good ar 2"] == "outdated"
    assert run_grid(words_of(grid, "--only", "lang=ar")) == 0
    assert calls(grid, "good ar 2") == 2 and calls(grid, "good fa 2") == 1


def test_a_grid_without_its_corpus_says_so_once(grid, capsys, caplog):
    values = yaml.safe_load((grid / "grid.yaml").read_text())
    values["prepare"]["command"] = ["bash", "-c", "echo no corpus in {lang}; exit 1"]
    (grid / "grid.yaml").write_text(dump(values))
    message = "no cell is run; lang=fa ended with: no corpus in fa; the same for 1 more"
    with pytest.raises(ValueError, match=message):
        run_grid(words_of(grid))
    assert "failed" not in caplog.text + capsys.readouterr().out


def test_missing_checkpoints_are_named_once_after_what_is_prepared(grid, caplog):
    for name in ("good", "bad"):
        (grid / f"{name}.pt").unlink()
    assert run_grid(words_of(grid)) == 3
    assert (grid / "prepared").read_text().split() == ["fa", "ar"]
    for name in ("good", "bad"):
        place = f"{grid}/{name}.pt (of 6)"
        assert caplog.text.count(place) == 1
    assert sum(record.levelname == "ERROR" for record in caplog.records) <= 13
    found = states(grid)
    assert {found[cell] for cell in found if cell.startswith("worst")} == {"done"}
    (grid / "worst.pt").unlink()
    (grid / "worst.pt").with_name("exp").rename(grid / "old")
    with pytest.raises(
        FileNotFoundError, match=r"no cell can be run: .*worst.pt \(of 6"
    ):
        run_grid(words_of(grid))


def test_a_dry_run_prints_the_commands_and_makes_nothing(grid, capsys):
    words = ["--only", "seed=0", "--only", "lang=fa", "--nj", "3"]
    assert run_grid(words_of(grid, *words, "--dry_run", "true")) == 0
    prepare, *cells = capsys.readouterr().out.splitlines()
    assert shlex.split(prepare)[:2] == ["bash", "-c"]
    work, folder = f"{grid}/work.sh", f"{grid}/exp/good/fa/0"
    assert shlex.split(cells[0]) == ["bash", work, folder, "good fa 0", "--nj", "3"]
    assert len(cells) == 3 and not (grid / "exp").exists()


def test_a_failure_is_shown_as_failed_and_not_as_missing(grid, capsys):
    for cell in ("bad fa 1", "worst ar 0", "worst ar 1", "worst ar 2"):
        (grid / f"fail {cell}").touch()
    run_grid(words_of(grid, "--only", "seed=0,1"))
    capsys.readouterr()
    assert summarize_grid(words_of(grid)) == 0
    text = capsys.readouterr().out
    assert text == (grid / "exp/RESULTS.md").read_text(encoding="utf-8")
    assert "# CER of 18 cells: 9 done, 3 failed, 6 waiting" in text
    assert "|bad|25.00 (1 failed, 1 waiting)|26.75 ± 2.47 (1 waiting)|" in text
    assert "|worst|46.75 ± 2.47 (1 waiting)|failed|" in text
    assert "|normalizer|`fa-score/1:abc`|`ar-score/1:abc`|" in text
    assert "The mean leaves out ar" in text
    log = grid / "exp/bad/fa/1/cell.log"
    assert f"|bad|fa|1|failed|status 5, see {log}|" in text
    with open(grid / "exp/cells.tsv", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert len(rows) == 18
    row = next(r for r in rows if r["state"] == "failed")
    assert row["log"] and row["cer"] == ""
    assert (grid / "exp/heatmap.png").read_bytes()[:4] == b"\x89PNG"


def test_report_has_ranks_and_significance_tests(grid, capsys):
    run_grid(words_of(grid))
    capsys.readouterr()
    summarize_grid(words_of(grid))
    text = capsys.readouterr().out
    assert "|good|8.50 ± 3.50|8.50 ± 3.50|" in text
    assert "|good|1|1|1|" in text and "|worst|3|3|3|" in text
    # Three groups of three, all ranks apart: H = 7.2, p = exp(-3.6).
    assert "|fa|7.20|2|0.0273|3 of 3|" in text
    with open(grid / "exp/pairs.tsv", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert [row["condition"] for row in rows] == ["fa"] * 3 + ["ar"] * 3 + ["all"] * 3
    assert rows[-1]["first"] == "bad" and rows[-1]["second"] == "worst"
    assert float(rows[-1]["t"]) < 0 and float(rows[-1]["p_holm"]) < 1e-3


def test_cells_whose_preparation_fails_are_failed_with_its_log(grid):
    (grid / "no fa").touch()
    assert run_grid(words_of(grid)) == 3
    found = states(grid)
    assert {found[cell] for cell in found if " fa " in cell} == {"failed"}
    assert {found[cell] for cell in found if " ar " in cell} == {"done"}
    cells = list_cells(read_grid(grid / "grid.yaml"), grid / "exp")
    (cell,) = [c for c in cells if list(c.names.values()) == ["good", "fa", "0"]]
    assert look_at(cell).detail.endswith("exp/prepare/fa/prepare.log")
    (grid / "no fa").unlink()
    assert run_grid(words_of(grid)) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_grid_continues(grid, number):
    (grid / "hang good ar 1").touch()
    words = words_of(grid, "--only", "lang=ar", "--only", "start=good")
    command = [sys.executable, "-m", "hamzaban", "run-grid", *words]
    command += ["--max_jobs", "1"]
    process = subprocess.Popen(command, start_new_session=True)
    limit = time.monotonic() + 300
    while not calls(grid, "good ar 1") and time.monotonic() < limit:
        time.sleep(0.05)
    found = states(grid)
    assert found["good ar 1"] == "running" and found["good ar 2"] == "waiting"
    os.kill(process.pid, number)
    process.wait()
    while states(grid)["good ar 1"] == "running" and time.monotonic() < limit:
        time.sleep(0.05)
    assert states(grid)["good ar 1"] == "stopped"
    (grid / "hang good ar 1").unlink()
    assert run_grid(words) == 0
    assert calls(grid, "good ar 1") == 2 and calls(grid, "good ar 0") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "per"}, "metric: 'per' found, expected wer, cer, mer, ter"),
        ({"repeats": "lang"}, "expected each of the axes once: start, lang, seed"),
        ({"cells": {}}, "'cells' is unknown; did you mean cell"),
        ({"cell": {"command": ["x"]}}, "cell: result missing; add it"),
        (
            {"cell": {"command": ["{speaker}"], "result": "x"}},
            r"\{speaker\} is unknown; known: dir, lang, lang_name",
        ),
        ({"axes": {"lang": ["a/b"]}}, "name 'a/b' has /"),
        ({"axes": {"lang": {"a": "{lang}"}}}, r"its {} is not a variable; known: root"),
        ({"prepare": {"axes": ["x"], "command": ["y"]}}, "there is no axis x"),
    ],
)
def test_a_wrong_grid_is_one_clear_line(grid, change, message):
    path = grid / "grid.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8")) | change
    path.write_text(dump(values), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_grid(path)


def test_a_wrong_choice_is_one_clear_line(grid):
    for words, message in (
        (["--only", "lang=de"], "axis lang has no de; known: fa, ar"),
        (["--only", "speaker=1"], "no axis speaker; known: start, lang, seed"),
        (["--set", "x=1"], "variable x is unknown; known: root, nj"),
        (["--set", "x"], "--set x: expected NAME=VALUE"),
    ):
        with pytest.raises(ValueError, match=message):
            run_grid(words_of(grid, *words))


def test_a_value_of_several_words_becomes_several_words_of_the_command(grid):
    path = grid / "grid.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["axes"]["start"] = {"bpe": ["--token_type", "bpe"], "none": ""}
    values["cell"] |= {"command": ["x", "{start}", "{start} y"], "inputs": ["{start}"]}
    values["axes"] |= {"lang": ["fa"], "seed": [1]}
    path.write_text(dump(values), encoding="utf-8")
    bpe, none = list_cells(read_grid(path), grid / "exp")
    assert bpe.step.command == ("x", "--token_type", "bpe", "--token_type bpe y")
    assert none.step.command == ("x", "", " y") and none.step.inputs == ()


def test_a_change_of_a_base_config_makes_a_cell_outdated(grid):
    path = grid / "grid.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["cell"]["inputs"].append("{root}/fine é.yaml")
    path.write_text(dump(values), encoding="utf-8")
    (grid / "fine é.yaml").write_text("base: tuning/base.yaml\n")
    (grid / "tuning").mkdir()
    (grid / "tuning" / "base.yaml").write_text("base: ../train.yaml\n")
    (grid / "train.yaml").write_text("lr: 1\n")
    words = ["--only", "start=good", "--only", "lang=fa", "--only", "seed=0"]
    assert run_grid(words_of(grid, *words)) == 0
    (grid / "train.yaml").write_text("lr: 2\n")
    assert states(grid)["good fa 0"] == "outdated"
    assert run_grid(words_of(grid, *words)) == 0
    assert calls(grid, "good fa 0") == 2 and states(grid)["good fa 0"] == "done"
    (grid / "fine é.yaml").write_text("base: gone.yaml\n")  # the cell would fail
    assert states(grid)["good fa 0"] == "outdated"


def test_a_variable_may_contain_earlier_ones(grid):
    path = grid / "grid.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["variables"] |= {"hours": 5, "part": "{hours}h"}
    values["cell"]["command"] = ["x", "{part}"]
    path.write_text(dump(values), encoding="utf-8")
    for chosen, part in (({}, "5h"), ({"hours": "1"}, "1h"), ({"part": "{a}"}, "{a}")):
        cells = list_cells(read_grid(path, Choice(chosen)), grid / "exp")
        assert {cell.step.command for cell in cells} == {("x", part)}
    values["variables"] |= {"hours": "{part}"}
    path.write_text(dump(values), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"\{part\}: its {} is not a variable; known: r"
    ):
        read_grid(path)


def test_axes_may_be_compared_together(grid, capsys):
    path = grid / "grid.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values |= {"compared": ["start", "lang"], "conditions": "seed", "repeats": "x"}
    values["axes"]["x"] = ["0"]
    values["axes"]["start"].pop("worst")
    path.write_text(dump(values), encoding="utf-8")
    assert run_grid(words_of(grid, "--only", "seed=0,1")) == 0
    summarize_grid(words_of(grid, "--only", "seed=0,1"))
    text = capsys.readouterr().out
    assert "|good fa|5.00|8.50|" in text and "|bad ar|25.00|28.50|" in text
    assert "|good fa|1.5|1.5|1.5|" in text


def test_scores_are_read_from_counts(tmp_path):
    path = tmp_path / "asr_x/decode/test/score_cer/result.txt"
    path.parent.mkdir(parents=True)
    path.write_text(RESULT.format(lang="fa", errors=41), encoding="utf-8")
    assert read_score(path).rate == 20.5
    path.write_text(RESULT.splitlines()[1], encoding="utf-8")
    with pytest.raises(ValueError, match="no line of sums"):
        read_score(path)


def test_small_p_values_are_shown_as_bounds():
    assert [format_p(p) for p in (0.5, 1e-9, float("nan"))] == [
        "0.5000",
        "< 0.0001",
        "-",
    ]


@pytest.mark.parametrize("values", ["{}", '{"status": "5", "log": "a"}', '["a"]', "{"])
def test_a_status_that_was_not_written_so_is_named(grid, caplog, values):
    cell = list_cells(read_grid(grid / "grid.yaml"), grid / "exp")[0]
    cell.folder.mkdir(parents=True)
    path = cell.folder / "status.json"
    path.write_text(values, encoding="utf-8")
    assert look_at(cell).name == "waiting"
    (line,) = caplog.messages
    assert line.startswith(f"{path}: damaged (") and "made again" in line
