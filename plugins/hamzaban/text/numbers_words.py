"""The words of spelled numbers, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hamzaban.text.numbers import Ordinals

DIGITS = re.compile(r"[0-9]{1,15}(?:\.[0-9]+)?")
_FORMS = ("many", "few", "round", "also")


@dataclass(frozen=True)
class Word:
    """The meaning of a word in a spelled number.

    Attributes:
        value: Its value if it stands alone.
        scale: The factor for the number before it; 0 for none.
        is_digits: The word is written in digits.
        suffix: That of an ordinal, or nothing.
        has_prefix: The connector is written together with the word.
    """

    value: Decimal
    scale: int = 0
    is_digits: bool = False
    suffix: str = ""
    has_prefix: bool = False


class Vocabulary:
    """The number words of a language, with letters folded as in scoring.

    Attributes:
        fold: Table of letters that are equal in scoring, for `str.translate`.
        connector: The word between parts of a number, or nothing.
        point: The word for the decimal point.
        ordinals: The ordinals of the language.
        suffixes: The suffix of ordinals that is written, by all that texts have.
        lone: Words that stand for a number only beside others, by the number.
        signs: Words beside which a lone word is a number.
    """

    def __init__(self, table: Mapping[str, Any], fold: Mapping[str, str]) -> None:
        """Read the tables, as for `hamzaban.text.numbers_read.Reader`."""
        self.fold = str.maketrans(dict(fold))
        self.connector = table["connector"].strip().translate(self.fold)
        self._is_prefix = bool(self.connector) and not table["connector"].endswith(" ")
        self.point = table["point"].translate(self.fold)
        self.ordinals = Ordinals(table)
        self.suffixes = {
            form.translate(self.fold): suffix.translate(self.fold)
            for form, suffix in self.ordinals.suffixes.items()
        }
        self._words: dict[str, Word] = {}
        self._add_table(table)
        self._add_ordinals()
        self.lone = self._list_lone(table.get("ambiguous", ""))
        signs = table.get("signs", {})
        names = (signs.get(k, "") for k in ("minus", "percent"))
        self.signs = {name.translate(self.fold) for name in names} | {self.point}

    def find(self, token: str, is_open: bool) -> Word | None:
        """Return the meaning of a word, which may begin with the connector.

        Args:
            token: The word as it stands in the text.
            is_open: A number comes before it, so that the connector is likely.
        """
        if DIGITS.fullmatch(token):
            return Word(Decimal(token), is_digits=True)
        whole = self._words.get(token)
        rest = None
        if self._is_prefix and token.startswith(self.connector):
            rest = self._words.get(token[len(self.connector) :])
        if rest is not None and (is_open or whole is None):
            return replace(rest, has_prefix=True)
        return whole

    def digit(self, token: str) -> str:
        """Return the digit that a word stands for, or nothing."""
        word = self._words.get(token)
        is_digit = word is not None and word.value < 10 and not word.suffix
        return str(int(word.value)) if word is not None and is_digit else ""

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
        self._words.setdefault(word.translate(self.fold), meaning)

    def _add_ordinals(self) -> None:
        for word, meaning in list(self._words.items()):
            number = int(meaning.value)
            for suffix in set(self.suffixes.values()):
                forms = self.ordinals.forms(number, word, suffix) if number else ()
                for form in forms:
                    self._add(form, replace(meaning, suffix=suffix))

    def _list_lone(self, words: str) -> dict[str, str]:
        """Return the ambiguous words by their numbers in digits."""
        folded = (word.translate(self.fold) for word in words.split())
        found = ((self._words[word], word) for word in folded)
        return {f"{word.value}{word.suffix}": form for word, form in found}
