"""Invariants of every text, on random strings of the Arabic blocks and others."""

import functools
import itertools
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamzaban.text import Normalizer
from hamzaban.text.rules import known_languages, load_language

pytestmark = pytest.mark.slow

LANGUAGES = known_languages()
WITH_PAIRS = [x for x in LANGUAGES if "keep_apart" in load_language(x).data]
BLOCKS = [
    *((0x600, 0x700), (0x750, 0x780), (0x870, 0x900), (0xFB50, 0xFE00)),
    *((0xFE70, 0xFF00), (0x10EC0, 0x10F00), (0x1EE00, 0x1EF00)),
]
ARABIC = [
    chr(point)
    for start, end in BLOCKS
    for point in range(start, end)
    if unicodedata.category(chr(point)) != "Cn"
]
OTHER = [
    *"abzAZİIßΣσéñ\u0301\u0307\u0308\u0327.,'’-_/()!?%$+&:;@#0123456789²½",
    *"\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\u061c\ufeff\u00ad",
    *"\u034f\ufe0f\u20e3\t\n\r\x00\x1f\x85\u2028\u2029\u00a0\u202f\u3000😀👍🏽👩🇮",
    *"कष्ि१한ㄱ\u1161\u11a8漢ﬁＡ\U000e0041\ufffd\ue000\ufdd0\uffff",
]
HOT = [
    *"اأإآٱهەہھۀۂةۃیيىےئؤوكکڪنںرلحدسفڡٮ،.١۲ ﻼﷲﷺ",
    *"\u0640\u064e\u064f\u0651\u0653\u0654\u0655\u065a\u0670\u0615\u06db\u06ec\u200c\u200d",
]
CHARS = st.one_of(*map(st.sampled_from, (ARABIC, OTHER, HOT, HOT, [" "])))
TEXTS = st.text(CHARS, max_size=24)
DELETED = {
    *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    *"\u200e\u200f\u061c\ufeff\u0640\u200b\u2060\u00ad",
}
RUNS = settings(max_examples=150, deadline=None, derandomize=True, database=None)
normalizer_of = functools.cache(Normalizer)  # of a language and a profile


def check_output(text):
    assert unicodedata.is_normalized("NFC", text)
    assert DELETED.isdisjoint(text)
    assert "  " not in text
    assert text == text.strip()
    assert "\n" not in text


def check_offsets(normalizer, text, output):
    again, spans = normalizer.normalize_with_offsets(text)
    assert again == output
    assert len(spans) == len(output)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    for (start, end), (next_start, next_end) in itertools.pairwise(spans):
        assert start <= next_start
        assert end <= next_end
    covered = {i for start, end in spans for i in range(start, end)}
    for i, char in enumerate(text):
        if i not in covered and normalizer.profile == "train":
            assert not is_letter_or_digit(char), (i, char)


def is_letter_or_digit(char):
    marks = unicodedata.normalize("NFKC", char)
    if all(unicodedata.category(c) in ("Mn", "Zs", "Lm") for c in marks):
        return False  # the presentation form of a mark
    return char.isalnum() and unicodedata.category(char) != "Lm"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_normalized_text_keeps_the_invariants(lang):
    train, score = (normalizer_of(lang, profile) for profile in ("train", "score"))

    @RUNS
    @given(TEXTS)
    def check(text):
        trained, scored = train.normalize(text), score.normalize(text)
        check_output(trained)
        check_output(scored)
        assert train.normalize(trained) == trained
        assert score.normalize(scored) == scored
        assert score.normalize(trained) == scored
        check_offsets(train, text, trained)
        check_offsets(score, text, scored)
        explained = text.replace("\n", " ")
        for change in train.explain(text):
            assert change.before == explained
            explained = change.after
        assert explained == trained

    check()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_line_gives_one_line(lang):
    normalizer = normalizer_of(lang, "score")

    @RUNS
    @given(st.lists(TEXTS, min_size=1, max_size=4))
    def check(texts):
        block = "\n".join(texts)
        lines = normalizer.normalize_lines(block).split("\n")
        assert lines == [normalizer.normalize(line) for line in block.split("\n")]

    check()


@pytest.mark.parametrize("lang", WITH_PAIRS)
def test_train_keeps_letters_apart_in_every_word(lang):
    normalize = normalizer_of(lang, "train").normalize
    pairs = load_language(lang).data["keep_apart"]
    places = ("both", "train", "final", "aspirated")
    kept = [pair for where in places for pair in pairs.get(where, [])]
    alphabet = normalizer_of(lang, "train").alphabet
    letters = st.text(st.sampled_from(sorted(c for c in alphabet if c.isalpha())))

    @RUNS
    @given(letters, st.sampled_from(kept), letters)
    def check(before, pair, after):
        if pair in pairs.get("final", []):
            after = ""
        if pair in pairs.get("aspirated", []):
            before += "ج"
        first, second = (normalize(before + char + after) for char in pair)
        assert first != second

    check()


@pytest.mark.parametrize("lang", ["fa", "ar", "ur"])
@pytest.mark.parametrize(
    ("profile", "numbers"), [("train", "words"), ("score", "words"), ("score", "equal")]
)
def test_numbers_keep_the_invariants(lang, profile, numbers):
    table = load_language(lang).data["numbers"]
    words = [*table["below"].replace("_", " ").split(), *table.get("tens", "").split()]
    words += [scale["many"] for scale in table["scales"]]
    words += [*table.get("hundreds", "").split(), "و", "12", "۳٫۵", "0", "دل", "وخمسة"]
    normalize = Normalizer(lang, profile, numbers=numbers).normalize
    plain = normalizer_of(lang, "train").normalize

    @RUNS
    @given(st.lists(st.sampled_from(words), max_size=9))
    def check(chosen):
        text = " ".join(chosen)
        output = normalize(text)
        check_output(output)
        assert normalize(output) == output
        assert normalize(plain(text)) == output

    check()
