"""Every recipe is complete and in the common form."""

import os
import re
import subprocess

import pytest

from hamzaban.config import read_config, write_config
from repository import ROOT, list_recipes, name_of

RECIPES = list_recipes()
FILES = ["README.md", "asr.sh", "path.sh", "run.sh", "local/data.sh"]
PROGRAMS = ["asr.sh", "run.sh", "local/data.sh"]
GRIDS = ("perso_arabic", "transfer")  # their run.sh calls `hamzaban run-grid`

each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=name_of)


def test_there_is_a_recipe():
    assert ROOT / "egs2" / "mini_ar" / "asr1" in RECIPES


@each_recipe
def test_files_are_there(recipe):
    assert [name for name in FILES if not (recipe / name).is_file()] == []
    assert [name for name in PROGRAMS if not os.access(recipe / name, os.X_OK)] == []


@pytest.mark.parametrize("folder", sorted((ROOT / "egs2").glob("*/asr1")), ids=name_of)
def test_links_are_relative_and_lead_into_the_repository(folder):
    for path in folder.rglob("*"):
        if path.is_symlink() and path.relative_to(folder).parts[0] not in (
            "data",
            "dump",
            "exp",
        ):
            assert not path.readlink().is_absolute(), path
            assert path.resolve(strict=True).is_relative_to(ROOT), path


@each_recipe
def test_the_driver_is_the_shared_one(recipe):
    assert (recipe / "asr.sh").resolve() == ROOT / "local" / "asr.sh"


@each_recipe
def test_run_fits_on_a_page_and_names_files_that_exist(recipe):
    text = (recipe / "run.sh").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    configs = re.findall(r"^\s*--\w*config\s+(.+\.yaml.*?)", text, re.MULTILINE)
    configs = [name for names in configs for name in names.strip('"').split()]
    assert configs != []
    assert [name for name in configs if not (recipe / name).is_file()] == []


def run(recipe, *words):
    return subprocess.run(
        ["./run.sh", *words], cwd=recipe, capture_output=True, text=True, timeout=60
    )


@pytest.mark.slow
@each_recipe
def test_help_shows_stages_and_options_under_the_name_that_was_typed(recipe):
    shown = run(recipe, "--help")
    assert shown.returncode == 0, shown.stderr
    if recipe.parent.name in GRIDS:
        assert "--only AXIS=NAME,NAME" in shown.stdout
        return
    assert re.search(r"^ *8 train ", shown.stdout, re.MULTILINE)
    assert "Usage: ./run.sh " in shown.stdout and "asr.sh: " not in shown.stderr
    text = (recipe / "run.sh").read_text(encoding="utf-8").partition("rest=()")[0]
    for name in re.findall(r"^([a-z_]+)=[^\n]*# ", text, re.MULTILINE):
        assert re.search(rf"^  --{name} .*# ", shown.stdout, re.MULTILINE), name


@pytest.mark.slow
@each_recipe
def test_wrong_option_is_one_clear_line(recipe):
    shown = run(recipe, "--no_such_option", "1")
    *usage, line = shown.stderr.splitlines()
    assert "--no_such_option" in line
    if recipe.parent.name in GRIDS:
        assert shown.returncode == 2 and "usage: hamzaban run-grid" in usage[0]
    else:
        assert shown.returncode == 1 and usage == []
        assert line.startswith("run.sh: ")


MODEL_CONFIGS = [
    path
    for recipe in RECIPES
    for pattern in ("train*.yaml", "pretrain*.yaml")
    for path in sorted((recipe / "conf").glob(pattern))
]


@pytest.mark.torch
@pytest.mark.parametrize("path", MODEL_CONFIGS, ids=name_of)
def test_configuration_builds_a_model(path, tmp_path):
    """A dry run: the model and its optimizer are built, nothing is read or trained."""
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("<blank>\n<unk>\n<space>\nب\n<sos/eos>\n", encoding="utf-8")
    config = tmp_path / "config.yaml"
    write_config(read_config(path)[0], config, "merged")
    options = ["--config", str(config), "--output_dir", str(tmp_path / "exp")]
    options += ["--dry_run", "true", "--ngpu", "0"]
    if path.name.startswith("pretrain"):
        from hamzaban.bin.train_ssl import main

        shapes = tmp_path / "speech_shape"  # the schedule's length comes from it
        shapes.write_text("a 16000\nb 32000\n", encoding="utf-8")
        for part in ("train", "valid"):
            options += [
                f"--{part}_data_path_and_name_and_type",
                f"{shapes},speech,sound",
            ]
            options += [f"--{part}_shape_file", str(shapes)]
    else:
        from hamzaban.bin.train_asr import main

        options += ["--token_type", "char", "--token_list", str(tokens)]
        seed = path.parents[1] / "downloads/seed/wav2vec2.pt"
        if seed.is_file() and "scratch" not in path.name:
            options += ["--ssl_checkpoint", str(seed)]
    assert main(options) == 0
