"""Rules of transcripts: NFC, ordinary spaces, no control characters.

The tables are fixed here, so that results do not depend on the Unicode of Python.
ZWNJ (U+200C) and ZWJ (U+200D) belong to the spelling of Persian, Urdu and others and
are allowed, as are the visible signs of category Cf (U+06DD and its like) and the
Mongolian vowel separator.
"""

import re
import unicodedata
from collections.abc import Callable

WHITE = "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
CONTROL = (
    "\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffd"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
WHITE_OR_CONTROL = re.compile(f"[{WHITE}{CONTROL}]")
RESERVED_WORDS = frozenset({b"<s>", b"</s>", b"#0"})  # as Kaldi's validate_data_dir.sh

_IS_WHITE = re.compile(f"[{WHITE}]")
_ASCII_CONTROL = re.compile("[\x00-\x1f\x7f]")  # found in all files, not only in text


class TextRule:
    """Lines `utt_id transcript`."""

    num_fields = 0

    def check(
        self, fields: list[list[bytes]], data: bytes
    ) -> list[tuple[int, str, str]]:
        """Return the problems of transcripts (see `hamzaban.validate.lines.Rule`)."""
        problems = []
        if any(word in data for word in RESERVED_WORDS):
            problems += _find(fields, _reserved_in)
        if data.isascii():
            return problems
        text = data.decode("utf-8", "replace")
        if WHITE_OR_CONTROL.search(text):
            problems += _find(fields, _character_in)
        if not unicodedata.is_normalized("NFC", text):
            problems += _find(fields, _not_nfc_in)
        if " \u200c" in text or " \u200d" in text:
            problems += _find(fields, _only_joiners_in)
        return problems


def _find(
    fields: list[list[bytes]], judge: Callable[[bytes], tuple[str, str] | None]
) -> list[tuple[int, str, str]]:
    problems = []
    for index, words in enumerate(fields):
        if found := judge(words[1]):
            problems.append((index, *found))
    return problems


def _reserved_in(value: bytes) -> tuple[str, str] | None:
    word = next((word for word in value.split() if word in RESERVED_WORDS), None)
    return ("reserved-word", f"word {word.decode()}") if word else None


def _character_in(value: bytes) -> tuple[str, str] | None:
    text = _ASCII_CONTROL.sub("", value.decode("utf-8", "ignore"))
    found = WHITE_OR_CONTROL.search(text)
    if found is None:
        return None
    name = f"U+{ord(found.group()):04X} {unicodedata.name(found.group(), '')}".strip()
    if _IS_WHITE.match(found.group()):
        return "white-space", f"{name}, expected an ordinary space"
    return "control-character", f"control character {name}"


def _not_nfc_in(value: bytes) -> tuple[str, str] | None:
    text = value.decode("utf-8", "replace")
    for word in text.split(" "):
        composed = unicodedata.normalize("NFC", word)
        if composed != word:
            return "not-nfc", f"'{word.strip()}' is {_codes(word)}, not NFC"
    return None


def _codes(word: str) -> str:
    """Return the code points of the first characters of a word."""
    codes = " ".join(f"{ord(c):04X}" for c in word.strip()[:8])
    return codes + (" ..." if len(word.strip()) > 8 else "")


def _only_joiners_in(value: bytes) -> tuple[str, str] | None:
    is_empty = not value.decode("utf-8", "ignore").strip(" \t\n\u200c\u200d")
    return ("empty-text", "only zero-width joiners") if is_empty else None
