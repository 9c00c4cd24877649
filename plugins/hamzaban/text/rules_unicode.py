"""The steps of every pass: Unicode normalization and spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Set
from functools import cache

from hamzaban.text.offsets import Edit
from hamzaban.text.rules_chars import unicode_classes
from hamzaban.text.rules_steps import Apply, Needing, gate

_SURROGATE = re.compile("[\ud800-\udfff]")


class Nfc:
    """Unicode normalization form C."""

    def __init__(self, harmless: Set[str] = frozenset()) -> None:
        """Set the marks whose order does not matter, since they are deleted later."""
        self._harmless = harmless

    def concerns(self, char: str) -> bool:
        """Return whether form C may change a character, or join it with another."""
        return char >= "\u00c0" and (
            self._acts(char) or unicodedata.decomposition(char)[:1] not in ("", "<")
        )

    def _acts(self, char: str) -> bool:
        """Return whether a character may be changed, joined to another, or
        reordered."""
        if char < "\u00c0" or char in self._harmless:
            return False
        return (
            char in unicode_classes()["marks"]
            or "\u1160" <= char < "\u1200"  # Hangul vowels and finals
            or not unicodedata.is_normalized("NFC", char)
        )

    def may_act(self, present: Set[str]) -> bool:
        """Return whether a text of these characters may change."""
        return any(map(self._acts, present))

    def makes(self, present: Set[str]) -> Set[str]:
        """Return the parts that letters may be split into, and letters joined with
        marks."""
        forms = (unicodedata.normalize(f, c) for f in ("NFC", "NFD") for c in present)
        return set("".join(forms)).union(
            *(composites().get(char, "") for char in present)
        )

    def prepare(self, present: Set[str]) -> Apply:
        """Return a function that applies form C if the marks are there."""
        return gate(self.apply, {char for char in present if self._acts(char)})

    def apply(self, text: str) -> str:
        """Return the text in form C."""
        return unicodedata.normalize("NFC", text)  # fast if nothing changes

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the shortest pieces that form C changes independently."""
        start = 0
        for end in range(1, len(text) + 1):
            if end == len(text) or _is_boundary(text[start:end], text[end]):
                new = unicodedata.normalize("NFC", text[start:end])
                if new != text[start:end]:
                    yield start, end, new
                start = end


class Spaces(Needing):
    """One space between words, none at the ends of a line."""

    needs = (frozenset(" "),)
    made = frozenset()

    def apply(self, text: str) -> str:
        """Return the text with single spaces."""
        while "  " in text:
            text = text.replace("  ", " ")
        if "\n" in text:
            text = text.replace(" \n", "\n").replace("\n ", "\n")
        return text.strip(" ")

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the runs of spaces that become shorter."""
        for found in re.finditer("(?m)^ +| +$|  +", text):
            at_end = found.start() == 0 or text[found.start() - 1] == "\n"
            at_end = at_end or found.end() == len(text) or text[found.end()] == "\n"
            yield found.start(), found.end(), "" if at_end else " "


def check_no_surrogate(text: str) -> None:
    """Check that a text is Unicode.

    Raises:
        ValueError: There is a lone surrogate.
    """
    found = _SURROGATE.search(text)
    if found:
        raise ValueError(
            f"character {found.start() + 1} is the lone surrogate "
            f"U+{ord(found[0]):04X}, expected Unicode text; decode the input as UTF-8"
        )


@cache
def composites() -> dict[str, set[str]]:
    """Return, for each mark, the letters of the BMP that have it when decomposed."""
    letters: dict[str, set[str]] = {}
    for char in map(chr, range(0xC0, 0xD800)):
        if not "\uac00" <= char < "\ud7a4" and unicodedata.decomposition(char):
            for mark in unicodedata.normalize("NFD", char)[1:]:
                letters.setdefault(mark, set()).add(char)
    return letters


def _is_boundary(piece: str, char: str) -> bool:
    if char < "\u0300":
        return True
    if unicodedata.combining(char):
        return False
    apart = unicodedata.normalize("NFC", piece) + unicodedata.normalize("NFC", char)
    return unicodedata.normalize("NFC", piece + char) == apart
