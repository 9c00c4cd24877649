"""transfer/asr1: two checkpoints, two languages, two seeds; a cell that fails."""

import csv
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from tiny_stages import copy_recipe
from tiny_wav2vec2 import write_tiny_checkpoint
from warm import warm_process

from hamzaban.grid.cells import list_cells, list_preparations
from hamzaban.grid.definition import Choice, read_grid
from published.commonvoice import make_clips, make_release
from repository import ROOT

pytestmark = pytest.mark.torch

TINY = """\
base: ../../../../conf/tuning/train_ctc_tristage_4k.yaml
frontend_conf: {mask_channel_prob: 0.0}
batch_bins: 240000
max_updates: 2
keep_nbest_models: 1
num_workers: 0
"""
CORPUS = "corpora"
BROKEN = "r2 fa 1"  # checkpoint, language, seed


@pytest.fixture
def recipe(tmp_path):
    """Return the recipe with a smaller grid, beside a release of two languages."""
    recipe = copy_recipe("transfer", tmp_path)
    for lang in ("fa", "ckb"):
        make_release(tmp_path / CORPUS, "7.0", make_clips(), lang)
    folder = tmp_path / "my checkpoints é"
    folder.mkdir()
    for seed, name in enumerate(("r1", "r2")):
        write_tiny_checkpoint(folder / f"{name}.pt", seed)
    (recipe / "conf" / "finetune.yaml").write_text(TINY, encoding="utf-8")
    path = recipe / "conf" / "grid.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["axes"] = {
        "checkpoint": {name: "{checkpoints}/" + f"{name}.pt" for name in ("r1", "r2")},
        "lang": ["fa", "ckb"],
        "seed": [0, 1],
    }
    values["variables"] |= {"hours": 0.005, "data_opts": "--check_counts false"}
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return recipe


def run(recipe, path, *words):
    root = recipe.parents[3]
    ours = {
        "COMMONVOICE": str(root / CORPUS),
        "CHECKPOINTS": str(root / "my checkpoints é"),
        "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        ["./run.sh", "--ngpu", "0", "--nj", "1", *words],
        cwd=recipe,
        env=os.environ | ours,
        capture_output=True,
        text=True,
        timeout=3000,
    )


def read_cells(recipe):
    with open(recipe / "exp/grid/cells.tsv", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return {f"{r['compared']} {r['condition']} {r['repeat']}": r for r in rows}


def test_configs_have_the_values_of_the_study():
    from hamzaban.config import read_config

    values, _ = read_config(ROOT / "egs2/transfer/asr1/conf/finetune.yaml")
    assert (values["max_updates"], values["optim_conf"]["lr"]) == (4000, 6.0e-5)
    ratios = [values["scheduler_conf"][f"{n}_ratio"] for n in ("warmup", "hold")]
    assert ratios == [0.1, 0.4]
    assert values["frontend_conf"]["freeze"] == ["feature_extractor"]
    grid, _ = read_config(ROOT / "egs2/transfer/asr1/conf/grid.yaml")
    assert grid["variables"]["hours"] == 5 and len(grid["axes"]["seed"]) == 3


@pytest.mark.parametrize("name", ["transfer", "perso_arabic"])
def test_grids_of_different_data_share_no_folder_and_note_every_config(
    name, monkeypatch
):
    """README: --set release=25.0 --set hours=1 --exp_dir exp/cv25_1h."""
    monkeypatch.chdir(ROOT / "egs2" / name / "asr1")
    choices = [{}, {"release": "25.0"}, {"hours": "1"}]
    if name == "perso_arabic":
        choices = [{}, {"data_opts": "--mix conf/mix/small.yaml", "part": "_small"}]
    seen: set[str] = set()
    for variables in choices:
        grid = read_grid("conf/grid.yaml", Choice(variables, {"lang": ["fa"]}))
        tasks = list_cells(grid, Path("exp")) + list_preparations(grid, Path("exp"))
        words = [word for task in tasks for word in task.step.command]
        sets = {w for w in words if w.startswith(("train_", "valid_", "test_"))}
        assert len(sets) == 3 and not sets & seen
        (suffix,) = {name.partition("_")[2] for name in sets}
        assert all(f"--suffix _{suffix} " in w for w in words if "--suffix" in w)
        inputs = {str(path) for path in tasks[0].step.inputs}
        data = {path for path in inputs if path.startswith(("dump/", "data/"))}
        assert len(data) >= 4 and not data & seen
        seen |= sets | data
        tokens = {path for path in data if path.endswith("tokens.txt")}
        assert tokens <= {f"data/{suffix}_token_list/char/tokens.txt"}
        configs = {os.path.relpath(path, ROOT) for path in inputs - data}
        assert configs >= {"conf/train_ctc.yaml", "conf/decode.yaml"}


@pytest.mark.first_stack
def test_the_grid_with_a_cell_that_fails_and_a_rerun(recipe):
    """The failing cell finds a file in place of its folder."""
    block = recipe / "exp/grid" / BROKEN.replace(" ", "/") / "asr_stats_raw_fa_char"
    block.parent.mkdir(parents=True)
    block.write_text("no folder", encoding="utf-8")
    with warm_process() as path:
        done = run(recipe, path)
        assert done.returncode == 3, done.stderr
        assert "7 of 8 cells are done" in done.stdout
        cells = read_cells(recipe)
        assert {n for n, c in cells.items() if c["state"] == "failed"} == {BROKEN}
        assert "|r2|" in done.stdout and "1 failed" in done.stdout
        log = (recipe / cells[BROKEN]["log"]).read_text(encoding="utf-8")
        assert "asr_stats_raw_fa_char" in log
        rates = {n: c["cer"] for n, c in cells.items() if n != BROKEN}
        models = sorted((recipe / "exp/grid").rglob("valid.wer.ave.pth"))
        times = [model.stat().st_mtime_ns for model in models]
        assert len(times) == 7 and all(map(float, rates.values()))
        block.unlink()
        again = run(recipe, path)
    assert again.returncode == 0, again.stderr
    assert "1 of 8 cells are to be run" in again.stderr
    assert [model.stat().st_mtime_ns for model in models] == times
    cells = read_cells(recipe)
    assert {cell["state"] for cell in cells.values()} == {"done"}
    assert rates == {n: c["cer"] for n, c in cells.items() if n != BROKEN}
    assert (recipe / "exp/grid/heatmap.png").stat().st_size > 5000
    assert "Kruskal-Wallis" in again.stdout


@pytest.mark.first_stack
def test_a_language_without_data_fails_and_says_so(recipe):
    words = ["--only", "lang=fa", "--only", "seed=0", "--set", "release=8.0"]
    done = run(recipe, recipe, *words)
    assert done.returncode == 1
    assert "|failed|" not in done.stdout
    assert "see exp/grid/prepare/fa/prepare.log" in done.stderr.splitlines()[-1]
