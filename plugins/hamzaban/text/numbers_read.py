"""Read spelled numbers, so that they equal numbers in digits when scored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hamzaban.text.offsets import Edit

_TOKEN = re.compile(r"[^ \n]+")
_DIGITS = re.compile(r"[0-9]{1,15}(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Word:
    """The meaning of a word in a spelled number.

    Attributes:
        value: Its value if it stands alone.
        scale: The factor for the number before it; 0 for none.
        is_digits: The word is written in digits.
    """

    value: Decimal
    scale: int = 0
    is_digits: bool = False


@dataclass
class _Reading:
    """A number that is being read.

    Attributes:
        start: Index in the text at which it begins.
        end: Index at which the last word that belongs to it ends.
        total: Sum of the parts that ended with a scale.
        part: The part after the last scale; None directly after a scale.
        limit: Further parts must be smaller than this.
    """

    start: int
    end: int
    total: Decimal
    part: Decimal | None
    limit: int
    from_digits: bool

    @property
    def value(self) -> Decimal:
        """Return the number."""
        return self.total + (self.part or 0)


class Reader:
    """Finds spelled numbers and writes them in digits."""

    def __init__(self, table: Mapping[str, Any], fold: Mapping[str, str]) -> None:
        """Read the tables of `Speller`, and spellings that it does not write.

        Args:
            table: As for `Speller`, with `variants`: other words by value, and `also`
                in a scale: other forms of it, `also_two` those of its dual.
            fold: Letters that are equal in scoring.
        """
        self._fold = str.maketrans(dict(fold))
        self._ones_first = bool(table.get("ones_first", False))
        self._composes_tens = "tens" in table
        self._connector = table["connector"].strip().translate(self._fold)
        self._is_prefix = bool(self._connector) and not table["connector"].endswith(" ")
        self._words: dict[str, Word] = {}
        self._add_table(table)

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacement of each number that contains a word."""
        reading: _Reading | None = None
        is_linked = False
        for found in _TOKEN.finditer(text):
            span = found.span()
            token = found[0].translate(self._fold)
            word, has_prefix = self._find(token, reading is not None)
            if reading and "\n" in text[reading.end : span[0]]:
                yield from self._close(text, reading)
                reading = None
            if word is None:
                if reading and token == self._connector and not is_linked:
                    is_linked = True
                    continue
                if reading:
                    yield from self._close(text, reading)
                reading = None
            elif reading is None or not self._extend(
                reading, word, span[1], is_linked or has_prefix
            ):
                if reading:
                    yield from self._close(text, reading)
                    word, has_prefix = self._find(token, False)
                assert word is not None
                start = span[0] + (len(self._connector) if has_prefix else 0)
                reading = _begin(word, start, span[1])
            is_linked = False
        if reading:
            yield from self._close(text, reading)

    def _find(self, token: str, is_open: bool) -> tuple[Word | None, bool]:
        """Return the meaning of a word, and whether the word begins with the connector.

        Args:
            token: The word as it stands in the text.
            is_open: A number comes before it, so that the connector is likely.
        """
        if _DIGITS.fullmatch(token):
            return Word(Decimal(token), is_digits=True), False
        whole = self._words.get(token)
        rest = None
        if self._is_prefix and token.startswith(self._connector):
            rest = self._words.get(token[len(self._connector) :])
        if rest is not None and (is_open or whole is None):
            return rest, True
        return whole, False

    def _extend(self, reading: _Reading, word: Word, end: int, is_linked: bool) -> bool:
        """Add a word to a number if it belongs to it; return whether it does."""
        part, value = reading.part, word.value
        if word.scale and part and not is_linked and self._multiplies(reading, word):
            if word.scale == 100:
                reading.part = part * 100
            else:
                reading.total, reading.part = reading.total + part * word.scale, None
                reading.limit = word.scale
        elif word.scale > reading.limit and not is_linked and word.scale == value:
            reading.total, reading.part = reading.value * value, None
            reading.limit = word.scale  # as in "a thousand million"
        elif part is None and self._may_follow(is_linked) and value < reading.limit:
            if word.scale > 100:
                reading.total, reading.limit = reading.total + value, word.scale
            else:
                reading.part = value
        elif part and not (word.is_digits or reading.from_digits):
            if not self._adds(part, word, is_linked):
                return False
            reading.part = part + value
        else:
            return False
        reading.end = end
        reading.from_digits = word.is_digits
        return True

    def _multiplies(self, reading: _Reading, word: Word) -> bool:
        assert reading.part is not None
        if word.scale == 100:
            lowest, limit = (3, 10) if self._composes_tens else (1, 100)
            return lowest <= reading.part < limit and not reading.from_digits
        fits = not reading.total or reading.part * word.scale < reading.limit
        return word.scale == word.value and fits

    def _may_follow(self, is_linked: bool) -> bool:
        return is_linked or not self._connector

    def _adds(self, part: Decimal, word: Word, is_linked: bool) -> bool:
        value = word.value
        if self._ones_first and 1 <= part % 100 <= 9:
            if value == 10 and not is_linked:  # as "three ten" for thirteen
                return True
            return is_linked and value < 100 and value % 10 == 0 and value > 10
        if not self._may_follow(is_linked) or word.scale > 100:
            return False
        if value < 10 and self._composes_tens and not self._ones_first:
            return part % 10 == 0 and part % 100 != 10
        return 0 < value < 100 and part % 100 == 0

    def _close(self, text: str, reading: _Reading) -> Iterator[Edit]:
        value = reading.value
        new = str(int(value)) if value == int(value) else format(value.normalize(), "f")
        old = text[reading.start : reading.end]
        if not _DIGITS.fullmatch(old):
            is_after_prefix = reading.start > 0 and text[reading.start - 1] not in " \n"
            yield reading.start, reading.end, f" {new}" if is_after_prefix else new

    def _add_table(self, table: Mapping[str, Any]) -> None:
        for number, word in enumerate(table["below"].split()):
            self._add(word, Word(Decimal(number)))
        for number, word in enumerate(table.get("tens", "").split(), 2):
            self._add(word, Word(Decimal(10 * number)))
        for number, word in enumerate(table.get("hundreds", "").split(), 1):
            self._add(word, Word(Decimal(100 * number), 100 if number == 1 else 0))
        for number, words in table.get("variants", {}).items():
            for word in words.split():
                self._add(word, Word(Decimal(number), 100 if number == 100 else 0))
        for scale in table["scales"]:
            value = scale["value"]
            forms = " ".join(str(scale.get(k, "")) for k in _FORMS)
            for word in forms.split():
                if word not in self._words:
                    self._add(word, Word(Decimal(value), value))
            for word in f"{scale.get('two', '')} {scale.get('also_two', '')}".split():
                self._add(word, Word(Decimal(2 * value), value))

    def _add(self, word: str, meaning: Word) -> None:
        self._words.setdefault(word.translate(self._fold), meaning)


_FORMS = ("many", "few", "round", "also")


def _begin(word: Word, start: int, end: int) -> _Reading:
    if word.scale > 100:
        return _Reading(start, end, word.value, None, word.scale, False)
    return _Reading(start, end, Decimal(0), word.value, 10**18, word.is_digits)
