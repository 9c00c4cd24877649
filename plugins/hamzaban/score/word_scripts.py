"""Find the script of words, and the words that are foreign to a text."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from hamzaban.score.notation import unescape_token

_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL"}
_LENDING = {"LATIN", "GREEK", "CYRILLIC"}  # alphabets that share letters


@cache
def find_script(char: str) -> str:
    """Return the script of a letter, which is the first word of its Unicode name.

    Return "" for other characters and for modifier letters such as U+02BC, which
    every script uses.
    """
    if not unicodedata.category(char).startswith("L") or char == "\u0640":
        return ""
    name = unicodedata.name(char, "").split(" ")[0].split("-")[0]
    if name == "MODIFIER":
        return ""
    return "CJK" if name in _EAST_ASIAN else name


@cache
def compute_word_script(word: str) -> str:
    """Return the script of most letters of a word; "" if it has no letter."""
    scripts = Counter(filter(None, map(find_script, unescape_token(word))))
    return scripts.most_common(1)[0][0] if scripts else ""


def count_characters(texts: Iterable[Sequence[str]]) -> Counter[str]:
    """Return how often each character occurs in the words of texts."""
    counts: Counter[str] = Counter()
    for words in texts:
        for word in words:
            counts.update(word)
    return counts


def compute_main_script(texts: Iterable[Sequence[str]]) -> str:
    """Return the script of most letters of texts; "" if there is no letter."""
    scripts: Counter[str] = Counter()
    for char, count in count_characters(texts).items():
        scripts[find_script(char)] += count
    scripts.pop("", None)
    return scripts.most_common(1)[0][0] if scripts else ""


def find_borrowed(texts: Iterable[Sequence[str]], script: str) -> frozenset[str]:
    """Return letters of related scripts that the alphabet of a text has borrowed.

    Latin, Greek and Cyrillic alphabets borrow letters: many languages of Africa write
    U+03B5 or U+03B8 among Latin letters. A letter counts as borrowed if it
    occurs in a word at least half of whose letters are of `script`.

    Args:
        texts: The words.
        script: Script of the language.
    """
    if script not in _LENDING:
        return frozenset()
    found: set[str] = set()
    for word in {word for text in texts for word in text}:
        scripts = list(map(find_script, unescape_token(word)))
        if scripts.count(script) * 2 >= sum(map(bool, scripts)):
            found.update(unescape_token(word))
    return frozenset(c for c in found if find_script(c) in _LENDING - {script})


@cache
def is_foreign(word: str, script: str, borrowed: frozenset[str] = frozenset()) -> bool:
    """Return whether a word has a letter of another script that is not borrowed."""
    return any(
        find_script(char) not in ("", script) and char not in borrowed
        for char in unescape_token(word)
    )
