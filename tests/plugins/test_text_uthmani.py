"""Words of the Quran in modern spelling; their examples are in the YAML of Arabic."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamzaban.text import Normalizer
from hamzaban.text.rules import load_language

pytestmark = pytest.mark.slow

LETTERS = "ابتجرسلمنهويىءأؤئآٱةـ"
MARKS = "\u064e\u064f\u0650\u064b\u0651\u0652\u0653\u0654\u0655\u0656\u0657\u065e\u0670"
QURAN = "\u06e1\u06df\u06e2\u06e5\u06e6\u06e7\u06e8\u06da\u06de"
TEXTS = st.text(st.sampled_from(LETTERS * 2 + MARKS + QURAN + "  "), max_size=20)


@pytest.fixture(scope="module")
def modern():
    return Normalizer("ar", orthography="modern").normalize


@pytest.mark.parametrize(
    ("tanzil", "complex_", "expected"),
    [
        ("يُؤْمِنُونَ", "يُؤۡمِنُونَ", "يؤمنون"),
        ("ءَامَنُوا۟", "ءَامَنُواْ", "آمنوا"),
        ("هُدًى", "هُدٗى", "هدى"),
        ("فِى", "فِي", "في"),
        ("شَىْءٍ", "شَيۡءٖ", "شيء"),
        ("ٱلْءَاخِرَةِ", "ٱلۡأٓخِرَةِ", "الآخرة"),
        ("شَيْـًۭٔا", "شَيۡـٔٗا", "شيئا"),
        ("أُو۟لَٰٓئِكَ", "أُوْلَٰٓئِكَ", "أولئك"),
        ("يَٰٓـَٔادَمُ", "يَٰٓـَٔادَمُ", "يا آدم"),
        ("رَءَاهُ", "رَءَاهُ", "رآه"),
        ("نُـۨجِى", "نُـۨجِي", "ننجي"),
    ],
)
def test_both_encodings_become_modern_spelling(modern, tanzil, complex_, expected):
    assert modern(tanzil) == modern(complex_) == expected


@pytest.mark.parametrize(
    "text",
    [
        "الْقُرْآنُ الْكَرِيمُ",
        "وَآتُوا الزَّكَاةَ",
        "هَذَا ذَلِكَ لَكِنَّ الرَّحْمَنِ",
        "عَلَى هُدًى مِنْ رَبِّهِمْ",
        "قُرَّاءٌ مُرُوءَةٌ سَوْءَةٌ هَيْئَةٌ شَيْءٌ مَسْؤُولٌ",
        "قرأ فسأل على القرآن",
    ],
)
def test_modern_text_with_or_without_vowels_stays(modern, text):
    assert modern(text) == Normalizer("ar").normalize(text)


def test_words_keep_their_vowels_if_marks_are_kept():
    keep = Normalizer("ar", orthography="modern", marks="keep").normalize
    assert keep("وَٱللَّهُ يَسۡمَعُ سَمِيعُۢ ءَامَنُواْ") == "وَاللَّهُ يَسْمَعُ سَمِيعٌ آمَنُوا"


def test_the_default_leaves_the_spelling():
    assert Normalizer("ar").normalize("ٱلۡكِتَٰبُ") == "الكتب"


def test_the_lists_belong_to_the_id():
    ids = {Normalizer("ar").id, Normalizer("ar", orthography="modern").id}
    assert len(ids) == 2
    table = load_language("ar").data["modern_spelling"]
    assert all(key != value for key, value in table["words"].items())


@pytest.mark.parametrize("marks", ["drop", "keep"])
@pytest.mark.parametrize("profile", ["train", "score"])
def test_any_marks_keep_the_invariants(profile, marks):
    normalizer = Normalizer("ar", profile, orthography="modern", marks=marks)

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(TEXTS)
    def check(text):
        output = normalizer.normalize(text)
        again, spans = normalizer.normalize_with_offsets(text)
        assert again == output
        assert len(spans) == len(output)
        for first, second in itertools.pairwise(spans):
            assert first[0] <= second[0]
        explained = text
        for change in normalizer.explain(text):
            explained = change.after
        assert explained == output

    check()
