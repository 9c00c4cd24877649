"""Transfer between two languages of Common Voice: from corpora to scores of round 0."""

import csv
import os
import subprocess
import textwrap

import pytest
from tiny_recipe import MODEL
from tiny_stages import copy_recipe, write_configs
from warm import warm_process

from hamzaban.pseudo.recipe_options import read_recipe_options
from hamzaban.pseudo.round_options import read_options
from published.commonvoice import Clip, make_release
from published.speech import draw_sentences

pytestmark = pytest.mark.first_stack


SCRATCH = f"""\
base: tiny.yaml
frontend_conf:
    freeze: []
    model_cfg:
{textwrap.indent(MODEL, "    ")}
max_epoch: 1
"""


def make_language(root, lang):
    """Write a release: 12 clips of train, 4 of dev and of test, 8 that are unvalidated.

    One of the unvalidated clips has the sentence of a clip of train.
    """
    drawn = draw_sentences(lang, 28)
    drawn[-1] = drawn[0]
    sentences = iter(drawn)
    parts = {"train": 12, "dev": 4, "test": 4, "other": 8}
    clips = []
    for part, count in parts.items():
        tables = (part,) if part == "other" else ("validated", part)
        for _ in range(count):
            number = 100 + len(clips)
            speaker = f"{part}{number % 3}"
            clips.append(Clip(speaker, next(sentences), number, tables))
    make_release(root, "25.0", clips, lang)


