"""Numbers in words, and words that equal numbers."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamzaban.bin import normalize_data
from hamzaban.text import Normalizer
from hamzaban.text.numbers import Speller
from hamzaban.text.rules import load_language
from hamzaban.text.signs import find_dropped

LANGUAGES = ("fa", "ar", "ur")


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_spelled_numbers_are_normalized_text_and_read_back(lang):
    rng = random.Random(0)
    numbers = [
        *range(120),
        *(rng.randrange(10 ** rng.randint(3, 15)) for _ in range(400)),
    ]
    speller = Speller(load_language(lang).data["numbers"])
    train = Normalizer(lang)
    equal = Normalizer(lang, "score", numbers="equal")
    for number in numbers:
        words = speller.spell(number)
        assert train.normalize(words) == words
        assert equal.normalize(words) == equal.normalize(str(number))
        if (lang, number) != ("fa", 9):  # "no", which stays a word
            assert equal.normalize(words) == str(number)


def test_all_urdu_numbers_below_100_differ():
    words = load_language("ur").data["numbers"]["below"].split()
    assert len(words) == len(set(words)) == 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "text", "words"),
    [
        ("fa", "۱۲۳۴", "هزار و دویست و سی و چهار"),
        ("fa", "3.05 درصد", "سه ممیز صفر پنج درصد"),
        ("fa", "0912", "صفر نه یک دو"),
        ("fa", "1398.5.2", "هزار و سیصد و نود و هشت پنج دو"),
        ("ar", "٢٠٠", "مئتان"),
        ("ar", "11000", "أحد عشر ألفا"),
        ("ar", "3000", "ثلاثة آلاف"),
        ("ur", "۹۹", "ننانوے"),
        ("ur", "1500000", "پندرہ لاکھ"),
        ("ur", "3.14", "تین اعشاریہ ایک چار"),
    ],
)
def test_numbers_are_spelled_in_words(lang, text, words):
    assert Normalizer(lang, numbers="words").normalize(text) == words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "spelled", "written"),
    [
        ("fa", "صد", "۱۰۰"),
        ("fa", "یکصد و پنج", "۱۰۵"),
        ("fa", "هزار و سیصد و نود", "یک هزار و سیصد و نود"),
        ("fa", "۲ میلیون و ۵۰۰ هزار", "۲۵۰۰۰۰۰"),
        ("fa", "هزار و نهصد و نود", "۱۹۹۰"),
        ("fa", "دو هزار و پانصد میلیارد", "۲۵۰۰ میلیارد"),
        ("ar", "خمسة و عشرون", "٢٥"),
        ("ar", "خمسه وعشرين", "٢٥"),
        ("ar", "مئة واحد عشر", "١١١"),
        ("ar", "ألفان وثلاثة وعشرون", "٢٠٢٣"),
        ("ur", "سو", "۱۰۰"),
        ("ur", "ایک سو پچیس", "۱۲۵"),
        ("ur", "ڈھائی دو ہزار تین سو", "ڈھائی ۲۳۰۰"),
    ],
)
def test_spelled_numbers_equal_written_ones(lang, spelled, written):
    normalize = Normalizer(lang, "score", numbers="equal").normalize
    assert normalize(spelled) == normalize(written)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "text", "output"),
    [
        ("fa", "دو سه روز", "2 3 روز"),
        ("fa", "پنج و شش", "5 و 6"),
        ("fa", "بیست و سی", "20 و 30"),
        ("fa", "من و تو", "من و تو"),
        ("fa", "۱۲ ۱۳", "12 13"),
        ("ar", "ثلاثة أربعة", "3 4"),
        ("ar", "واحد وواحد", "1 و 1"),
        ("ur", "دو تین", "2 3"),
    ],
)
def test_numbers_side_by_side_are_not_added(lang, text, output):
    assert Normalizer(lang, "score", numbers="equal").normalize(text) == output


SUFFIXES = {"fa": ["م", "ام", "مین", "امین"], "ur": ["واں", "ویں"], "ar": []}
WHOLE = st.integers(0, 10**15 - 1)
SMALL = st.integers(3, 10**7)
DECIMALS = st.builds(
    "{}.{}".format, st.integers(0, 10**9), st.from_regex("[0-9]{1,7}", fullmatch=True)
)
NUMBERS = st.one_of(WHOLE.map(str), DECIMALS)


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_written_and_spelled_numbers_are_equal(lang):
    spell = Normalizer(lang, numbers="words").normalize
    equal = Normalizer(lang, "score", numbers="equal").normalize
    kinds = [
        NUMBERS,
        st.builds("{}{}".format, st.sampled_from("-−"), NUMBERS),
        st.builds("{}{}".format, NUMBERS, st.sampled_from("%٪‰°$€")),
        st.builds("{}{}".format, st.sampled_from("%٪$£"), NUMBERS),
        *(SMALL.map(lambda n, s=suffix: f"{n}{s}") for suffix in SUFFIXES[lang]),
    ]

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(st.one_of(kinds))
    def check(text):
        words = spell(text)
        assert not set(words) & set("0123456789%$-")
        assert equal(words) == equal(text)
        assert equal(equal(text)) == equal(text)

    check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "text", "words"),
    [
        ("fa", "نرخ ۱۲٫۵٪", "نرخ دوازده ممیز پنج درصد"),
        ("fa", "(-۵)", "منفی پنج"),
        ("fa", "کووید-19", "کووید نوزده"),
        ("fa", "$۲۰۰ هزار", "دویست هزار دلار"),
        ("fa", "پنج %", "پنج درصد"),
        ("fa", "قرن ۲۱م", "قرن بیست و یکم"),
        ("fa", "3.14159", "سه ممیز یک چهار یک پنج نه"),
        ("ar", "٣٠°C", "ثلاثون درجة مئوية"),
        ("ar", "٥٪", "خمسة بالمئة"),
        ("ur", "₹500", "پانچ سو روپے"),
        ("ur", "21ویں", "اکیسویں"),
        ("ur", "104واں", "ایک سو چارواں"),
    ],
)
def test_signs_and_ordinals_are_spelled(lang, text, words):
    assert Normalizer(lang, numbers="words").normalize(text) == words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("نه نمی‌دانم", "نه نمی دانم"),
        ("۹ نفر", "نه نفر"),
        ("بیست و نه", "29"),
        ("نه هزار", "9000"),
        ("نه ممیز نه", "9.9"),
        ("منفی نه", "منفی 9"),
        ("نه درصد", "9 درصد"),
        ("می‌دهم", "می دهم"),
        ("هجدهم", "18م"),
    ],
)
def test_no_is_not_nine(text, output):
    assert Normalizer("fa", "score", numbers="equal").normalize(text) == output


def test_dropped_signs_are_found_but_not_hyphens():
    text = "5% و $6 و -7 و 8-9 و کووید-19 و a&b #tag"
    assert find_dropped(Normalizer("fa"), text) == ["%", "$", "&", "-"]
    assert find_dropped(Normalizer("fa", numbers="words"), text) == ["&"]
    assert find_dropped(Normalizer("en"), "100% of $5") == ["%", "$"]


def test_normalize_data_counts_the_signs_that_it_drops(tmp_path, caplog):
    source = tmp_path / "with space"
    source.mkdir()
    (source / "text").write_text("u1 نرخ ۵٪ یا ۶٪\nu2 $ و ٪\n", encoding="utf-8")
    (source / "utt2spk").write_text("u1 s\nu2 s\n", encoding="utf-8")
    (source / "spk2utt").write_text("s u1 u2\n", encoding="utf-8")
    target = str(tmp_path / "out")
    with caplog.at_level("WARNING"):
        assert normalize_data.main(["--lang", "fa", str(source), target]) == 0
    assert f"٪ 3 times (first {source / 'text'}:1: u1); $ 1 times" in caplog.text
    caplog.clear()
    args = ["--lang", "fa", "--options", "numbers=words", str(source), target]
    assert normalize_data.main(args) == 0
    assert "dropped" not in caplog.text
    text = (tmp_path / "out" / "text").read_text(encoding="utf-8")
    assert text == "u1 نرخ پنج درصد یا شش درصد\nu2 دلار و درصد\n"


@pytest.mark.parametrize("profile", ["train", "score"])
def test_numbers_do_not_change_without_the_option(profile):
    assert Normalizer("fa", profile).normalize("صد و ۱۲") == "صد و 12"
