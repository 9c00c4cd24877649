"""--lang mul: each transcript follows the rules of its language in utt2lang."""

import pytest

from hamzaban.bin import audit_text, normalize_data
from hamzaban.text import Normalizer

TEXTS = {
    "s-1": ("fa", "كتاب\u200cهاي من"),
    "s-2": ("ar", "كتابي عـلى"),
    "s-3": ("fa", "5"),
}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "چند a"
    folder.mkdir()
    columns = {
        "text": {utt_id: text for utt_id, (_, text) in TEXTS.items()},
        "utt2lang": {utt_id: lang for utt_id, (lang, _) in TEXTS.items()},
        "utt2spk": dict.fromkeys(TEXTS, "s"),
        "spk2utt": {"s": " ".join(TEXTS)},
        "wav.scp": {utt_id: f"{utt_id}.wav" for utt_id in TEXTS},
    }
    for name, lines in columns.items():
        text = "".join(f"{key} {value}\n" for key, value in lines.items())
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_each_transcript_is_normalized_by_the_rules_of_its_language(
    data, tmp_path, capsys
):
    words = [str(data), str(tmp_path / "out"), "--lang", "mul"]
    assert normalize_data.main(words) == 0
    lines = (tmp_path / "out" / "text").read_text(encoding="utf-8").splitlines()
    found = dict(line.split(" ", 1) for line in lines)
    assert found == {
        utt_id: Normalizer(lang, "train").normalize(text)
        for utt_id, (lang, text) in TEXTS.items()
    }
    assert found["s-1"] == "کتاب\u200cهای من"  # Persian letters; Arabic keeps its own
    assert found["s-2"].startswith("كتاب")
    out = capsys.readouterr().out
    assert "normalizer mul(ar=ar-train/" in out and ",fa=fa-train/" in out


def test_each_language_is_compared_with_its_alphabet(data, capsys):
    assert audit_text.main([str(data), "--lang", "mul", "--max_foreign", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    places = {(line[:2], line.split()[1]) for line in lines if " U+" in line}
    assert ("fa", "U+0643") in places  # KAF is Arabic
    assert ("ar", "U+0643") not in places and ("ar", "U+0640") in places
    with pytest.raises(ValueError, match="outside the alphabet of ar-train"):
        audit_text.main([str(data), "--lang", "mul"])


def test_an_utterance_without_language_is_an_error(data):
    (data / "utt2lang").write_text("s-1 fa\n", encoding="utf-8")
    with pytest.raises(ValueError, match="utterance s-2 is missing; add its language"):
        normalize_data.main([str(data), str(data), "--lang", "mul"])
    (data / "utt2lang").unlink()
    for verb, words in ((normalize_data, [str(data)] * 2), (audit_text, [str(data)])):
        with pytest.raises(FileNotFoundError, match="--lang mul takes the language"):
            verb.main([*words, "--lang", "mul"])
