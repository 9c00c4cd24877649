"""The functions that rules may name: what a map or a pattern cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hamzaban.text.numbers import NUMBER, Speller
from hamzaban.text.numbers_read import Reader
from hamzaban.text.rules_context import Whole
from hamzaban.text.rules_steps import Pattern, Step

DIGITS = frozenset("0123456789")


def _spell_numbers(data: Mapping[str, Any]) -> Step:
    speller = Speller(data["numbers"])
    made = "".join(str(value) for value in data["numbers"].values())
    return Pattern(
        NUMBER.pattern, lambda found: speller.spell_text(found[0]), [DIGITS], made
    )


def _read_numbers(data: Mapping[str, Any]) -> Step:
    reader = Reader(data["numbers"], data["lenient"])
    return Whole(reader.edits, [], "".join(DIGITS))


FUNCTIONS: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "spell_numbers": _spell_numbers,
    "read_numbers": _read_numbers,
}