def run(recipe, *words, **variables):
    return subprocess.run(
        ["./transfer.sh", *words],
        cwd=recipe,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_two_languages_from_releases_to_scores(tmp_path):
    recipe = copy_recipe("commonvoice", tmp_path)
    for lang in ("ar", "ur"):
        make_language(tmp_path / "corpora", lang)
    write_configs(recipe)
    (recipe / "conf" / "source.yaml").write_text(SCRATCH, encoding="utf-8")
    words = ["--source", "ar", "--target", "ur", "--ngpu", "0", "--nj", "2"]
    words += ["--local_data_opts", "--check_counts false", "--pseudo_config"]
    words += ["conf/pseudo.yaml rounds=0", "--asr_config", "conf/source.yaml"]
    words += ["--target_config", "conf/source.yaml", "--min_sentences", "11"]
    corpora = {"COMMONVOICE": str(tmp_path / "corpora")}
    with warm_process() as programs:
        path = f"{programs}:{os.environ['PATH']}"
        done = run(recipe, *words, PATH=path, **corpora)
        assert done.returncode == 0, done.stderr
        again = run(recipe, *words, PATH=path, **corpora)
    assert again.returncode == 0 and "was not made yet" not in again.stderr
    text = (recipe / "data/train_ur/text").read_text(encoding="utf-8")
    known = {line.split(" ", 1)[1] for line in text.splitlines()}
    apart = (recipe / "data/sentences_ur").read_text(encoding="utf-8").splitlines()
    assert len(known) == 12 and len(apart) == 11 and set(apart) < known
    assert not (recipe / "dump/raw/unlabelled_ur/text").exists()
    exp = recipe / "exp/ar_ur"
    (row,) = csv.DictReader((exp / "rounds.tsv").open(), delimiter="\t")
    assert row["num_utts"] == "8" and row["wer"] == "-"
    assert "گھر" in (exp / "lm/word/units.txt").read_text(encoding="utf-8").split()
    results = (exp / "RESULTS.md").read_text(encoding="utf-8")
    assert "decode_target/test_ur" in results and "ur-score" in results
    assert (exp / "rounds.png").is_file()


def read_calls(recipe):
    """Return the options of each call of asr.sh; the last of equal names counts."""
    calls = (recipe / "calls").read_text(encoding="utf-8").split("\0\n")[:-1]
    words = [call.split("\0") for call in calls]
    return [dict(zip(call[::2], call[1::2], strict=True)) for call in words]


def make_silent_recipe(root):
    """Copy the recipe; its asr.sh only writes down the options it is given."""
    recipe = copy_recipe("commonvoice", root)
    (recipe / "asr.sh").unlink()
    (recipe / "asr.sh").write_text(
        "#!/bin/sh\nprintf '%s\\0' \"$@\" >> calls\necho >> calls\n"
    )
    (recipe / "asr.sh").chmod(0o755)
    return recipe


def read_pseudo_config(recipe, call):
    """Return the YAML of pseudo-labels, and the options that go to pseudo.sh."""
    config, *changes = call["--pseudo_config"].split()
    return recipe / config, read_recipe_options(recipe / config, changes)


def test_hours_limit_only_the_source_language(tmp_path):
    recipe = make_silent_recipe(tmp_path)
    (recipe / "text").write_text("سلام\n", encoding="utf-8")
    words = ["--source", "ar", "--target", "ur", "--text", "text"]
    words += ["--release", "25.0", "--hours", "5", "--seed", "1"]
    done = run(recipe, *words)
    assert done.returncode == 0, done.stderr
    target, source = read_calls(recipe)
    assert target["--train_set"] == "train_ur" and target["--test_sets"] == "test_ur"
    assert "--suffix _ur " in target["--local_data_opts"]
    assert "--hours" not in target["--local_data_opts"]
    assert source["--train_set"] == "train_ar_5h_seed1"
    assert "--hours 5 --seed 1" in source["--local_data_opts"]
    for call in (target, source):
        assert "--release 25.0" in call["--local_data_opts"]
    _, asked = read_pseudo_config(recipe, source)
    assert asked["data_dir"].endswith(f"/{target['--unlabelled_set']}")
    assert asked["test_dirs"].endswith(f"/{target['--test_sets']}")
    assert asked["pseudo_exp"] == "exp/ar_5h_seed1_ur"


@pytest.mark.parametrize(
    ("words", "kept", "config"),
    [
        ([], ["گل لال"], "pseudo.yaml"),
        (
            ["--same_sentences", "true"],
            ["آب باد", "گل لال"],
            "pseudo_same_sentences.yaml",
        ),
    ],
)
def test_the_text_contains_sentences_to_label_only_if_an_option_allows_it(
    tmp_path, words, kept, config
):
    recipe = make_silent_recipe(tmp_path)
    (recipe / "data/train_ur").mkdir(parents=True)
    lines = ["a-1 آب باد", "a-2 گل لال", "b-1 گل لال"]
    (recipe / "data/train_ur/text").write_text("\n".join([*lines, ""]))
    (recipe / "data/apart_ur").write_text("a-2 Gul, lal.\nb-1 Gul lal\n")
    words = ["--target", "ur", *words]
    done = run(recipe, *words, "--min_sentences", "1")
    assert done.returncode == 0, done.stderr
    text = (recipe / "data/sentences_ur").read_text(encoding="utf-8")
    assert text.splitlines() == kept
    target, source = read_calls(recipe)
    path, asked = read_pseudo_config(recipe, source)
    assert asked["text"] == "data/sentences_ur"
    assert path == recipe / "conf" / config
    rules = {r.metric for r in read_options(path).guard.rules}
    assert ("copied_share" in rules) == ("true" not in words)
    wanted = "--apart " + ("false" if "true" in words else "true")
    assert wanted in target["--local_data_opts"]
    done = run(recipe, *words)
    assert done.returncode == ("true" not in words)
    if done.returncode:
        assert "data/apart_ur: 1 sentences found, expected 1000" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "ar"], "--source and --target are both ar"),
        (["--text", "none.txt"], "--text none.txt: no such file"),
        (["--same_sentences", "yes"], "--same_sentences is 'yes', expected true or"),
        (["--min_sentences", "few"], "--min_sentences is 'few', expected a whole"),
    ],
)
def test_wrong_options_are_one_clear_line(tmp_path, words, message):
    done = run(copy_recipe("commonvoice", tmp_path), *words)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert message in line


def test_help_names_the_options(tmp_path):
    done = run(copy_recipe("commonvoice", tmp_path), "--help")
    assert done.returncode == 0
    assert "--target ur" in done.stdout and "--pseudo_config" in done.stdout
