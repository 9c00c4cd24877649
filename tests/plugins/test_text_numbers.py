"""Numbers in words, and words that equal numbers."""

import random

import pytest

from hamzaban.text import Normalizer
from hamzaban.text.numbers import Speller
from hamzaban.text.rules import load_language

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
        assert equal.normalize(words) == equal.normalize(str(number)) == str(number)


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


@pytest.mark.parametrize("profile", ["train", "score"])
def test_numbers_do_not_change_without_the_option(profile):
    assert Normalizer("fa", profile).normalize("صد و ۱۲") == "صد و 12"
