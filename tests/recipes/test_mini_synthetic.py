"""mini_synthetic: sentences read by a speech synthesizer; no phrase is in two sets."""

import importlib.util
import itertools
import subprocess
import sys
import wave

import pytest

from hamzaban.data.files import read_scp
from hamzaban.validate.directory import CheckOptions, validate_data_dir
from repository import ROOT

RECIPE = ROOT / "egs2/mini_synthetic/asr1"
SIZES = {"train": 20, "unlabelled": 10, "valid": 4, "test": 6}
pytestmark = pytest.mark.first_stack


@pytest.fixture
def module(monkeypatch):
    path = RECIPE / "local/prepare_data.py"
    spec = importlib.util.spec_from_file_location("prepare_synthetic", path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    monkeypatch.setattr(found, "SIZES", SIZES)
    monkeypatch.setattr(found, "PLENTY", 20)
    return found


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Stand in for espeak-ng: a second of a sound for any sentence."""
    with wave.open(str(tmp_path / "sound.wav"), "wb") as f:
        f.setparams((1, 2, 22_050, 0, "NONE", ""))
        f.writeframes(bytes(range(256)) * 172)
    program = tmp_path / "bin" / "espeak-ng"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$2" >> {tmp_path}/read\n')
    with open(program, "a", encoding="utf-8") as f:
        f.write(f"[ -n \"$(cat)\" ] && cat '{tmp_path}/sound.wav'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path


def write_text(path, letters):
    words = ["".join(word) for word in itertools.permutations(letters, 3)]
    lines = [" ".join(words[k % len(words) :][:9]) for k in range(60)]
    path.write_text("\n".join([*lines, "با 12 عدد", "a b c d"]), encoding="utf-8")
    return path


def run(module, monkeypatch, folder):
    pairs = [
        f"{lang}={write_text(folder / f'{lang}.txt', letters)}"
        for lang, letters in (("fa", "ابپتکگم"), ("ur", "اٹڈنرلے"))
    ]
    monkeypatch.setattr(sys, "argv", ["prepare_data.py", str(folder / "data"), *pairs])
    module.main()
    return folder / "data"


def test_no_phrase_and_no_voice_is_in_training_and_test(module, monkeypatch, reader):
    data = run(module, monkeypatch, reader)
    phrases = [
        {text for _, text in read_scp(data / name)}
        for name in ("train_fa/text", "valid_fa/text", "test_fa/text")
    ]
    assert [len(found) for found in phrases] == [20, 4, 6]
    assert len(set.union(*phrases)) == 30
    lines = set((data / "text_ur").read_text(encoding="utf-8").splitlines())
    read = {t for name in ("ref_ur", "test_ur/text") for _, t in read_scp(data / name)}
    assert len(lines) >= 20 and len(read) == 16 and not lines & read
    assert not any(c in "abc12" for text in lines | read for c in text)
    voices = [
        {spk.split("-")[0] for _, spk in read_scp(data / name / "utt2spk")}
        for name in ("train_fa", "unlabelled_ur", "test_fa")
    ]
    assert [len(found) for found in voices] == [10, 10, 6]
    assert len(set.union(*voices)) == 26
    asked = set((reader / "read").read_text().split())
    assert {"fa+m1", "ur+m2", "fa+m8", "ur+m8"} <= asked


@pytest.mark.parametrize(
    ("lang", "lines", "kept"),
    [
        ("tr", ["Bugün hava çok güzel,", "saat 5 oldu", "Türkiye'de x geldi"], 2),
        ("sw", ["Ng'ombe wangu ni wazuri", "habari ya asubuhi"], 2),
        ("ur", ["یہ کتاب اچھی ہے", "یہ abc ہے", "میں 5 بجے گیا"], 1),
        ("ru", ["это новая книга", "это abc да"], 1),
    ],
)
def test_latin_letters_are_refused_in_other_scripts(module, lang, lines, kept):
    phrases = module.cut(iter(lines), lang)
    assert len(phrases) == kept
    assert not any(c.isdigit() for phrase in phrases for c in phrase)


def test_a_repeated_line_is_used_once(module):
    words = ["".join(word) for word in itertools.permutations("ابپتکگم", 3)]
    line = " ".join(words[:60])
    phrases = module.cut(iter([line, f"{line}.", "سلام دنیا", f" {line}", line]), "fa")
    assert [word for phrase in phrases for word in phrase.split()] == [
        *words[:60],
        *("سلام", "دنیا"),
    ]


def test_the_sets_are_valid_and_the_same_each_time(module, monkeypatch, reader):
    data = run(module, monkeypatch, reader)
    for name in ("train_fa", "valid_fa", "test_ur", "unlabelled_ur"):
        options = CheckOptions(no_text=name.startswith("unlabelled"))
        assert validate_data_dir(data / name, options)[0].num_errors == 0
    one = next(iter(dict(read_scp(data / "test_ur/wav.scp")).values()))
    with open(one, "rb") as f:
        first = f.read()
    run(module, monkeypatch, reader)
    with open(one, "rb") as f:
        assert f.read() == first


def test_short_text_is_refused(module, monkeypatch, reader):
    monkeypatch.setattr(module, "PLENTY", 10_000)
    with pytest.raises(SystemExit, match=r"ur.txt: \d+ different phrases .* expected"):
        run(module, monkeypatch, reader)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fa=", "ur=x"], "no sentences of 'fa' are given"),
        (["fa=/no/such", "ur=x"], "/no/such: no such file"),
        (["fa=x"], "1 languages with texts found"),
    ],
)
def test_what_is_missing_is_one_line(reader, words, message):
    done = subprocess.run(
        ["local/data.sh", *words], cwd=RECIPE, capture_output=True, text=True
    )
    assert done.returncode == 1 and message in done.stderr
    assert len(done.stderr.splitlines()) == 1
