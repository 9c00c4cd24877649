"""Tokens of the mixed error rate: words, and characters of scripts without spaces.

The mixed error rate (MER) of code-switched speech counts each language in the unit its
readers count in: words if the script has spaces between them, else characters (Vu et
al. 2012, ICASSP, for Mandarin and English; Shi et al. 2020, arXiv 2007.05916). Here the
script of a character decides, not a list of languages.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache

# First words of the Unicode names of letters in scripts without spaces between words.
UNSPACED = (
    "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "BOPOMOFO", "YI", "THAI", "LAO",
    "KHMER", "MYANMAR", "TIBETAN", "JAVANESE", "BALINESE",
)  # fmt: skip


def split_mixed(text: str) -> list[str]:
    """Split text into words and, where the script has no spaces, characters.

    A character keeps its combining marks. Text between blanks and such characters is a
    word: `USB接口` is `USB`, `接`, `口`. A word of the Arabic script is one token, even
    with ZWNJ inside.

    Args:
        text: One utterance.

    Examples:
        >>> split_mixed("an iPhone 手机")
        ['an', 'iPhone', '手', '机']
    """
    tokens: list[str] = []
    for word in text.split():
        run = ""
        for char in _join_marks(word):
            if _is_unspaced(char[0]):
                tokens += [run, char] if run else [char]
                run = ""
            else:
                run += char
        tokens += [run] if run else []
    return tokens


def _join_marks(word: str) -> Iterator[str]:
    """Yield the characters of a word, each with the marks and joiners after it."""
    joined = ""
    for char in word:
        if joined and unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf"):
            yield joined
            joined = ""
        joined += char
    yield joined


@cache
def _is_unspaced(char: str) -> bool:
    if unicodedata.category(char) not in ("Lo", "Lm", "Nl"):
        return False
    return unicodedata.name(char, "").replace("-", " ").split(" ")[0] in UNSPACED
