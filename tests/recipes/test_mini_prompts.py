"""mini_prompts: Asterisk's prompts as Debian packages them; no sentence in two sets."""

import gzip
import runpy
import subprocess
import sys

import pytest

from hamzaban.data.files import read_scp
from hamzaban.validate.directory import CheckOptions, validate_data_dir
from repository import ROOT

SCRIPT = ROOT / "egs2/mini_prompts/asr1/local/prepare_data.py"
pytestmark = pytest.mark.first_stack

VOICES = runpy.run_path(str(SCRIPT))["VOICES"]
LETTERS = {"es": "abcdefghijklm", "it": "nopqrstuvwxyz", "fr": "cdefghijklmno"}


def write_package(root, lang, prompts):
    """Write a list and recordings in the form of asterisk-core-sounds-LANG(-g722)."""
    sounds = root / "usr/share/asterisk/sounds" / VOICES[lang]
    doc = root / f"usr/share/doc/asterisk-core-sounds-{lang}"
    doc.mkdir(parents=True)
    lines = ["; Core Asterisk Sounds", ""]
    for name, text in prompts.items():
        path = sounds / f"{name}.g722"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(range(200)) * 40)  # 1 s
        lines.append(f"{name}: {text}")
    lines += ["lost: there is no recording of this"]
    packed = gzip.compress("\n".join(lines).encode("utf-8-sig"))
    (doc / f"core-sounds-{lang}.txt.gz").write_bytes(packed)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "a root"
    for lang, letters in LETTERS.items():
        names = [f"digits/{a}{b}" for a in letters for b in letters]
        prompts = {name: f"{name[-2]}ó{lang}, {name[-1]}x." for name in names}
        prompts |= {"letters/a": "a", "beep": "[a beep]", "digits/7": "7"}
        prompts |= {
            "silence/1": "silence",
            "one": f"Máxima {lang}",
            "again": f"maxima {lang}!",
        }
        write_package(folder, lang, prompts)
    more = folder / "usr/share/asterisk/sounds/it_IT_f_Menardi/agent.wav"
    more.parent.mkdir()
    more.write_bytes(b"RIFF")
    return folder


def make(root, data, *words):
    command = [sys.executable, str(SCRIPT), str(data), "--root", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True)


def read_texts(path):
    return {text for _, text in read_scp(path)}


def test_sets_are_valid_and_no_sentence_is_in_two(root, tmp_path):
    data = tmp_path / "data"
    done = make(root, data, "--others", "menardi")
    assert done.returncode == 0, done.stderr
    found = sorted(path.name for path in data.iterdir())
    sources = [
        "test_it_fr",
        "train_it_fr",
        "unlabelled_it",
        "unlabelled_fr",
        "valid_it_fr",
    ]
    sources += ["unlabelled_menardi"]
    target = ["labelled_es", "test_es", "unlabelled_es", "valid_es"]
    assert found == sorted([*sources, *target, "ref_es", "text_es"])
    no_text = CheckOptions(no_text=True)
    for name in (*sources, *target):
        options = no_text if name.startswith("unlabelled") else CheckOptions()
        validate_data_dir(data / name, options)
    for train, end in (("train_it_fr", "it_fr"), ("labelled_es", "es")):
        texts = [read_texts(data / f"{kind}_{end}/text") for kind in ("test", "valid")]
        texts.append(read_texts(data / train / "text"))
        assert not texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2]
    text = (data / "text_es").read_text(encoding="utf-8").splitlines()
    assert sorted(text) == sorted(read_texts(data / "labelled_es/text"))
    assert dict(read_scp(data / "ref_es")) == dict(read_scp(data / "labelled_es/text"))


def test_only_prompts_in_words_are_read_and_accents_are_removed(root, tmp_path):
    data = tmp_path / "data"
    assert make(root, data, "--others", "menardi").returncode == 0
    sets = [data / f"{kind}_es/text" for kind in ("labelled", "valid", "test")]
    rows = {utt_id: text for path in sets for utt_id, text in read_scp(path)}
    twice = {utt_id for utt_id, text in rows.items() if text == "maxima es"}
    assert len(rows) + (len(twice) == 1) == 171
    assert twice <= {"es-allison-one", "es-allison-again"}
    assert rows["es-allison-digits_ab"] == "aoes bx"
    spoken = {"letters_a", "beep", "digits_7", "silence_1", "lost"}
    assert not rows.keys() & {f"es-allison-{name}" for name in spoken}
    heard = dict(read_scp(data / "unlabelled_menardi/wav.scp"))
    assert heard["it-menardi-agent"].endswith("it_IT_f_Menardi/agent.wav")
    assert not (data / "unlabelled_menardi/text").exists()


def test_missing_packages_are_named(root, tmp_path):
    done = make(root, tmp_path / "data", "--target", "ru")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "apt-get install asterisk-core-sounds-ru" in done.stderr
    done = make(root, tmp_path / "data", "--sources", "es", "--target", "es")
    assert "es is both source and target" in done.stderr
