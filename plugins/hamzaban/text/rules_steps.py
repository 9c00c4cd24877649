"""The kinds of steps that rules are compiled to, with and without offsets."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from functools import partial
from typing import Protocol

from hamzaban.text.offsets import Edit

DENSE_SIZE = 0x20000  # code points in the table: all letters with case, all symbols
MAX_GATES = 3  # searching for more strings takes as long as the step itself
MAX_REPLACED = 4  # for more characters one regular expression is faster
_identity: list[str | None] = []


class Edited(Protocol):
    """A change of a text that can be given as replacements of its parts."""

    def apply(self, text: str) -> str:
        """Return the changed text."""

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the same change as replacements of parts, in order."""


Apply = Callable[[str], str]


class Step(Edited, Protocol):
    """A step of our rules, which knows the characters that it needs to act."""

    def concerns(self, char: str) -> bool:
        """Return whether a character may concern the step."""

    def may_act(self, present: Set[str]) -> bool:
        """Return whether a text of these characters may change."""

    def makes(self, present: Set[str]) -> Set[str]:
        """Return the characters that the step may add to such a text."""

    def prepare(self, present: Set[str]) -> Apply:
        """Return the fastest function that changes such a text as `apply` does."""


class Needing(ABC):
    """Base of steps that need a character of each of some groups in the text.

    Attributes:
        needs: The groups; a step without groups may always act.
        made: The characters that it may add.
    """

    needs: tuple[frozenset[str], ...]
    made: frozenset[str]

    def concerns(self, char: str) -> bool:
        """Return whether a character may concern the step."""
        return any(char in group for group in self.needs)

    def may_act(self, present: Set[str]) -> bool:
        """Return whether a text of these characters may change."""
        return not any(group.isdisjoint(present) for group in self.needs)

    def makes(self, present: Set[str]) -> Set[str]:
        """Return the characters that the step may add to such a text."""
        return self.made

    def prepare(self, present: Set[str]) -> Apply:
        """Return a function that applies the step if what it needs is there."""
        chars = min(
            (group & present for group in self.needs), key=len, default=frozenset()
        )
        return gate(self.apply, chars)

    @abstractmethod
    def apply(self, text: str) -> str:
        """Return the changed text."""


class CharTable(Needing):
    """Replaces characters by strings, by one dense table."""

    def __init__(self, chars: Mapping[str, str]) -> None:
        """Compile the replacements of characters."""
        if not _identity:
            _identity.extend(map(chr, range(DENSE_SIZE)))
        table: list[str | None] = list(_identity)
        for char, new in chars.items():
            if ord(char) < DENSE_SIZE:
                table[ord(char)] = new or None
        far = {char: new for char, new in chars.items() if ord(char) >= DENSE_SIZE}
        self.chars = chars
        self.needs = (frozenset(chars),)
        self.made = frozenset("".join(chars.values()))
        self._table = table
        self._far = SparseMap(far) if far else None

    def get(self, char: str) -> str:
        """Return what a character becomes."""
        return self.chars.get(char, char)

    def apply(self, text: str) -> str:
        """Return the changed text."""
        text = text.translate(self._table)
        return self._far.apply(text) if self._far else text

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacement of each character that changes."""
        return _edit_chars(text, self.chars)


class SparseMap(Needing):
    """Replaces characters that are rare in texts by strings."""

    def __init__(self, chars: Mapping[str, str]) -> None:
        """Compile the replacements of characters."""
        self.chars = chars
        self.needs = (frozenset(chars),)
        self.made = frozenset("".join(chars.values()))
        self._find = re.compile(char_class(chars))

    def apply(self, text: str) -> str:
        """Return the changed text."""
        if len(self.chars) <= MAX_REPLACED and not self.made & set(self.chars):
            for char, new in self.chars.items():
                text = text.replace(char, new)
            return text
        return self._find.sub(lambda found: self.chars[found[0]], text)

    def prepare(self, present: Set[str]) -> Apply:
        """Return a function that replaces the characters present."""
        few = {char: new for char, new in self.chars.items() if char in present}
        if len(few) != 1 or self.made & set(few):
            return self.apply
        ((char, new),) = few.items()
        return lambda text: text.replace(char, new)

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacement of each character that changes."""
        return _edit_chars(text, self.chars)


class Pattern(Needing):
    """Replaces the matches of a regular expression."""

    def __init__(
        self,
        pattern: str,
        replace: str | Callable[[re.Match[str]], str],
        needs: Iterable[Set[str]] = (),
        made: str | None = None,
        is_adjacent: bool = False,
    ) -> None:
        """Compile the pattern.

        Args:
            pattern: The regular expression.
            replace: A template as `re.sub` reads it, or a function of the match.
            needs: Groups of characters; a text that matches has one of each.
            made: The characters that it may add, if `replace` is a function.
            is_adjacent: There are two groups, and in each match a character of the
                first stands before one of the second.
        """
        self._is_adjacent = is_adjacent
        self._find = re.compile(pattern)
        self._replace = replace
        self.needs = tuple(map(frozenset, needs))
        self.made = frozenset(replace if isinstance(replace, str) else made or "")

    def apply(self, text: str) -> str:
        """Return the changed text."""
        return self._find.sub(self._replace, text)

    def prepare(self, present: Set[str]) -> Apply:
        """Return a function that applies the pattern if what it needs is there."""
        if not self.needs:  # of common letters: every line takes the step
            return partial(self._find.sub, self._replace)
        if not self._is_adjacent:
            return super().prepare(present)
        first, second = (group & present for group in self.needs)
        return gate(self.apply, {a + b for a in first for b in second})

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacement of each match that changes."""
        for found in self._find.finditer(text):
            new = self._replace
            new = found.expand(new) if isinstance(new, str) else new(found)
            if new != found[0]:
                yield found.start(), found.end(), new


def char_class(chars: Iterable[str]) -> str:
    """Return characters as a class of a regular expression, with ranges."""
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


def gate(apply: Apply, strings: Collection[str]) -> Apply:
    """Return a function that applies a step to texts that have one of some strings."""
    if not 0 < len(strings) <= MAX_GATES:
        return apply
    if len(strings) == 1:
        (only,) = strings
        return lambda text: apply(text) if only in text else text

    def apply_if_needed(text: str) -> str:
        for string in strings:
            if string in text:
                return apply(text)
        return text

    return apply_if_needed


def _edit_chars(text: str, chars: Mapping[str, str]) -> Iterator[Edit]:
    for i, char in enumerate(text):
        new = chars.get(char)
        if new is not None:
            yield i, i + 1, new
