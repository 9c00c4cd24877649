"""Read words of the Uthmani spelling as letters with marks, in either encoding.

The files of Tanzil have U+0652 as sukun and U+06DF on silent letters; those of the King
Fahd Complex have U+06E1 as sukun and U+0652 on silent letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hamzaban.text.rules_chars import unicode_classes

DAGGER, MADDA, SHADDA, SUKUN = "\u0670\u0653\u0651\u0652"
HAMZA_ABOVE, HAMZA_BELOW = "\u0654\u0655"
SMALL_WAW, SMALL_YEH, SMALL_HIGH_YEH, SMALL_NOON = "\u06e5\u06e6\u06e7\u06e8"
TATWEEL, WASLA = "\u0640\u0671"
FATHATAN = frozenset("\u064b\u08f0\u0657")
VOWELS = {
    "a": frozenset("\u064e") | FATHATAN,
    "u": frozenset("\u064f\u064c\u08f1\u065e"),
    "i": frozenset("\u0650\u064d\u08f2\u0656"),
}
PLAIN_MARKS = {  # marks that modern text has, by those of either encoding
    **{chr(point): chr(point) for point in range(0x64B, 0x653)},
    **{"\u06e1": SUKUN, "\u0657": "\u064b", "\u065e": "\u064c", "\u0656": "\u064d"},
    **{"\u08f0": "\u064b", "\u08f1": "\u064c", "\u08f2": "\u064d"},
}
NUNATION_AS_MEEM = frozenset("\u06e2\u06ed")  # with a vowel sign; the tanwin before b
TANWIN = str.maketrans("\u064e\u064f\u0650", "\u064b\u064c\u064d")
SEATS = {"ا": "أ", "ٱ": "أ", "و": "ؤ", "ى": "ئ", "ي": "ئ"}


@dataclass
class Letter:
    """A letter with its marks.

    Attributes:
        base: The letter; U+0621 for a hamza in whichever form.
        marks: Its marks in the order of the text.
        is_seated: A hamza above a tatweel, thus within a joined word.
    """

    base: str
    marks: str = ""
    is_seated: bool = False

    @property
    def vowel(self) -> str:
        """Return a, u, i, or nothing."""
        found = (v for v, signs in VOWELS.items() if not signs.isdisjoint(self.marks))
        return next(found, "")

    @property
    def is_long(self) -> bool:
        """Return whether the letter is a long vowel, or has one."""
        return DAGGER in self.marks or (self.base == "ا" and not self.vowel)

    @property
    def is_silent_carrier(self) -> bool:
        """Return whether the letter only carries the long a of a dagger alef."""
        return self.base in "وىي" and DAGGER in self.marks and not self.vowel


@cache
def word_marks() -> frozenset[str]:
    """Return the marks that letters carry; the small waw and yeh are letters here."""
    letters = {SMALL_WAW, SMALL_YEH, SMALL_HIGH_YEH, SMALL_NOON}
    return (unicode_classes()["arabic_marks"] | {DAGGER}) - letters


def read_letters(word: str) -> list[Letter]:
    """Return the letters; a hamza above a tatweel becomes a letter."""
    marks = word_marks()
    raw: list[Letter] = []
    for char in word:
        if char in (SMALL_HIGH_YEH, SMALL_NOON):
            raw.append(Letter("ي" if char == SMALL_HIGH_YEH else "ن"))
        elif char in marks:
            if raw:
                raw[-1].marks += char
        else:
            raw.append(_decompose(char))
    letters: list[Letter] = []
    for letter in raw:
        hamza = next((c for c in letter.marks if c in "\u0654\u0655"), "")
        if hamza:
            letter.marks = letter.marks.replace(hamza, "")
        if letter.base == TATWEEL and hamza:
            letters.append(Letter("ء", letter.marks, is_seated=True))
        elif letter.base == TATWEEL:
            if letters:
                letters[-1].marks += letter.marks
        elif hamza and letter.base not in SEATS:
            letters += [letter, Letter("ء", is_seated=True)]
        else:
            if hamza:
                letter.base = SEATS[letter.base]
                if hamza == HAMZA_BELOW and letter.base == "أ":
                    letter.base = "إ"
            letters.append(letter)
    return letters


def _decompose(char: str) -> Letter:
    return Letter("ا", MADDA) if char == "آ" else Letter(char)


def keep_plain(marks: str, has_circle: bool) -> str:
    """Return the marks that modern text has.

    Args:
        marks: The marks of a letter.
        has_circle: U+0652 is the circle of a silent letter and not a sukun.
    """
    if has_circle:
        marks = marks.replace(SUKUN, "")
    kept = "".join(PLAIN_MARKS.get(mark, "") for mark in marks)
    if not NUNATION_AS_MEEM.isdisjoint(marks):
        kept = kept.translate(TANWIN)
    return kept
