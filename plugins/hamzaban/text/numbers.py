"""Spell numbers out by the tables under `numbers` in the YAML of a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_DIGITS = 15  # longer numbers, such as account numbers, are read digit by digit
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*")


class Speller:
    """Writes whole numbers and decimal fractions in words."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Read the tables.

        Args:
            table: `below` (the numbers from 0 on, `_` for a space in one), `tens` and
                `hundreds` where numbers are composed of them, `ones_first`,
                `connector`, `scales`, `point` and `point_digits` (together, single).
        """
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
            if rest and self._single:
                words += [self._below[int(digit)] for digit in rest]
            elif rest:
                words.append(self._spell_digits(rest))
            spelled = " ".join([spelled, self._point, *words])
        return spelled

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
