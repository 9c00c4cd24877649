"""A new recipe over a folder of audio and a table: made by a command, and it runs."""

import shutil
import subprocess

import pytest

from published.speech import draw_sentences, write_audio, write_lines
from repository import ROOT


@pytest.fixture
def repository(tmp_path):
    """A copy of what a recipe needs, in a folder with a space."""
    root = tmp_path / "my repository"
    for name in ("local", "egs2/TEMPLATE"):
        shutil.copytree(ROOT / name, root / name, symlinks=True)
    (root / "conf").symlink_to(ROOT / "conf")
    (root / "egs2" / "mini_ar").symlink_to(ROOT / "egs2" / "mini_ar")
    return root


@pytest.fixture
def table(tmp_path):
    rows = ["path,sentence,speaker"]
    for k, sentence in enumerate(draw_sentences("sw", 30)):
        write_audio(tmp_path / "my own é" / "clips" / f"{k}.mp3", sentence, 32000)
        rows.append(f"{k}.mp3,{sentence},s{k % 6}")
    write_lines(tmp_path / "my own é" / "data.csv", rows)
    return tmp_path / "my own é" / "data.csv"


def run(*words, cwd):
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=600)


def test_a_table_becomes_a_recipe_that_runs(repository, table):
    made = run(
        *("local/new_recipe.sh", "my_corpus", "--lang", "sw", "--source", str(table)),
        cwd=repository,
    )
    assert made.returncode == 0, made.stderr
    recipe = repository / "egs2" / "my_corpus" / "asr1"
    words = ["--ngpu", "0", "--nj", "2", "--stop_stage", "stats"]
    done = run("./run.sh", *words, cwd=recipe)
    assert done.returncode == 0, done.stderr
    assert (recipe / "data" / "sw_token_list" / "char" / "tokens.txt").is_file()
    stats = recipe / "exp" / "asr_stats_raw_sw_char"
    assert (stats / "valid" / "speech_shape").is_file()
    sets = [recipe / "data" / name / "utt2spk" for name in ("train", "valid", "test")]
    counts = [len(path.read_text().splitlines()) for path in sets]
    assert sum(counts) == 30
    assert min(counts) >= 5  # a speaker


def test_a_recipe_without_data_says_what_to_do(repository):
    run("local/new_recipe.sh", "later", cwd=repository)
    recipe = repository / "egs2" / "later" / "asr1"
    done = run("./run.sh", "--stop_stage", "data", cwd=recipe)
    assert done.returncode == 1
    assert "db.sh: CORPUS is empty; write there where your data are" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "corpus '', expected a name of letters"),
        (["a b"], "corpus 'a b', expected"),
        (["x", "--lang", "?"], "--lang is '?', expected a code"),
        (["x", "--source", "nowhere"], "--source nowhere: no such file"),
        (["TEMPLATE"], "egs2/TEMPLATE/asr1 is there already"),
    ],
)
def test_wrong_words_are_one_clear_line(repository, words, message):
    made = run("local/new_recipe.sh", *words, cwd=repository)
    assert made.returncode == 1
    assert len(made.stderr.splitlines()) == 1
    assert message in made.stderr
