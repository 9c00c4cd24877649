"""A new recipe for a folder of audio and a table is made by a command, and runs."""

import os
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
from tiny_stages import check_results, write_configs
from tiny_stages import run as run_recipe
from warm import warm_process

from hamzaban.bin.analyse_errors import main as analyse
from hamzaban.lm.ngram_options import read_allowed
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


@pytest.mark.torch
@pytest.mark.needs("lmplz", "build_binary")
@pytest.mark.timeout(3600)
def test_a_table_becomes_a_recipe_that_runs(repository, table, capsys):
    """The recipe runs from the table to scores with the small checkpoint."""
    made = run(
        *("local/new_recipe.sh", "my_corpus", "--lang", "sw", "--source", str(table)),
        cwd=repository,
    )
    assert made.returncode == 0, made.stderr
    recipe = repository / "egs2" / "my_corpus" / "asr1"
    write_configs(recipe)
    write_conditions(recipe)
    words = ["--asr_config", "conf/tiny.yaml", "--stop_stage", "score", "--lm_config"]
    words += ["conf/tiny_lm.yaml", "--test_sets", "test test_noise_5db"]
    words += ["--inference_config", "conf/greedy.yaml conf/lexicon.yaml"]
    with warm_process() as warm:
        done = run_recipe(recipe, *words, path=warm)
    assert done.returncode == 0, done.stderr
    assert (recipe / "data" / "sw_token_list" / "char" / "tokens.txt").is_file()
    check_results(recipe, "general")
    sets = [recipe / "data" / name / "utt2spk" for name in ("train", "valid", "test")]
    counts = [len(path.read_text().splitlines()) for path in sets]
    assert sum(counts) == 30
    assert min(counts) >= 5  # a speaker
    (exp,) = recipe.glob("exp/asr_tiny*")
    analyse(
        [
            "--by",
            "conditions",
            f"{exp}/greedy",
            "--config",
            f"{recipe}/conf/conditions.yaml",
        ]
    )
    shown = capsys.readouterr().out
    assert f"| test | clean | {counts[2]} | " in shown
    assert f"| test | noise_5db | {counts[2]} | " in shown


@pytest.mark.first_stack
def test_a_change_of_the_table_or_of_a_list_of_noises_is_noticed(repository, table):
    words = ("local/new_recipe.sh", "mine", "--lang", "sw", "--source", str(table))
    run(*words, cwd=repository)
    recipe = repository / "egs2" / "mine" / "asr1"
    write_conditions(recipe)

    def make_data():
        words = ("--stop_stage", "data", "--local_data_opts", "--keep_shared true")
        done = run_recipe(recipe, *words)
        assert done.returncode == 0, done.stderr
        lines = [x for x in done.stderr.splitlines() if "INFO: data: data/train" in x]
        return lines[0].partition("data: data/train")[2]

    assert make_data() == ": was not made yet"
    assert make_data() == " is up to date"
    text = table.read_text(encoding="utf-8").replace(",s1", " sahihi,s1")
    table.write_text(text, encoding="utf-8")
    assert make_data() == f": {table} has changed"
    texts = [path.read_text(encoding="utf-8") for path in recipe.glob("data/*/text")]
    assert sum(text.count("sahihi\n") for text in texts) >= 5
    shutil.copy(recipe / "conf" / "noise.wav", recipe / "conf" / "noise2.wav")
    with open(recipe / "conf" / "noise.lst", "a") as stream:
        stream.write("conf/noise2.wav\n")
    assert make_data() == ": conf/noise.lst has changed"
    assert make_data() == " is up to date"


def write_conditions(recipe):
    """Write conf/conditions.yaml: the test set with noise, too."""
    noise = np.random.default_rng(0).normal(0, 0.1, 32000)
    soundfile.write(recipe / "conf" / "noise.wav", noise, 16000)
    (recipe / "conf" / "noise.lst").write_text("conf/noise.wav\n")
    (recipe / "conf" / "conditions.yaml").write_text(
        "sets: [test]\n"
        "conditions: {noise_5db: {noise_list: conf/noise.lst, snr_db: 5}}\n"
    )


