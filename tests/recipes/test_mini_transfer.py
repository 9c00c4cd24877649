"""mini_transfer: the two languages made from mini_ar share no word."""

import os
import runpy
import subprocess
import sys

import pytest
import soundfile

from hamzaban.data.files import read_scp
from hamzaban.validate.directory import CheckOptions, validate_data_dir
from repository import ROOT

RECIPE = ROOT / "egs2/mini_transfer/asr1"
CORPUS = ROOT / "egs2/mini_ar/asr1/downloads/mini_ar"
pytestmark = pytest.mark.first_stack


def make(data, *words):
    return subprocess.run(
        [sys.executable, str(RECIPE / "local/prepare_data.py"), CORPUS, data, *words],
        cwd=RECIPE,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "plugins")},
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two languages") / "data ه"
    done = make(folder)
    assert done.returncode == 0, done.stderr
    return folder


def read_words(path):
    return {word for _, text in read_scp(path) for word in text.split()}


def test_no_word_and_no_training_speaker_is_in_both(data):
    source = read_words(data / "train_commands/text")
    target = set((data / "text_numbers").read_text(encoding="utf-8").split())
    assert (len(source), len(target)) == (30, 10) and not source & target
    for name in ("ref_numbers", "test_numbers/text"):
        assert read_words(data / name) == target
    assert not (data / "unlabelled_numbers/text").exists()
    speakers = [
        {spk for _, spk in read_scp(data / name / "utt2spk")}
        for name in ("train_commands", "unlabelled_numbers", "test_numbers")
    ]
    assert [len(found) for found in speakers] == [9, 9, 6]
    assert len(set.union(*speakers)) == 24


def test_every_recording_is_used_once_and_the_sets_are_valid(data):
    counts = {"train_commands": 1620, "valid_commands": 180, "labelled_numbers": 540}
    counts |= {"valid_numbers": 60, "test_numbers": 180}
    for name, count in counts.items():
        words = [text.split() for _, text in read_scp(data / name / "text")]
        assert sum(map(len, words)) == count
        assert min(map(len, words)) >= 2
    for name in (*counts, "unlabelled_numbers"):
        options = CheckOptions(no_text=name.startswith("unlabelled"))
        assert validate_data_dir(data / name, options)[0].num_errors == 0
    seconds = [
        soundfile.info(path).duration
        for _, path in read_scp(data / "unlabelled_numbers/wav.scp")
    ]
    labelled = data / "labelled_numbers"
    assert (labelled / "text").read_text() == (data / "ref_numbers").read_text()
    wavs = (labelled / "wav.scp").read_text()
    assert wavs == (data / "unlabelled_numbers/wav.scp").read_text()
    assert len(dict(read_scp(data / "ref_numbers"))) == len(seconds)
    assert 4 < sum(seconds) / 60 < 8


def test_sentences_of_the_text_follow_a_grammar(data):
    lines = (data / "text_numbers").read_text(encoding="utf-8").splitlines()
    pairs = [p for x in lines for p in zip(x.split(), x.split()[1:], strict=False)]
    commonest = sorted(map(pairs.count, set(pairs)), reverse=True)[:30]
    assert sum(commonest) > 0.8 * len(pairs)  # three followers a word


def test_parts_with_words_in_common_are_refused(tmp_path):
    done = make(tmp_path, "--source", "even", "--target", "numbers")
    assert done.returncode == 2
    assert "even and numbers have words in common" in done.stderr


def test_directions_and_actions_make_the_commands(data):
    choose = runpy.run_path(str(RECIPE / "local/prepare_data.py"))["choose_words"]
    commands = read_words(data / "train_commands/text")
    known = sorted(commands | read_words(data / "ref_numbers"))
    directions, actions = (choose(part, known) for part in ("directions", "actions"))
    assert (len(directions), len(actions)) == (12, 18)
    assert {*directions, *actions} == commands == set(choose("commands", known))


def test_audio_of_another_grammar_has_other_names(tmp_path):
    module = runpy.run_path(str(RECIPE / "local/prepare_data.py"))
    clips = module["read_words"](CORPUS)["test"]
    few = {spk: clips[spk] for spk in sorted(clips)[:1]}
    paths = []
    for part in ("directions", "directions", "again"):
        words = sorted(module["DIRECTIONS"])
        grammar = module["Grammar"](words, part)
        module["write_set"]([tmp_path / "test_directions"], few, grammar)
        paths.append(sorted((tmp_path / "audio/test_directions").iterdir()))
        named = {path for _, path in read_scp(tmp_path / "test_directions/wav.scp")}
        assert named == set(map(str, paths[-1]))
    assert paths[0] == paths[1]
    assert not set(paths[0]) & set(paths[2])
