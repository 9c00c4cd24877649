"""The recipes of several languages at once, on corpora made up for them."""

import importlib
import re
import shlex
import subprocess
from dataclasses import replace

import pytest
from tiny_stages import copy_recipe, run
from warm import warm_process

from hamzaban.data.files import read_scp
from published.commonvoice import Clip, make_clips, make_release
from published.speech import draw_sentences
from repository import ROOT

pytestmark = pytest.mark.torch

TRAIN = """\
base: ../../../../conf/train_ctc_joint.yaml
frontend_conf:
    freeze: []
    model_cfg:
        conv_feature_layers: "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2"
        encoder_layers: 1
        encoder_embed_dim: 16
        encoder_ffn_embed_dim: 32
        encoder_attention_heads: 2
        conv_pos: 8
        conv_pos_groups: 2
batch_bins: 240000
max_epoch: 1
num_workers: 0
"""


def test_an_example_for_other_sets_has_a_language_and_a_folder_of_its_own():
    text = (ROOT / "egs2/mini_joint/asr1/run.sh").read_text(encoding="utf-8")
    header = text.partition("set -euo")[0].replace("\\\n#", " ")
    examples = [line for line in header.splitlines() if "--train_set" in line]
    assert examples
    for line in examples:
        assert "--lang q" in line and "--expdir exp/" in line and "--nbpe " in line


def test_commands_of_the_readme_find_the_experiment_and_are_understood(tmp_path):
    recipe = ROOT / "egs2" / "commonvoice_joint" / "asr1"
    text = (recipe / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^    (exp=.*)$", text, re.MULTILINE)
    names = ("stats_raw_mul_bpe1536", "train_ctc_joint_raw_mul_bpe1536_init_xls_r")
    for name in (*names, "train_ctc_joint_shared_raw_mul_bpe1536_init_xls_r"):
        (tmp_path / "exp" / "fa_ar_ur" / f"asr_{name}").mkdir(parents=True)
    command = ["bash", "-c", f'{line}; printf "%s\\n" ${{exp}}']
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.stdout == f"exp/fa_ar_ur/asr_{names[1]}\n"
    blocks = text.replace("\\\n", " ")
    for verb in ("train-lm", "decode-asr"):
        (words,) = re.findall(rf"^    hamzaban {verb} (.*)$", blocks, re.MULTILINE)
        module = importlib.import_module(f"hamzaban.bin.{verb.replace('-', '_')}")
        args = module.get_parser().parse_args(shlex.split(words))
        config = args.config if verb == "train-lm" else args.inference_config
        assert (recipe / config).is_file()


def make_arabic_clips():
    """Return clips of 3 speakers to train on, one of whom reads Persian as well."""
    sentences = iter(draw_sentences("ar", 24))
    clips = [
        Clip(f"train{k % 3}" if k % 3 == 0 else f"ar{k % 3}", next(sentences), 100 + k)
        for k in range(12)
    ]
    for part in ("dev", "test"):
        for k in range(6):
            clip = Clip(f"ar-{part}{k % 2}", next(sentences), 0, ("validated", part))
            clips.append(replace(clip, number=(200 if part == "dev" else 300) + k))
    return clips


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "my corpora"
    make_release(root, "25.0", make_clips())
    make_release(root, "25.0", make_arabic_clips(), "ar")
    return root


@pytest.mark.first_stack  # the model itself is tested on both
def test_commonvoice_joint_from_two_languages_to_a_report(corpus, tmp_path):
    recipe = copy_recipe("commonvoice_joint", tmp_path)
    (recipe / "conf" / "tiny.yaml").write_text(TRAIN, encoding="utf-8")
    decode = "batch_bins: 240000\nlanguage: predicted\n"
    (recipe / "conf" / "decode.yaml").write_text(decode, encoding="utf-8")
    words = ["--langs", "fa ar", "--asr_config", "conf/tiny.yaml"]
    words += ["--inference_config", "conf/decode.yaml", "--stop_stage", "report"]
    words += ["--local_data_opts", "--check_counts false"]
    with warm_process() as path:
        done = run(recipe, *words, path=path, COMMONVOICE=corpus)
    assert done.returncode == 0, done.stderr
    langs = dict(read_scp(recipe / "data" / "train_fa_ar" / "utt2lang"))
    assert sorted(langs.values()).count("fa") == 25  # none of the planted leaks
    assert sorted(langs.values()).count("ar") == 12
    (results,) = (recipe / "exp" / "fa_ar").rglob("asr_tiny*/RESULTS.md")
    text = results.read_text(encoding="utf-8")
    assert "decode/test_fa" in text and "decode/test_ar" in text
    assert "mul(ar=ar-score/" in text and "mul(fa=fa-score/" in text
    config = (results.parent / "config.yaml").read_text(encoding="utf-8")
    assert "head_tokens:" in config
    assert (results.parents[1] / "report.html").is_file()
    heads = dict(read_scp(results.parent / "decode" / "test_fa" / "utt2lang"))
    assert set(heads.values()) <= {"fa", "ar"}


def test_joint_training_of_one_language_is_refused(tmp_path):
    recipe = copy_recipe("commonvoice_joint", tmp_path)
    done = run(recipe, "--langs", "fa", "--stop_stage", "data")
    assert done.returncode == 1
    assert "--langs is 'fa', expected two or more" in done.stderr


def test_languages_of_mini_joint_share_no_word(tmp_path):
    recipe = copy_recipe("mini_joint", tmp_path)
    (recipe / "downloads").mkdir(exist_ok=True)
    corpus = recipe / "downloads" / "mini_ar"
    corpus.symlink_to(ROOT / "egs2/mini_ar/asr1/downloads/mini_ar")
    done = subprocess.run(
        ["local/data.sh"], cwd=recipe, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    words = {}
    for lang in ("qaa", "qab"):
        rows = read_scp(recipe / "data" / f"train_{lang}" / "text")
        words[lang] = {word for _, text in rows for word in text.split()}
    assert (len(words["qaa"]), len(words["qab"])) == (22, 18)
    assert not words["qaa"] & words["qab"]
    rows = read_scp(recipe / "data" / "test_switched" / "text")
    for _, text in rows:
        assert all(set(text.split()) & found for found in words.values())
    langs = set(dict(read_scp(recipe / "data" / "train" / "utt2lang")).values())
    assert langs == {"qaa", "qab"}
