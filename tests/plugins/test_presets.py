"""The compatibility presets give the same output as their originals.

The values were made by the originals, which `tests/bench/check_presets.py` compares
with the presets on more text; the rule that each line shows is beside it where the
original's answer surprises.
"""

import pytest

from hamzaban.text import Normalizer
from hamzaban.text.presets import find_preset, list_presets

CASES = {
    "ar_oual": [
        ("نعم،لا بيت-لحم", "نعملا بيتلحم"),
        ("أإآ ؤ ئ شيء پ ڤ", "ااا وي شي ب ف"),
        ("الى إلى مدرسة", "الى الى مدرسة"),
        ("ـ \u0670 ٱ ﻻ « » ٪", "ـ \u0670 ٱ ﻻ « » ٪"),
        ("٣ و ۳", "3 و۳"),
        ("و قال و  ذهب", "وقال وذهب"),
        ("و و كتاب", "وو كتاب"),
        ("  ع\u064eر\u064eب\u0650ي\u0651\u0009 ", "عربي"),
        ("قال و", "قال و"),
        ("يـوم [Hello]_5%", "يـوم Hello5"),
    ],
    "whisper-basic": [
        ("م\u064eد\u0652ر\u064eس\u064eة\u064c", "م د ر س ة "),
        ("زکو\u0670ۃ بھائی", "زکو ۃ بھائی"),
        ("سلام، (خنده) دنیا [موسیقی] <b>!", "سلام دنیا "),
        ("ÄPFEL ½ ﷺ", "äpfel 1 2 صلى الله عليه وسلم"),
        ("می\u200cروم۔ کیا؟ ", "می\u200cروم کیا "),
        ("۽ ۾", " "),
        ("a(b]c) ()x", "a x"),
    ],
    "whisper-basic-remove-diacritics": [
        ("م\u064eد\u0652ر\u064eس\u064eة\u064c آب أخ", "مدرسة اب اخ"),
        ("بھائی خانۀ زکو\u0670ۃ", "بھايی خانە زکوۃ"),
        ("Łódź Straße Ærø ẞ", "lodz strasse aero ss"),
        ("می\u200cروم۔ ", "می\u200cروم "),
        ("\u0650ا", "ا"),
    ],
    "hf-multilingual": [
        ("می\u200cروم، خانه!", "میروم خانه"),
        ("Straße [x] (y) Ærø", "strasse aero"),
        ("ك\u064eتاب ۱۲", "كتاب ۱۲"),
    ],
    "mms": [
        ("می\u200cروم خانه، ۱۲ کتاب", "میروم خانه کتاب"),
        ("سال ۱۲۳", "سال"),
        ("سال ١٢٣", "سال ١٢٣"),
        ("۱۲۳", "۱۲۳"),
        ("(سام 23:17) گفت (بله) ٱ", "گفت بله ا"),
        ("l’eau d’or&nbsp;&lt;x&gt; &l&gt;t;", "l'eau d'or x lt"),
        ("ع\u064eر\u064eب\u0650ي\u0651 \u0670 \u0654", "عربي \u0670 \u0654"),
        ("Ab-C ½ ﷺ ـ [x] 5a 5", "ab-c صلى الله عليه وسلم x 5a"),
        ("x’y’z", "x y'z"),
    ],
    "peste-fa-v1": [
        ("ك ي ى ے ة ۀ ە", "ک ی ی ی ه ه ه"),
        ("س\u064eلامـ\u064c", "سلام"),
        ("۱۲۳ ٤٥٦", "123 456"),
        ("می\u200cروم\u00a0خانه", "می روم خانه"),
        ("سلام، دنیا! ۵۰٪", "سلام دنیا 50"),
        ("إأٱآ ؤ ئ ۍ", "اااآ و ئ ی"),
        ("ﹶx ﷺ ½ \u06dd ۞ ہ ھ", "x صلی الله علیه وسلم 1 2 ہ ھ"),
        ("\u202bمتن\u202c", "متن"),
        ("a\u200db", "a b"),
    ],
}
LANGS = {"ar_oual": "ar", "peste-fa-v1": "fa"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [(name, *pair) for name, pairs in CASES.items() for pair in pairs],
)
def test_presets_give_the_output_of_the_original(name, text, expected):
    preset = find_preset(name, LANGS.get(name, "ur"))
    assert preset.normalize(text) == expected


def test_every_preset_has_cases_and_a_name_of_its_own():
    assert sorted(CASES) == list_presets()
    ids = [find_preset(name, LANGS.get(name, "ur")).id for name in CASES]
    assert len(set(ids)) == len(CASES)
    for name, full in zip(CASES, ids, strict=True):
        assert full.rpartition(":")[0] == f"{name}/1"


@pytest.mark.slow
@pytest.mark.parametrize("name", list_presets())
def test_a_line_of_any_characters_stays_one_line(name):
    preset = find_preset(name, LANGS.get(name, "ur"))
    text = "".join(map(chr, [*range(0x3000), *range(0xF900, 0x11000), 0xD800]))
    assert "\n" not in preset.normalize(text)
    assert preset.normalize("").strip() == ""


def test_mms_has_additions_for_single_languages():
    text = "a\u00ad \u05d0\u05b0 b\u200dc"
    assert find_preset("mms", "mon").normalize(text) == "a \u05d0\u05b0 b\u200dc"
    assert find_preset("mms", "he").normalize(text) == "a\u00ad \u05d0 b\u200dc"
    assert find_preset("mms", "tha").normalize(text) == "a\u00ad \u05d0\u05b0 b c"


def test_languages_that_the_original_does_not_cover_are_refused():
    assert find_preset("train", "fa") is None
    with pytest.raises(ValueError, match="preset ar_oual is for ar, not for 'fa'"):
        find_preset("ar_oual", "fa")
    with pytest.raises(ValueError, match="Latin letters"):
        find_preset("mms", "jav")


def test_a_preset_is_a_profile_of_the_normalizer():
    normalizer = Normalizer("fa", "whisper-basic")
    text = "مَد، (x) ﷺ"
    assert normalizer.id == find_preset("whisper-basic", "fa").id
    result, spans = normalizer.normalize_with_offsets(text)
    assert result == normalizer.normalize(text) == "م د صلى الله عليه وسلم"
    assert len(spans) == len(result) and spans == sorted(spans)
    assert [change.rule for change in normalizer.explain(text)] == ["whisper-basic"]
    assert normalizer.normalize_lines("A\n(b)\nC ") == "a\n\nc "
    with pytest.raises(ValueError, match="no options, numbers given"):
        Normalizer("fa", "mms", numbers="words")
    with pytest.raises(ValueError, match="unknown; known: train, score, ar_oual"):
        Normalizer("fa", "whisper")
