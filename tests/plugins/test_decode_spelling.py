"""Target words in source tokens: spellings by a mapping, and words it must not lose."""

import logging

import numpy as np
import pytest
from tiny_experiment import write_tokens

from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.spelling import (
    MAPPING_DIR,
    build_folded_lexicon,
    find_mapping,
    fold_word,
    read_mapping,
    report_folded,
)
from hamzaban.text.tokens import CharTokenizer, build_tokenizer

ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءئؤأإآ"
WORDS = ["گچ", "پژمرده", "سلام", "می‌روم", "ثابت", "чай"]


def char_tokenizer(letters=ARABIC):
    return CharTokenizer(["<blank>", "<unk>", "<space>", *letters, "<sos/eos>"])


def spelled(tokenizer, found, word):
    ways = found.lexicon.spellings[found.lexicon.words.index(word)]
    return [tokenizer.tokens2text(tokenizer.ids2tokens(way)) for way in ways]


@pytest.mark.parametrize(
    "path", sorted(MAPPING_DIR.glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_mapping_reads_and_offers_other_letters(path):
    mapping = read_mapping(find_mapping(path.stem))
    for letter, tiers in mapping.items():
        assert any(way != letter for tier in tiers for way in tier), letter


def test_a_letter_is_spelled_by_the_nearest_letter_of_the_source():
    mapping = read_mapping(find_mapping("perso_arabic"))
    assert fold_word("گچ", mapping, ARABIC, 3) == ["كج", "كتش", "قج"]
    assert fold_word("سلام", mapping, ARABIC, 9) == ["سلام"]
    assert fold_word("می‌روم", mapping, ARABIC, 1) == ["ميروم"]
    assert fold_word("گچ", mapping, ARABIC + "گچ", 9) == ["گچ"]
    assert fold_word("чай", mapping, ARABIC, 9) == []
    persian = read_mapping(find_mapping("fa"))
    assert fold_word("ثابت", persian, ARABIC, 9) == ["سابت", "ثابت"]


@pytest.mark.parametrize("kind", ["char", "bpe", "unigram"])
def test_the_lexicon_has_target_words_in_source_tokens(kind, tmp_path, caplog):
    if kind == "char":
        tokenizer = char_tokenizer()
    else:
        pairs = [a + b for a in ARABIC for b in ARABIC[:20]]
        lines = "".join(f"u{i:05d} {w} سلام ثابت\n" for i, w in enumerate(pairs))
        (tmp_path / "text").write_text(lines, encoding="utf-8")
        options = ["--bpemode", kind, "--nbpe", 70]
        write_tokens(tmp_path, tmp_path / "text", *options)
        model = tmp_path / "bpe.model"
        tokenizer = build_tokenizer("bpe", tmp_path / "tokens.txt", model)
    mapping = read_mapping(find_mapping("fa"))
    found = build_folded_lexicon(WORDS, tokenizer, (mapping, {}), 4)
    assert found.lexicon.words == tuple(WORDS[:-1])
    assert found.missing == {"чай": "чай"}
    assert set(found.folded) == {"گچ", "پژمرده", "می‌روم", "ثابت"}
    assert spelled(tokenizer, found, "گچ")[0] == "كج"
    assert {"سابت", "ثابت"} <= set(spelled(tokenizer, found, "ثابت"))
    assert all(1 <= len(ways) <= 4 for ways in found.lexicon.spellings)
    caplog.set_level(logging.INFO)
    report_folded(found, tmp_path / "unspelled ه")
    assert (tmp_path / "unspelled ه").read_text(encoding="utf-8") == "чай\tчай\n"
    assert "5 of 6 words spelled" in caplog.text


def test_transcripts_have_the_letters_of_the_target_language():
    tokenizer = char_tokenizer()
    mapping = read_mapping(find_mapping("fa"))
    found = build_folded_lexicon(["گچ", "سلام"], tokenizer, (mapping, {}), 3)
    options = LexiconSearch(lm_unit="none")
    search = BeamSearch(tokenizer, options, lexicon=found.lexicon)
    ids = tokenizer.texts2ids(["كج سلام"])[0]
    path = [x for i in ids for x in (0, i)]
    probs = np.full((len(path), len(tokenizer.tokens)), 1e-4, np.float32)
    probs[np.arange(len(path)), path] = 0.99
    assert search.decode(np.log(probs))[0].text == "گچ سلام"


def test_words_beyond_the_limit_of_a_spelling_lose_it_and_are_listed():
    letters = "كقتطسص"
    same = [a + b for a in "ثسص" for b in "ثسص"]  # nine words, one spelling: سس
    found = build_folded_lexicon(
        same, char_tokenizer(letters.replace("ص", "")),
        (read_mapping(find_mapping("perso_arabic")), {}), 3,
    )  # fmt: skip
    assert len(found.lexicon.words) == 6 and set(found.missing.values()) == {""}
    BeamSearch(
        char_tokenizer(letters.replace("ص", "")),
        LexiconSearch(lm_unit="none"),
        lexicon=found.lexicon,
    )


def test_mappings_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="known names: fa, perso_arabic, phones"
    ):
        find_mapping("xx")
    (tmp_path / "m.yaml").write_text("letters:\n  ab: c\n")
    with pytest.raises(ValueError, match="'ab': 'c' found"):
        read_mapping(tmp_path / "m.yaml")
    with pytest.raises(ValueError, match="give a mapping"):
        build_folded_lexicon(["чай"], char_tokenizer(), ({}, {}), 2)
