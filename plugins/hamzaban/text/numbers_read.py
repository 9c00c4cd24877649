"""Read spelled numbers, so that they equal numbers in digits when scored."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from hamzaban.text.numbers import MAX_TOGETHER
from hamzaban.text.numbers_words import DIGITS, Vocabulary, Word
from hamzaban.text.offsets import Edit

NO_LIMIT = 10**18
_TOKEN = re.compile(r"[^ \n]+")


class Token(NamedTuple):
    """A word of a text, with its letters folded as in scoring, and its place."""

    text: str
    start: int
    end: int


@dataclass
class _Reading:
    """A number that is being read.

    Attributes:
        start: Index in the text at which it begins.
        end: Index at which the last word that belongs to it ends.
        total: Sum of the parts that ended with a scale.
        part: The part after the last scale; None directly after a scale.
        limit: Further parts must be smaller than this.
        from_digits: The last word is in digits, or the number is a decimal fraction.
        suffix: That of an ordinal, which ends the number.
        literal: A decimal fraction as it is written, with its zeros.
        is_one_word: No second word belongs to the number.
    """

    start: int
    end: int
    total: Decimal
    part: Decimal | None
    limit: int
    from_digits: bool
    suffix: str = ""
    literal: str = ""
    is_one_word: bool = True

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
                `ambiguous` words that stand alone remain words, and their digits become
                these words; `signs` as for `spell_signs`.
            fold: Letters that are equal in scoring.
        """
        self._vocabulary = Vocabulary(table, fold)
        self._fold = self._vocabulary.fold
        self._connector = self._vocabulary.connector
        self._ones_first = bool(table.get("ones_first", False))
        self._composes_tens = "tens" in table
        self._is_single = table["point_digits"] == "single"

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacement of each number that contains a word or a suffix."""
        tokens = [
            Token(m[0].translate(self._fold), *m.span()) for m in _TOKEN.finditer(text)
        ]
        at = 0
        while at < len(tokens):
            reading, after = self._read(tokens, at)
            if reading is not None:
                yield from self._close(text, reading, tokens, at, after)
            at = max(after, at + 1)

    def _read(self, tokens: Sequence[Token], at: int) -> tuple[_Reading | None, int]:
        """Return the number that begins at a token, and the index after it."""
        first = self._vocabulary.find(tokens[at].text, False)
        if first is None:
            return None, at
        start = tokens[at].start + (len(self._connector) if first.has_prefix else 0)
        reading = _begin(first, start, tokens[at].end)
        at += 1
        is_linked = False
        while at < len(tokens) and not reading.suffix:
            token = tokens[at].text
            word = self._vocabulary.find(token, True)
            if word is None and token == self._connector and not is_linked:
                is_linked = True
                at += 1
                continue
            if word is None:
                ended = self._end(reading, tokens, at, is_linked)
                if ended == at:
                    break
                at = ended
                continue
            if not self._extend(
                reading, word, tokens[at].end, is_linked or word.has_prefix
            ):
                break
            is_linked = False
            at += 1
        return reading, at - is_linked

    def _end(
        self, reading: _Reading, tokens: Sequence[Token], at: int, is_linked: bool
    ) -> int:
        """Add a fraction or the suffix of an ordinal; return the index after it."""
        token = tokens[at].text
        if is_linked:
            return at
        value = reading.value
        if token == self._vocabulary.point and value == int(value):
            fraction, after = self._read_fraction(tokens, at + 1)
            if fraction:
                reading.literal = f"{int(value)}.{fraction}"
                reading.total, reading.part = Decimal(0), Decimal(reading.literal)
                reading.limit, reading.from_digits = NO_LIMIT, True
                reading.end = tokens[after - 1].end
                return after
        is_after_digits = reading.from_digits and not reading.literal
        is_suffix = token in self._vocabulary.suffixes and (
            is_after_digits or len(token) > 1
        )
        if not is_suffix or not self._vocabulary.ordinals.has(int(reading.value)):
            return at
        reading.suffix = self._vocabulary.suffixes[token]
        reading.end = tokens[at].end
        return at + 1

    def _read_fraction(self, tokens: Sequence[Token], at: int) -> tuple[str, int]:
        """Return the digits after a point, and the index after their words."""
        digits = ""
        while at < len(tokens) and self._vocabulary.digit(tokens[at].text) == "0":
            digits, at = digits + "0", at + 1
        single = list(
            itertools.takewhile(
                bool, (self._vocabulary.digit(token.text) for token in tokens[at:])
            )
        )
        if single and (self._is_single or len(single) > MAX_TOGETHER):
            return digits + "".join(single), at + len(single)
        if at < len(tokens) and tokens[at].text.isdecimal():
            return digits + tokens[at].text, at + 1
        first = (
            self._vocabulary.find(tokens[at].text, False) if at < len(tokens) else None
        )
        if first is None or first.scale > 100 or first.suffix or first.has_prefix:
            return digits, at
        reading, at, is_linked = _begin(first, 0, 0), at + 1, False
        while at < len(tokens):
            word = self._vocabulary.find(tokens[at].text, True)
            if word is None and tokens[at].text == self._connector and not is_linked:
                is_linked, at = True, at + 1
                continue
            if word is None or word.scale > 100 or word.suffix or word.is_digits:
                break
            if not self._extend(reading, word, 0, is_linked or word.has_prefix):
                break
            is_linked, at = False, at + 1
        return digits + str(int(reading.value)), at - is_linked

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
        reading.suffix = word.suffix
        reading.literal, reading.is_one_word = "", False
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

    def _close(
        self,
        text: str,
        reading: _Reading,
        tokens: Sequence[Token],
        first: int,
        after: int,
    ) -> Iterator[Edit]:
        number = format_number(reading.value)
        new = (reading.literal or number) + reading.suffix
        old = text[reading.start : reading.end]
        is_digits = DIGITS.fullmatch(old) is not None
        if is_digits and old != new:
            return  # 007, or 2.50
        if reading.is_one_word and new in self._vocabulary.lone:
            beside = [*tokens[max(0, first - 1) : first], *tokens[after : after + 1]]
            if not any(token.text in self._vocabulary.signs for token in beside):
                new = self._vocabulary.lone[new]
        if old != new:
            is_after_prefix = reading.start > 0 and text[reading.start - 1] not in " \n"
            yield reading.start, reading.end, f" {new}" if is_after_prefix else new


def format_number(value: Decimal) -> str:
    """Return a number in digits, without an exponent."""
    return str(int(value)) if value == int(value) else format(value.normalize(), "f")


def _begin(word: Word, start: int, end: int) -> _Reading:
    suffix = word.suffix
    if word.scale > 100:
        return _Reading(start, end, word.value, None, word.scale, False, suffix)
    return _Reading(
        start, end, Decimal(0), word.value, NO_LIMIT, word.is_digits, suffix
    )