@pytest.mark.slow
def test_a_recipe_without_data_says_what_to_do(repository):
    run("local/new_recipe.sh", "later", cwd=repository)
    recipe = repository / "egs2" / "later" / "asr1"
    done = run("./run.sh", "--stop_stage", "data", cwd=recipe)
    assert done.returncode == 1
    assert "db.sh: CORPUS is empty; set it to the path of your data" in done.stderr


def test_a_new_recipe_has_the_file_of_allowed_leaks_with_its_lines_commented_out(
    repository,
):
    made = run("local/new_recipe.sh", "mine", "--lang", "sw", cwd=repository)
    path = repository / "egs2" / "mine" / "asr1" / "conf" / "leaks.yaml"
    assert made.returncode == 0, made.stderr
    assert read_allowed(path) == {}
    text = path.read_text(encoding="utf-8")
    for kind in ("exact", "near", "speakers"):
        line = next(x for x in text.splitlines() if x.strip().startswith(f"# {kind}:"))
        path.write_text(text.replace(line, line.replace("# ", "", 1)))
        assert list(read_allowed(path)) == [kind]
    shown = run("local/new_recipe.sh", "--help", cwd=repository)
    readme = path.parents[1] / "README.md"
    assert "conf/leaks.yaml" in shown.stdout + shown.stderr
    assert "conf/leaks.yaml" in readme.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_published_split_with_shared_speakers_is_accepted_by_its_line(repository):
    source = repository / "published.csv"
    rows = ["path,sentence,speaker,split"]
    for k, sentence in enumerate(draw_sentences("sw", 18)):
        name = ("train", "valid", "test")[k % 3]
        write_audio(repository / "clips" / f"{k}.wav", sentence, 16000)
        rows.append(f"{k}.wav,{sentence},s{k % 2},{name}")
    write_lines(source, rows)
    words = ("local/new_recipe.sh", "mine", "--lang", "sw", "--source", str(source))
    run(*words, cwd=repository)
    recipe = repository / "egs2" / "mine" / "asr1"
    words = ("--stop_stage", "data", "--local_data_opts", "--keep_shared true")
    assert run_recipe(recipe, *words).returncode == 1
    path = recipe / "conf" / "leaks.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    kinds = ("# speakers", "# exact", "# near")
    path.write_text(
        "\n".join(
            line.replace("# ", "", 1) if line.strip().startswith(kinds) else line
            for line in lines
        )
    )
    done = run_recipe(recipe, *words)
    assert done.returncode == 0, done.stderr
    assert "the published split shares speakers" in done.stderr


