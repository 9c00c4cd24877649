"""Words spelled in Latin letters or phones and written in their own script."""

import os

import numpy as np
import pytest

from hamzaban.bin.spell_data import main
from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.spelling import build_folded_lexicon, read_spelling
from hamzaban.decode.word_forms import make_forms, read_phones, romanize, split_form
from hamzaban.pseudo.label import Labeller
from hamzaban.text.tokens import CharTokenizer

pytestmark = pytest.mark.slow

LATIN = ["<blank>", "<unk>", "<space>", *"abdghiklmnorstuz", "<sos/eos>"]
WORDS = ["سلام", "گھر", "پانی"]


def test_romanized_words_are_plain_letters():
    assert romanize(["سلام", "Größe", "ثلاثة", "नमस्ते", "۱۲"]) == [
        *("slam", "groesse", "thlatha", "namaste"),
        "",
    ]


def test_labels_of_a_latin_model_are_in_the_targets_script():
    tokenizer = CharTokenizer(LATIN)
    spelling = read_spelling("roman", WORDS)
    found = build_folded_lexicon(WORDS, tokenizer, spelling, 3)
    assert found.lexicon.words == tuple(WORDS) and found.missing == {}
    options = LexiconSearch(lm_unit="none", word_score=3.0)
    beam = BeamSearch(tokenizer, options, lexicon=found.lexicon)
    ids = tokenizer.texts2ids(["slam ghr bani"])[0]  # p is no letter of the source
    path = [x for i in ids for x in (0, i)]
    probs = np.full((len(path), len(LATIN)), 1e-4, "f4")
    probs[np.arange(len(path)), path] = 0.99
    label = Labeller(beam, tokenizer, 0.02).label("u", np.log(probs))
    assert label.text == "سلام گھر پانی" and label.edits == 0


def test_a_model_of_the_same_script_needs_no_forms():
    tokenizer = CharTokenizer(["<blank>", "<unk>", "<space>", *"سلامگھر", "<sos/eos>"])
    found = build_folded_lexicon(WORDS, tokenizer, read_spelling("roman", WORDS), 3)
    assert found.lexicon.words == ("سلام", "گھر") and found.folded == ()
    assert set(found.missing) == {"پانی"}


def test_phones_without_the_program_are_one_clear_line(monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(FileNotFoundError, match="espeak-ng: not installed, needed for"):
        make_forms(["a"], "phones", "ur")


def write_program(folder, text):
    """Stand in for espeak-ng: a shell script."""
    path = folder / "espeak-ng"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_phones_lose_stress_length_and_changes_of_voice(tmp_path, monkeypatch):
    lines = r"səlˈaːm\n(en)t͡ʃˈɪp(ur)\n\n"
    write_program(tmp_path, f"cat > '{tmp_path}/in'; printf '{lines}'")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert read_phones(["سلام", "چپ", "۔"], "ur") == ["səlam", "tʃɪp", ""]
    assert (tmp_path / "in").read_text(encoding="utf-8") == "سلام\nچپ\n۔\n"
    with pytest.raises(ValueError, match="3 lines came, expected the phones of 1 word"):
        read_phones(["سلام"], "ur")
    write_program(tmp_path, "echo 'Error: no such voice' >&2; exit 1")
    with pytest.raises(ValueError, match="espeak-ng -v xx: Error: no such voice"):
        read_phones(["سلام"], "xx")


@pytest.mark.needs("espeak-ng")
def test_phones_of_the_program_itself():
    assert read_phones(["سلام", "کتاب"], "ur") == ["səlam", "kɪtab"]
    with pytest.raises(ValueError, match="espeak-ng -v xx: Error"):
        read_phones(["سلام"], "xx")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("roman", ("roman", "")),
        ("phones:ur", ("phones", "ur")),
        ("fa", ("", "")),
        ("a/b:c.yaml", ("", "")),
        (None, ("", "")),
    ],
)
def test_names_of_forms_are_split_into_kind_and_voice(name, found):
    assert split_form(name) == found


def test_transcripts_are_written_in_a_form(tmp_path, capsys):
    source, target = tmp_path / "data ه", tmp_path / "roman"
    source.mkdir()
    utts = [f"s-u{number:02d}" for number in range(20)]
    texts = ["سلام ۔ گھر", *["پانی"] * 18, "۔"]
    for name, values in (
        ("text", texts), ("wav.scp", ["a.wav"] * 20), ("utt2spk", ["s"] * 20)
    ):  # fmt: skip
        lines = (f"{u} {value}\n" for u, value in zip(utts, values, strict=True))
        (source / name).write_text("".join(lines), encoding="utf-8")
    (source / "spk2utt").write_text(f"s {' '.join(utts)}\n")
    assert main([str(source), str(target), "--form", "roman"]) == 0
    assert "19 utterances of" in capsys.readouterr().out
    lines = (target / "text").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "s-u00 slam ghr" and len(lines) == 19
    with pytest.raises(ValueError, match="--form 'latin' is unknown"):
        main([str(source), str(target), "--form", "latin"])
    with pytest.raises(ValueError, match="names no voice, expected phones:<lang"):
        main([str(source), str(target), "--form", "phones"])
