"""Each recipe of a published corpus, on one made up in its layout: data to stats."""

import os
import shutil
import subprocess

import pytest
from tiny_recipe import DECODE, TRAIN

from published.commonvoice import make_clips, make_release, pack
from published.corpora import RECIPES
from repository import ROOT

TINY = (
    "frontend_conf:\n"
    "    freeze: []\n"
    "    model_cfg:\n"
    '        conv_feature_layers: "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2"'
    "\n"
    "        encoder_layers: 1\n"
    "        encoder_embed_dim: 16\n"
    "        encoder_ffn_embed_dim: 32\n"
    "        encoder_attention_heads: 2\n"
    "        conv_pos: 8\n"
    "        conv_pos_groups: 2\n"
)


def copy_recipe(name, root):
    """Copy a recipe into a repository that is else a link to this one."""
    repository = root / "my repository"
    (repository / "egs2").mkdir(parents=True)
    for link in ("local", "conf", "egs2/TEMPLATE"):
        (repository / link).symlink_to(ROOT / link)
    made = ("data", "dump", "exp", "downloads")
    source = ROOT / "egs2" / name / "asr1"
    target = repository / "egs2" / name / "asr1"
    ignore = shutil.ignore_patterns(*made)
    return shutil.copytree(source, target, symlinks=True, ignore=ignore)


def run(recipe, *words, **variables):
    environment = os.environ | {k: str(v) for k, v in variables.items()}
    return subprocess.run(
        ["./run.sh", "--ngpu", "0", "--nj", "2", "--token_type", "char", *words],
        cwd=recipe,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.first_stack  # no stage here imports ESPnet
@pytest.mark.parametrize("name", RECIPES)
def test_recipe_makes_data_tokens_and_stats(name, tmp_path):
    variable, make, options = RECIPES[name]
    if "parquet" in make.__code__.co_names[0]:
        pytest.importorskip("pyarrow")
    corpus = make(tmp_path / "a corpus")
    recipe = copy_recipe(name, tmp_path)
    words = ["--stop_stage", "stats"]
    if options:
        words += ["--local_data_opts", options]
    done = run(recipe, *words, **{variable: corpus})
    assert done.returncode == 0, done.stderr
    shapes = list((recipe / "exp").rglob("asr_stats_*/*/speech_shape"))
    assert sorted(path.parent.name for path in shapes) == ["train", "valid"]
    assert all(path.stat().st_size for path in shapes)


@pytest.mark.parametrize("name", [*RECIPES, "commonvoice"])
def test_recipe_without_its_corpus_says_where_to_get_it(name, tmp_path):
    recipe = copy_recipe(name, tmp_path)
    done = run(recipe, "--stop_stage", "data")
    assert done.returncode == 1
    (line,) = [x for x in done.stderr.splitlines() if x[:4] != "2026" and "http" in x]
    assert "downloads" in line


def test_commonvoice_from_tarball_to_scores(tmp_path):
    """All stages of the recipe, a model of 16 channels, one epoch."""
    recipe = copy_recipe("commonvoice", tmp_path)
    folder = make_release(tmp_path / "corpora", "25.0", make_clips())
    archive = pack(folder, tmp_path / "given out")
    (recipe / "conf").mkdir()
    train = TRAIN.replace("max_epoch: 3", "max_epoch: 1")
    train = train.replace("frontend_conf:\n", TINY)
    (recipe / "conf" / "tiny.yaml").write_text(train, encoding="utf-8")
    (recipe / "conf" / "decode.yaml").write_text(DECODE, encoding="utf-8")
    words = ["--asr_config", "conf/tiny.yaml", "--stop_stage", "score"]
    words += ["--inference_config", "conf/decode.yaml"]
    words += ["--local_data_opts", "--check_counts false"]
    done = run(recipe, *words, COMMONVOICE=archive)
    assert done.returncode == 0, done.stderr
    (results,) = (recipe / "exp" / "fa").rglob("asr_tiny*/RESULTS.md")
    assert "test_fa" in results.read_text(encoding="utf-8")
    text = (recipe / "data" / "train_fa" / "text").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 25  # none of the planted leaks