def write_published(folder):
    """Write a corpus with its own split, which shares the speaker José."""
    rows = ["path,sentence,speaker,split"]
    for k, sentence in enumerate(draw_sentences("sw", 18)):
        name = ("train", "valid", "test")[k // 6]
        speaker = "José" if k in (0, 17) else f"s{k // 3}"
        write_audio(folder / "clips" / f"{k}.wav", sentence, 16000)
        rows.append(f"{k}.wav,{sentence},{speaker},{name}")
    write_lines(folder / "published.csv", rows)
    return folder / "published.csv"


def test_a_new_recipe_says_what_its_corpus_shares_and_the_command_that_works(
    repository,
):
    source = write_published(repository)
    words = ("local/new_recipe.sh", "mine", "--lang", "sw", "--source", str(source))
    made = run(*words, cwd=repository)
    assert made.returncode == 0, made.stderr
    assert "1 speaker is in both train and test, such as José; stage 1" in made.stderr
    assert made.stderr.rstrip().endswith(
        'next: cd egs2/mine/asr1 && ./run.sh --local_data_opts "--keep_speakers false"'
    )
    recipe = repository / "egs2" / "mine" / "asr1"
    words = ("--stop_stage", "data", "--local_data_opts", "--keep_speakers false")
    done = run_recipe(recipe, *words)
    assert done.returncode == 0, done.stderr
    assert "1 left out: speaker of valid or test" in done.stderr


def test_reasons_for_leaks_are_given_when_a_recipe_is_made(repository):
    source = write_published(repository)
    words = ["local/new_recipe.sh", "mine", "--lang", "sw", "--source", str(source)]
    words += ["--allow_speakers", 'the corpus\'s own: "split" # 1']
    made = run(*words, cwd=repository)
    assert made.returncode == 0, made.stderr
    assert made.stderr.rstrip().endswith("next: cd egs2/mine/asr1 && ./run.sh")
    path = repository / "egs2" / "mine" / "asr1" / "conf" / "leaks.yaml"
    assert read_allowed(path) == {"speakers": 'the corpus\'s own: "split" # 1'}


def test_a_corpus_that_cannot_be_read_as_it_is_is_named_when_a_recipe_is_made(
    repository, table
):
    text = table.read_text(encoding="utf-8").replace("sentence", "what", 1)
    table.write_text(text, encoding="utf-8")
    words = ("local/new_recipe.sh", "mine", "--lang", "sw", "--source", str(table))
    made = run(*words, cwd=repository)
    assert made.returncode == 0, made.stderr
    assert "--text_column" in made.stderr
    assert "cannot be read as it is (see above)" in made.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "corpus '', expected a name of letters"),
        (["a b"], "corpus 'a b', expected"),
        (["x", "--lang", "?"], "--lang is '?', expected a code"),
        (["x", "--source", "nowhere"], "--source nowhere: no such file"),
        (["x", "--text", "local/log.sh"], "--text and --align go together"),
        (["x", "--text", "t", "--align", "m"], "--source '', expected the recording"),
        (
            ["x", "--source", "local/log.sh", "--text", "no", "--align", "m"],
            "--text no: no such file",
        ),
        (["TEMPLATE"], "egs2/TEMPLATE/asr1 exists already"),
    ],
)
def test_wrong_arguments_are_one_clear_line(repository, words, message):
    made = run("local/new_recipe.sh", *words, cwd=repository)
    assert made.returncode == 1
    assert len(made.stderr.splitlines()) == 1
    assert message in made.stderr


def test_a_recording_and_its_text_become_a_recipe(repository, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "hamzaban"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nmkdir -p "$8"\nprintf "%s\\n" "$@" > "$8/call"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    media, text = repository / "my book.mp3", repository / "my text"
    media.write_text("x")
    text.write_text("x")
    words = ["--source", media, "--text", text, "--align", "exp/a b", "--lang", "sw"]
    words += ["--align_args", "--min_score 0.1"]
    made = run("local/new_recipe.sh", "book", *map(str, words), cwd=repository)
    assert made.returncode == 0, made.stderr
    recipe = repository / "egs2" / "book" / "asr1"
    call = (recipe / "downloads" / "aligned" / "call").read_text().splitlines()
    assert call[:6] == ["align", "exp/a b", str(media), str(text), "--lang", "sw"]
    assert call[-2:] == ["--min_score", "0.1"]
    assert "CORPUS=downloads/aligned" in (recipe / "db.sh").read_text()
    assert (
        "speakers: 'one recording, one speaker'"
        in (recipe / "conf" / "leaks.yaml").read_text()
    )


def test_a_recipe_whose_alignment_fails_is_not_left_behind(
    repository, tmp_path, monkeypatch
):
    program = tmp_path / "bin" / "hamzaban"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    words = ["--source", "local/log.sh", "--text", "local/log.sh", "--align", "m"]
    made = run("local/new_recipe.sh", "book", *words, cwd=repository)
    assert made.returncode == 1
    assert not list((repository / "egs2" / "book").glob("*"))
