"""Spell numbers out by the tables under `numbers` in the YAML of a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_DIGITS = 15  # longer numbers, such as account numbers, are read digit by digit
MAX_TOGETHER = 3  # digits of a longer fraction are read one by one
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*")


class Ordinals:
    """The ordinals of a language, which are numbers with a suffix.

    Attributes:
        suffixes: The suffix that is written, by those that texts have after digits.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Read `ordinals` of the tables of `Speller`.

        Args:
            table: `ordinals` has `suffixes` (other spellings of each), `from` (the
                lowest number), `stems` (of last words that change before a suffix) and
                `words` (by number, one for each suffix).
        """
        found = table.get("ordinals", {})
        self.suffixes = {
            form: suffix
            for suffix, forms in found.get("suffixes", {}).items()
            for form in [suffix, *forms.split()]
        }
        self._from = found.get("from", 1)
        self._stems: Mapping[str, str] = found.get("stems", {})
        self._words = {
            (number, suffix): word
            for number, words in found.get("words", {}).items()
            for suffix, word in zip(found["suffixes"], words.split(), strict=True)
        }

    def has(self, number: int) -> bool:
        """Return whether a number is written as an ordinal."""
        return bool(self.suffixes) and number >= self._from

    def form(self, number: int, words: str, suffix: str) -> str:
        """Return the ordinal of a number whose cardinal is given in words."""
        return self.forms(number, words, suffix)[0]

    def forms(self, number: int, words: str, suffix: str) -> list[str]:
        """Return the ordinal of a number, and the one that ends a longer number."""
        known = self._words.get((number, suffix))
        return [*([known] if known else []), self._change_last(words, suffix)]

    def _change_last(self, words: str, suffix: str) -> str:
        before, space, last = words.rpartition(" ")
        return f"{before}{space}{self._stems.get(last, last)}{suffix}"


class Speller:
    """Writes whole numbers and decimal fractions in words."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Read the tables.

        Args:
            table: `below` (the numbers from 0 on, `_` for a space in one), `tens` and
                `hundreds` where numbers are composed of them, `ones_first`,
                `connector`, `scales`, `point` and `point_digits` (together, single);
                `ordinals` where ordinals are written in digits.
        """
        self._ordinals = Ordinals(table)
        self._below = [word.replace("_", " ") for word in table["below"].split()]
        self._tens = table.get("tens", "").split()
        self._hundreds = table.get("hundreds", "").split()
        self._ones_first = bool(table.get("ones_first", False))
        self._connector = table["connector"]
        self._scales = sorted(table["scales"], key=lambda s: s["value"], reverse=True)
        self._point = table["point"]
        self._single = table["point_digits"] == "single"

    def spell_text(self, text: str) -> str:
        """Return a written number, such as `12`, `3.14` or `0912`, in words.

        A text with a leading zero, more than `MAX_DIGITS` digits, or a second point, as
        in a date or a version, is read as a row of digits or numbers.
        """
        whole, *parts = text.split(".")
        if len(parts) > 1:
            return " ".join(map(self._spell_digits, text.split(".")))
        spelled = self._spell_digits(whole)
        if parts:
            zeros = len(parts[0]) - len(parts[0].lstrip("0"))
            rest = parts[0][zeros:]
            words = [self._below[0]] * zeros
            if rest and (self._single or len(rest) > MAX_TOGETHER):
                words += [self._below[int(digit)] for digit in rest]
            elif rest:
                words.append(self._spell_digits(rest))
            spelled = " ".join([spelled, self._point, *words])
        return spelled

    def spell_ordinal(self, digits: str, suffix: str) -> str:
        """Return an ordinal that is written in digits, such as `21` with `م`, in words.

        Numbers for which the table has no ordinals stay in digits.
        """
        if len(digits) > MAX_DIGITS or not self._ordinals.has(int(digits)):
            return f"{digits} {suffix}"
        suffix = self._ordinals.suffixes[suffix]
        return self._ordinals.form(int(digits), self.spell(int(digits)), suffix)

    def spell(self, number: int) -> str:
        """Return a whole number of at most `MAX_DIGITS` digits in words."""
        parts = []
        for scale in self._scales:
            count, number = divmod(number, scale["value"])
            if count:
                parts.append(self._spell_scale(count, scale))
        if number or not parts:
            parts.append(self._spell_small(number))
        return self._connector.join(parts)

    def _spell_digits(self, digits: str) -> str:
        if len(digits) > MAX_DIGITS or (digits[0] == "0" and len(digits) > 1):
            return " ".join(self._below[int(digit)] for digit in digits)
        return self.spell(int(digits))

    def _spell_scale(self, count: int, scale: Mapping[str, Any]) -> str:
        if count == 1 and "one" in scale:
            return scale["one"]
        if count == 2 and "two" in scale:
            return scale["two"]
        name = scale["many"]
        if 3 <= count % 100 <= 10:
            name = scale.get("few", name)
        elif count % 100 == 0:
            name = scale.get("round", name)
        return f"{self.spell(count)} {name}"

    def _spell_small(self, number: int) -> str:
        """Return in words a number that is smaller than every scale."""
        parts = []
        hundreds, number = divmod(number, 100) if self._hundreds else (0, number)
        if hundreds:
            parts.append(self._hundreds[hundreds - 1])
        if number >= len(self._below):
            tens, ones = divmod(number, 10)
            pair = [self._tens[tens - 2]] + ([self._below[ones]] if ones else [])
            parts += reversed(pair) if self._ones_first else pair
        elif number or not parts:
            parts.append(self._below[number])
        return self._connector.join(parts)
