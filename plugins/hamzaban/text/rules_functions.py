"""The functions that rules name for what a map or a pattern cannot express."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hamzaban.text.numbers import NUMBER, Ordinals, Speller
from hamzaban.text.numbers_read import Reader
from hamzaban.text.rules_chars import unicode_classes
from hamzaban.text.rules_context import Whole
from hamzaban.text.rules_steps import Pattern, Step, char_class
from hamzaban.text.signs import spell_signs
from hamzaban.text.uthmani import ModernSpelling

DIGITS = frozenset("0123456789")
HAMZAS = frozenset("\u0653\u0654\u0655")
HAMZA_LETTERS = "\u0622\u0623\u0624\u0625\u0626\u0672\u0673\u06c0\u06c2\u06d3"


def _spell_numbers(data: Mapping[str, Any]) -> Step:
    speller = Speller(data["numbers"])
    made = str(data["numbers"])
    return Pattern(
        NUMBER.pattern, lambda found: speller.spell_text(found[0]), [DIGITS], made
    )


def _spell_ordinals(data: Mapping[str, Any]) -> Step:
    speller = Speller(data["numbers"])
    suffixes = sorted(Ordinals(data["numbers"]).suffixes, key=len, reverse=True)
    pattern = f"(?<![0-9.])([0-9]+)({'|'.join(suffixes)})(?!\\w)"
    return Pattern(
        pattern,
        lambda found: speller.spell_ordinal(found[1], found[2]),
        [DIGITS, set("".join(suffixes))],
        str(data["numbers"]),
    )


def _spell_signs(data: Mapping[str, Any]) -> Step:
    return spell_signs(data["numbers"])


def _read_numbers(data: Mapping[str, Any]) -> Step:
    reader = Reader(data["numbers"], data["lenient"])
    return Whole(reader.edits, [], "".join(DIGITS))


def _spell_modern(data: Mapping[str, Any]) -> Step:
    table = data["modern_spelling"]
    made = "اآأإؤئءىوين \u064b\u064c\u064d\u0652"
    made += "".join([*table["words"].values(), *table["stems"].values()])
    marks = unicode_classes()["arabic_marks"]
    return Whole(ModernSpelling(table).edits, [marks], made)


def _keep_one_hamza(data: Mapping[str, Any]) -> Step:  # noqa: ARG001
    """Delete the madda and hamzas after a letter that has one."""

    def delete(found: re.Match[str]) -> str:
        return found[0][0] + "".join(c for c in found[0][1:] if c not in HAMZAS)

    marks = unicode_classes()["marks"]
    pattern = f"[{HAMZA_LETTERS}]{char_class(marks)}+"
    return Pattern(pattern, delete, [set(HAMZA_LETTERS), HAMZAS])


FUNCTIONS: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "spell_numbers": _spell_numbers,
    "spell_ordinals": _spell_ordinals,
    "spell_signs": _spell_signs,
    "read_numbers": _read_numbers,
    "modern_spelling": _spell_modern,
    "one_hamza": _keep_one_hamza,
}
