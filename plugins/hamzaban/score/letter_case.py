"""Fold the case of letters: of ASCII, or of a language as `sclite -e utf-8` does."""

import string

KEPT, FOLDED = "kept", "folded"
_VIETNAMESE = "ĐÁÀẢÃẠĂẮẰẲẴẶÂẤẦẨẪẬÉÈẺẼẸÊẾỀỂỄỆÍÌỈĨỊÓÒỎÕỌƠỚỜỞỠỢÔỐỒỔỖỘÚÙỦŨỤƯỨỪỬỮỰÝỲỶỸỴ"
# Capital letters besides those of ASCII, by language code, and sclite's name.
LANGUAGES = {
    "ceb": ("Ñ", "babel_cebuano"),
    "gn": ("ÃÁẼÉĨÍÕÓŨÚỸÝÑ", "babel_guarani"),
    "kk": ("АӘБВГҒДЕЁЖЗИЙКҚЛМНҢОӨПРСТУҰҮФХҺЦЧШЩЪЫІЬЭЮЯ", "babel_kazakh"),
    "kmr": ("ÇÊÎÛŞ", "babel_kurmanji"),
    "lt": ("ĄČĘĖĮŠŲŪŽ", "babel_lithuanian"),
    "mn": ("ЁАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯҮӨ", "babel_mongolian"),
    "tr": ("ÇÖÜĞŞ", "babel_turkish"),
    "vi": (_VIETNAMESE, "babel_vietnamese"),
}
CASES = (FOLDED, KEPT, *LANGUAGES)


def _pair_letters(case: str) -> dict[str, str]:
    """Return the small letter of each capital letter."""
    pairs = dict(zip(string.ascii_uppercase, string.ascii_lowercase, strict=True))
    if case in LANGUAGES:
        pairs |= {capital: capital.lower() for capital in LANGUAGES[case][0]}
    return pairs | ({"I": "ı", "İ": "i"} if case == "tr" else {})


def map_to_small(case: str) -> dict[int, str]:
    """Return the table for `str.translate` from capital to small letters."""
    return {} if case == KEPT else {ord(a): b for a, b in _pair_letters(case).items()}


def map_to_capital(case: str) -> dict[int, str]:
    """Return the table for `str.translate` from small to capital letters."""
    return {} if case == KEPT else {ord(b): a for a, b in _pair_letters(case).items()}


def list_sclite_options(case: str) -> list[str]:
    """Return the options of sclite for a case."""
    if case == KEPT:
        return ["-s"]
    return ["-e", "utf-8", LANGUAGES[case][1]] if case in LANGUAGES else []
