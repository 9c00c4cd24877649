"""Signs that are read aloud, such as %, $ and a minus: spell them, or count them.

The words are in the YAML of a language, under `numbers`, `signs`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from hamzaban.text.rules_chars import (
    LANGUAGES_DIR,
    read_chars,
    read_yaml,
    unicode_classes,
)
from hamzaban.text.rules_steps import Pattern, char_class

if TYPE_CHECKING:
    from hamzaban.text.normalizer import Normalizer

RULE = "spoken-signs"  # the rule that drops them
PERCENT, PER_MILLE, DEGREE = "%\u066a\ufe6a\uff05", "\u2030\u0609", "\u00b0\u00ba"
MINUS, PLUS, EQUALS = "-\u2212\ufe63\uff0d\u2013", "+\uff0b", "=\uff1d"
FRACTIONS = "\u00bd\u00bc\u00be\u2153\u2154"
CURRENCY = "$\u20ac\u00a3\u00a5\u20b9\u060b\u20bd\u20ba\u20aa\ufe69\uff04"
_BEFORE = "(?<![^\\s(\\[\u00ab\"'])"  # a minus there is no hyphen

_MINUS = re.compile(f"{_BEFORE}[{MINUS}](?={char_class(CURRENCY)}?\\d)")


class _Signs:
    """Writes the signs beside a number in words, after what they apply to."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        signs = table["signs"]
        self._signs: Mapping[str, Any] = signs
        self._connector = table["connector"].strip()
        digit = char_class(unicode_classes()["digits"])
        number = f"{digit}+(?:[.,\u066b\u066c]{digit}+)*"
        scales = "|".join(
            word
            for scale in table["scales"]
            for key in ("many", "few", "round", "one", "two")
            for word in str(scale.get(key, "")).split()
        )
        money = char_class(CURRENCY)
        self.pattern = (
            f"(?P<cur>{money})\\s?(?P<n>{number}(?:\\s+(?:{scales})(?!\\w))?)"
            f"|(?P<pct>[{PERCENT}])\\s?(?P<m>{number})"
            f"|(?P<degree>(?:\\s?[{DEGREE}]\\s?(?P<unit>[CFcf](?![A-Za-z]))?|\u2103|\u2109))"
            f"|{_BEFORE}(?P<minus>[{MINUS}])(?={money}?{digit})"
            f"|{_BEFORE}(?P<plus>[{PLUS}])(?={digit})"
            f"|(?<={digit})\\s?(?P<op>[{PLUS}{EQUALS}])\\s?(?={digit})"
            f"|(?P<one>[{PERCENT}{PER_MILLE}{CURRENCY}])"
            f"|(?P<after>(?<={digit})\\s?)?(?P<part>[{FRACTIONS}])"
        )

    def spell(self, found: re.Match[str]) -> str:
        """Return what a match is read as, with spaces around it."""
        signs = self._signs
        if found["cur"]:
            words = f"{found['n']} {self._name(found['cur'])}"
        elif found["pct"]:
            words = f"{found['m']} {signs['percent']}"
        elif found["degree"]:
            unit = found["unit"] or {"\u2103": "C", "\u2109": "F"}.get(found["degree"])
            names = {"C": "celsius", "F": "fahrenheit"}
            words = signs[names[unit.upper()] if unit else "degree"]
        elif found["minus"] or found["plus"]:
            words = signs["minus" if found["minus"] else "plus"]
        elif found["op"]:
            words = signs["add" if found["op"] in PLUS else "equals"]
        elif found["part"]:
            words = signs["fractions"][FRACTIONS.index(found["part"])]
            if found["after"] is not None:
                words = f"{self._connector} {words}"
        else:
            words = self._name(found["one"])
        return f" {words} "

    def _name(self, sign: str) -> str:
        if sign in PERCENT:
            return str(self._signs["percent"])
        if sign in PER_MILLE:
            return str(self._signs["per_mille"])
        sign = "$" if sign in "\ufe69\uff04" else sign
        return str(self._signs["currency"][sign])


def spell_signs(table: Mapping[str, Any]) -> Pattern:
    """Return the step that writes the signs of a text in words.

    Args:
        table: The tables of `Speller`, with `signs`: words by meaning, `currency` by
            sign, and `fractions` for the half, quarter, three quarters, third and two
            thirds.
    """
    signs = _Signs(table)
    needed = PERCENT + PER_MILLE + DEGREE + "\u2103\u2109"
    needed += MINUS + PLUS + EQUALS + FRACTIONS + CURRENCY
    return Pattern(signs.pattern, signs.spell, [set(needed)], str(table))


@dataclass
class DroppedSigns:
    """Counts of the signs read aloud that a normalizer dropped.

    Attributes:
        counts: How often each sign was dropped.
        places: The first utterance that lost each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, normalizer: Normalizer, text: str, place: str) -> None:
        """Count the signs that the normalizer drops from a text."""
        for sign in find_dropped(normalizer, text):
            self.counts[sign] += 1
            self.places.setdefault(sign, place)

    def describe(self) -> str:
        """Return the counts in words; empty if nothing was dropped."""
        return "; ".join(
            f"{sign} {count} times (first {self.places[sign]})"
            for sign, count in self.counts.most_common()
        )


def find_dropped(normalizer: Normalizer, text: str) -> list[str]:
    """Return the signs read aloud that a normalizer drops from a text."""
    if not _any_sign().search(text):
        return []
    dropped = []
    for change in normalizer.explain(text):
        for start, end, new in change.edits:
            sign = change.before[start:end]
            is_sign = change.rule == RULE or (
                change.rule == "punctuation" and _MINUS.match(change.before, start)
            )
            if is_sign and not new.strip():
                dropped.append(sign)
    return dropped


@cache
def _any_sign() -> re.Pattern[str]:
    rules = read_yaml(LANGUAGES_DIR / "_base.yaml")["rules"]
    chars = next(rule["chars"] for rule in rules if rule["name"] == RULE)
    return re.compile(char_class({*read_chars(chars), *MINUS}))
