"""Steps that look at more than one character."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set

from hamzaban.text.offsets import Edit
from hamzaban.text.rules_chars import unicode_classes
from hamzaban.text.rules_steps import Needing, Pattern, char_class


class Neighbours(Needing):
    """Replaces pairs of characters wherever they stand."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        """Compile the replacements."""
        self.pairs = pairs
        self.needs = (frozenset(pair[1] for pair in pairs),)  # rarer than pair[0]
        self.made = frozenset("".join(pairs.values()))
        self._find = re.compile("|".join(map(re.escape, pairs)))

    def apply(self, text: str) -> str:
        """Return the changed text."""
        for pair, new in self.pairs.items():
            text = text.replace(pair, new)
        return text

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacement of each pair."""
        for found in self._find.finditer(text):
            yield found.start(), found.end(), self.pairs[found[0]]


class Positions(Pattern):
    """Replaces letters at one position in a joined word."""

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
    """Applies a function that finds its own edits, for rules that look at several
    words."""

    def __init__(
        self,
        find: Callable[[str], Iterator[Edit]],
        needs: Iterable[Set[str]],
        made: str,
    ) -> None:
        """Wrap the function.

        Args:
            find: Yields replacements in order.
            needs: As for `Pattern`.
            made: The characters that it may add.
        """
        self._find = find
        self.needs = tuple(map(frozenset, needs))
        self.made = frozenset(made)

    def apply(self, text: str) -> str:
        """Return the changed text."""
        out: list[str] = []
        done = 0
        for start, end, new in self._find(text):
            out += (text[done:start], new)
            done = end
        return "".join([*out, text[done:]]) if done else text

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacements."""
        return self._find(text)
