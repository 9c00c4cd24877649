"""The kinds of steps that rules become, each usable with and without offsets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Protocol

from hamzaban.text.offsets import Edit
from hamzaban.text.rules_chars import unicode_classes

DENSE_SIZE = 0x20000  # code points in the table: all that have case or are symbols
MAX_REPLACED = 4  # for more characters one regular expression is faster
_identity: list[str | None] = []


class Edited(Protocol):
    """A change of text that can be told as replacements of parts."""

    def apply(self, text: str) -> str:
        """Return the changed text."""

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the same change as replacements of parts, in order."""


class Step(Edited, Protocol):
    """A step of our rules, which knows what characters it needs to act."""

    def concerns(self, char: str) -> bool:
        """Say whether the step may have to do with a character."""

    def may_act(self, present: Set[str]) -> bool:
        """Say whether a text of these characters may change."""

    def makes(self, present: Set[str]) -> Set[str]:
        """Give the characters that the step may add to such a text."""


class Needing:
    """What steps share that need a character of each of some groups to act.

    Attributes:
        needs: The groups; without any, the step may always act.
        made: The characters that it may add.
    """

    needs: tuple[frozenset[str], ...]
    made: frozenset[str]

    def concerns(self, char: str) -> bool:
        """Say whether the step may have to do with a character."""
        return any(char in group for group in self.needs)

    def may_act(self, present: Set[str]) -> bool:
        """Say whether a text of these characters may change."""
        return not any(group.isdisjoint(present) for group in self.needs)

    def makes(self, present: Set[str]) -> Set[str]:
        """Give the characters that the step may add to such a text."""
        return self.made


class CharTable(Needing):
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
        """Give the replacement of each character that changes."""
        return _edit_chars(text, self.chars)


class SparseMap(Needing):
    """Each character becomes a string; for characters that most texts have none of."""

    def __init__(self, chars: Mapping[str, str]) -> None:
        """Take the replacements of the characters that change."""
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

    def edits(self, text: str) -> Iterator[Edit]:
        """Give the replacement of each character that changes."""
        return _edit_chars(text, self.chars)


class Pattern(Needing):
    """What a regular expression finds becomes something else."""

    def __init__(
        self,
        pattern: str,
        replace: str | Callable[[re.Match[str]], str],
        needs: Iterable[Set[str]] = (),
        made: str | None = None,
    ) -> None:
        """Compile the pattern.

        Args:
            pattern: The regular expression.
            replace: A template as `re.sub` reads it, or a function of the match.
            needs: Groups of characters, of each of which a text that matches has one.
            made: The characters that may be new, if `replace` is a function.
        """
        self._find = re.compile(pattern)
        self._replace = replace
        self.needs = tuple(map(frozenset, needs))
        self.made = frozenset(replace if isinstance(replace, str) else made or "")

    def apply(self, text: str) -> str:
        """Return the changed text."""
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

        values = set(chars.values())
        is_constant = joined is None and len(values) == 1
        new = values.pop() if is_constant else change
        super().__init__(pattern, new, [set(chars)], "".join(chars.values()))


class Whole(Needing):
    """A function that finds its own edits; for rules that look at several words."""

    def __init__(
        self,
        find: Callable[[str], Iterator[Edit]],
        needs: Iterable[Set[str]],
        made: str,
    ) -> None:
        """Take the function, the groups it needs, and what it may add.

        Args:
            find: Gives replacements in order.
            needs: As for `Pattern`.
            made: The characters that may be new.
        """
        self._find = find
        self.needs = tuple(map(frozenset, needs))
        self.made = frozenset(made)

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


def char_class(chars: Iterable[str]) -> str:
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


def _edit_chars(text: str, chars: Mapping[str, str]) -> Iterator[Edit]:
    for i, char in enumerate(text):
        new = chars.get(char)
        if new is not None:
            yield i, i + 1, new
