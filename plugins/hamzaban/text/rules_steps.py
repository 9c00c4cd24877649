"""The kinds of steps that rules become, each usable with and without offsets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from hamzaban.text.offsets import Edit
from hamzaban.text.rules_chars import unicode_classes

DENSE_SIZE = 0x20000  # code points in the table: all that have case or are symbols
_SURROGATE = re.compile("[\ud800-\udfff]")
_identity: list[str | None] = []


class Step(Protocol):
    """A change of text. Lines are separate: `\\n` stays and nothing crosses it."""

    def apply(self, text: str) -> str:
        """Return the changed text."""

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the same change as replacements of parts, in order."""


class CharTable:
    """Each character becomes a string, by one dense table."""

    def __init__(self, chars: Mapping[str, str]) -> None:
        """Take the replacements of the characters that change."""
        if not _identity:
            _identity.extend(map(chr, range(DENSE_SIZE)))
        table: list[str | None] = list(_identity)
        for char, new in chars.items():
            if ord(char) < DENSE_SIZE:
                table[ord(char)] = new or None
        far = {char: new for char, new in chars.items() if ord(char) >= DENSE_SIZE}
        self.chars = chars
        self._table = table
        self._far = SparseMap(far) if far else None

    def apply(self, text: str) -> str:
        """Return the changed text."""
        text = text.translate(self._table)
        return self._far.apply(text) if self._far else text

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the replacement of each character that changes."""
        return _edit_chars(text, self.chars)


class SparseMap:
    """Each character becomes a string; for characters that most texts have none of."""

    def __init__(self, chars: Mapping[str, str]) -> None:
        """Take the replacements of the characters that change."""
        self.chars = chars
        self._find = re.compile(char_class(chars))

    def apply(self, text: str) -> str:
        """Return the changed text."""
        if self._find.search(text) is None:
            return text
        return self._find.sub(lambda found: self.chars[found[0]], text)

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the replacement of each character that changes."""
        return _edit_chars(text, self.chars)


class Pattern:
    """What a regular expression finds becomes something else."""

    def __init__(
        self,
        pattern: str,
        replace: str | Callable[[re.Match[str]], str],
        needs: str = "",
    ) -> None:
        """Compile the pattern.

        Args:
            pattern: The regular expression.
            replace: A template as `re.sub` reads it, or a function of the match.
            needs: Characters of which one must be there for the pattern to match.
        """
        self._find = re.compile(pattern)
        self._replace = replace
        self._needs = needs

    def apply(self, text: str) -> str:
        """Return the changed text."""
        if self._needs and not any(char in text for char in self._needs):
            return text
        return self._find.sub(self._replace, text)

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the replacement of each match that changes."""
        for found in self._find.finditer(text):
            new = self._replace
            new = found.expand(new) if isinstance(new, str) else new(found)
            if new != found[0]:
                yield found.start(), found.end(), new


class Positions(Pattern):
    """A map of letters that acts at one position in the joined word only."""

    def __init__(self, chars: Mapping[str, str], position: str) -> None:
        """Compile the map.

        Args:
            chars: Replacements by letter.
            position: isolated, final, initial, medial, nonfinal (initial or medial)
                or final_isolated.
        """
        classes = unicode_classes()
        marks, right = (char_class(classes[k]) for k in ("arabic_marks", "joins_right"))
        joins = "?!" if position in ("isolated", "final", "final_isolated") else "?="
        pattern = f"{char_class(chars)}({joins}{marks}*{right})"
        wanted = {"isolated": False, "initial": False, "final": True, "medial": True}
        joined = wanted.get(position)
        left, skip = classes["joins_left"], classes["arabic_marks"]

        def change(found: re.Match[str]) -> str:
            if joined is not None:
                before = found.start() - 1
                while before >= 0 and found.string[before] in skip:
                    before -= 1
                if (before >= 0 and found.string[before] in left) != joined:
                    return found[0]
            return chars[found[0]]

        super().__init__(pattern, change, "".join(chars))


class Nfc:
    """Unicode normalisation form C."""

    def apply(self, text: str) -> str:
        """Return the text in form C."""
        if unicodedata.is_normalized("NFC", text):
            return text
        return unicodedata.normalize("NFC", text)

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the shortest pieces that form C changes each on its own."""
        start = 0
        for end in range(1, len(text) + 1):
            if end == len(text) or _is_boundary(text[start:end], text[end]):
                new = unicodedata.normalize("NFC", text[start:end])
                if new != text[start:end]:
                    yield start, end, new
                start = end


class Spaces:
    """One space between words, none at the ends of a line."""

    def apply(self, text: str) -> str:
        """Return the text with single spaces."""
        while "  " in text:
            text = text.replace("  ", " ")
        if "\n" in text:
            text = text.replace(" \n", "\n").replace("\n ", "\n")
        return text.strip(" ")

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the runs that shrink."""
        for found in re.finditer("(?m)^ +| +$|  +", text):
            at_end = found.start() == 0 or text[found.start() - 1] == "\n"
            at_end = at_end or found.end() == len(text) or text[found.end()] == "\n"
            yield found.start(), found.end(), "" if at_end else " "


class Whole:
    """A function that finds its own edits; for rules that look at several words."""

    def __init__(self, find: Callable[[str], Iterator[Edit]]) -> None:
        """Take the function."""
        self._find = find

    def apply(self, text: str) -> str:
        """Return the changed text."""
        out, done = [], 0
        for start, end, new in self._find(text):
            out += (text[done:start], new)
            done = end
        return "".join([*out, text[done:]]) if done else text

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the replacements."""
        return self._find(text)


def char_class(chars: Mapping[str, str] | Sequence[str] | frozenset[str]) -> str:
    """Write characters as the class of a regular expression, ranges joined."""
    points = sorted(map(ord, chars))
    parts: list[str] = []
    i = 0
    while i < len(points):
        j = i
        while j + 1 < len(points) and points[j + 1] == points[j] + 1:
            j += 1
        first, last = (re.escape(chr(points[k])) for k in (i, j))
        parts.append(first if i == j else f"{first}-{last}")
        i = j + 1
    return f"[{''.join(parts)}]"


def check_no_surrogate(text: str) -> None:
    """Refuse text that is not Unicode.

    Raises:
        ValueError: There is a lone surrogate.
    """
    found = _SURROGATE.search(text)
    if found:
        raise ValueError(
            f"character {found.start() + 1} is the lone surrogate "
            f"U+{ord(found[0]):04X}, expected Unicode text; decode the input as UTF-8"
        )


def _edit_chars(text: str, chars: Mapping[str, str]) -> Iterator[Edit]:
    for i, char in enumerate(text):
        new = chars.get(char)
        if new is not None:
            yield i, i + 1, new


def _is_boundary(piece: str, char: str) -> bool:
    if char < "\u0300":
        return True
    if unicodedata.combining(char):
        return False
    apart = unicodedata.normalize("NFC", piece) + unicodedata.normalize("NFC", char)
    return unicodedata.normalize("NFC", piece + char) == apart
