"""perso_arabic/asr1: corpora are mixed without leaks; the grid runs with tiny
models."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from tiny_stages import copy_recipe
from tiny_wav2vec2 import write_tiny_checkpoint
from warm import warm_process

from hamzaban.config import read_config
from hamzaban.data.files import read_scp
from published.commonvoice import make_clips, make_release
from published.corpora import (
    make_mediaspeech,
    make_mgb2,
    make_parquet,
    make_persian_speech_corpus,
)
from repository import ROOT

pytestmark = pytest.mark.torch

RECIPE = ROOT / "egs2" / "perso_arabic" / "asr1"
TINY = """\
base: ../../../../conf/train_ctc.yaml
frontend_conf: {mask_channel_prob: 0.0}
batch_bins: 240000
max_updates: 2
keep_nbest_models: 1
num_workers: 0
"""


def write_mix(recipe, lang, **options):
    """Reduce the options of a mix to what made-up corpora need."""
    path = recipe / "conf" / "mix" / f"{lang}.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, words in options.items():
        values["corpora"][name]["options"] = words
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def call(recipe, *words, path=None, **variables):
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        words, cwd=recipe, env=environment, capture_output=True, text=True, timeout=3000
    )


def read_set(recipe, name):
    return dict(read_scp(recipe / "data" / name / "text"))


def test_mixes_equal_those_of_the_paper():
    totals = {}
    for lang in ("ur", "fa", "ar"):
        path = RECIPE / "conf" / "mix" / f"{lang}.yaml"
        corpora = yaml.safe_load(path.read_text(encoding="utf-8"))["corpora"]
        pairs = [values["hours"] for values in corpora.values()]
        totals[lang] = [round(sum(hours), 1) for hours in zip(*pairs, strict=True)]
    assert totals == {"ur": [60.0, 10.7], "fa": [68.0, 11.8], "ar": [73.0, 11.5]}
    values, _ = read_config(RECIPE / "conf" / "finetune.yaml")
    assert values["batch_bins"] * values["accum_grad"] == 400 * 16000
    assert values["frontend_conf"]["freeze_updates"] == 200


@pytest.mark.first_stack
def test_whole_and_cut_recordings_are_mixed_and_share_no_sentence(tmp_path):
    recipe = copy_recipe("perso_arabic", tmp_path)
    write_mix(recipe, "ar", mgb2=["--check_counts", "false"])
    places = {"MEDIASPEECH": make_mediaspeech(tmp_path / "media é")}
    places["MGB2"] = make_mgb2(tmp_path / "mgb2")
    done = call(recipe, "local/data.sh", "--lang", "ar", **places)
    assert done.returncode == 0, done.stderr
    assert "commonvoice is left out: db.sh: COMMONVOICE is empty" in done.stderr
    train, valid, test = (
        read_set(recipe, f"{n}_ar") for n in ("train", "valid", "test")
    )
    assert {utt_id.split("-")[0] for utt_id in train} == {"slr108", "mgb2"}
    held_out = {*valid.values(), *test.values()}
    assert held_out and not held_out & set(train.values())
    assert "sentence of valid or test" in done.stderr
    checked = call(recipe, "hamzaban", "validate-data", "data/train_ar", "data/test_ar")
    assert checked.returncode == 0, checked.stderr


def test_corpora_in_parquet_are_unpacked_apart(tmp_path):
    pytest.importorskip("pyarrow")
    recipe = copy_recipe("perso_arabic", tmp_path)
    corpora = {"SME_NEWS": "sme_news", "INDICVOICES": "indicvoices"}
    places = {name: make_parquet(tmp_path / name, "ur") for name in corpora}
    done = call(recipe, "local/data.sh", "--lang", "ur", **places)
    assert done.returncode == 0, done.stderr
    for name in corpora.values():
        (table,) = (recipe / "downloads" / name).glob("*/metadata.jsonl")
        scp = read_scp(recipe / "data" / "parts" / "ur" / name / "train" / "wav.scp")
        places = {Path(audio).parents[1] for _, audio in scp}
        assert places == {table.parent.relative_to(recipe)}


def test_without_corpora_one_line_says_which_to_name(tmp_path):
    recipe = copy_recipe("perso_arabic", tmp_path)
    done = call(recipe, "local/data.sh", "--lang", "ur")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "all corpora are empty; name one of COMMONVOICE, SME_NEWS, TINY_URDU, "
        "INDICVOICES"
    )
    done = call(recipe, "local/data.sh", "--lang", "ur", SME_NEWS="nowhere")
    assert "SME_NEWS is nowhere: no such file or folder" in done.stderr


@pytest.mark.first_stack
def test_the_grid_of_checkpoints_and_tokens_runs_up_to_its_table(tmp_path):
    recipe = copy_recipe("perso_arabic", tmp_path)
    write_mix(
        recipe, "fa", persian_speech_corpus=["--check_counts", "false"],
        commonvoice=["--lang", "fa", "--check_counts", "false"],
    )  # fmt: skip
    (recipe / "conf" / "finetune.yaml").write_text(TINY, encoding="utf-8")
    grid = recipe / "conf" / "grid.yaml"
    text = grid.read_text(encoding="utf-8")
    grid.write_text(text.replace('"512"', '"20"'), encoding="utf-8")
    make_release(tmp_path / "corpora", "25.0", make_clips())
    corpus = make_persian_speech_corpus(tmp_path / "psc")
    places = {"COMMONVOICE": tmp_path / "corpora", "PERSIAN_SPEECH_CORPUS": corpus}
    for seed, name in enumerate(("XLS_R", "CP1")):
        places[name] = write_tiny_checkpoint(tmp_path / "é" / f"{name}.pt", seed)
    words = ["./run.sh", "--ngpu", "0", "--nj", "1", "--only", "lang=fa"]
    with warm_process() as path:
        done = call(recipe, *words, "--only", "start=xls-r,cp1", path=path, **places)
    assert done.returncode == 0, done.stderr
    assert "# WER of 4 cells: 4 done" in done.stdout
    for name in ("xls-r char", "xls-r bpe512", "cp1 char", "cp1 bpe512"):
        assert f"|{name}|" in done.stdout
    shown = call(recipe, *words, "--tables_only", "true", **places)
    assert shown.returncode == 0, shown.stderr
    assert "# WER of 8 cells: 4 done, 4 waiting" in shown.stdout
