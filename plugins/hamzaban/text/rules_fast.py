"""Run the steps of a pass fast: a line takes only the steps that may change it.

A code page of 255 characters is learnt from the text. Encoding and decoding by it
translates most lines, and the encoded bytes show which rules may act. A line with a
character outside the page takes all steps.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from hamzaban.text.rules_steps import Apply, CharTable, Step
from hamzaban.text.rules_unicode import Spaces, check_no_surrogate

MAX_PLANS = 8192  # sets of special characters whose plans are cached
_UNDEFINED = "\ufffe"  # the codecs take it for an undefined code

Plan = tuple[tuple[Apply, ...], tuple[Apply, ...]]  # steps before and after the table


class FastPass:
    """Applies all steps of one pass to a line."""

    def __init__(self, steps: Sequence[Step]) -> None:
        """Divide the steps into those before the one table and those after it.

        Args:
            steps: The steps of `compile_rules`, which include one table and end with
                `Spaces`.
        """
        at = next(i for i, step in enumerate(steps) if isinstance(step, CharTable))
        self.steps = steps
        self._before, self._after = steps[:at], steps[at + 1 : -1]
        table = steps[at]
        assert isinstance(table, CharTable)
        assert isinstance(steps[-1], Spaces)
        self._table = table
        self._page = self._decoding = ""
        self._plain = self._deleted = b""
        self._seen: set[str] = set()
        self._plans: dict[bytes, Plan] = {}
        self._learn("\0")  # the codecs are fast only if code 0 is NUL

    def apply(self, line: str) -> str:
        """Return the changed line.

        Raises:
            ValueError: There is a lone surrogate.
        """
        try:
            codes = codecs.charmap_encode(line, "strict", self._encoding)[0]
        except UnicodeEncodeError:
            if not self._learn(line):
                return self._apply_all(line)
            codes = codecs.charmap_encode(line, "strict", self._encoding)[0]
        special = codes.translate(None, self._plain)
        plan = self._plans.get(special)
        if plan is None:
            plan = self._make_plan(special)
        before, after = plan
        if before:
            for apply in before:
                line = apply(line)
            try:
                codes = codecs.charmap_encode(line, "strict", self._encoding)[0]
            except UnicodeEncodeError:
                return self._finish(self._table.apply(line), after)
        codes = codes.translate(None, self._deleted)
        line = codecs.charmap_decode(codes, "strict", self._decoding)[0]
        return self._finish(line, after)

    @staticmethod
    def _finish(line: str, after: tuple[Apply, ...]) -> str:
        for apply in after:
            line = apply(line)
        while "  " in line:
            line = line.replace("  ", " ")
        return line.strip(" ")

    def _apply_all(self, line: str) -> str:
        check_no_surrogate(line)
        for step in self.steps:
            line = step.apply(line)
        return line

    def _learn(self, line: str) -> bool:
        """Add new characters to the page; return whether it has all of the line."""
        new = sorted(set(line) - self._seen)
        self._seen.update(new)
        new = [char for char in new if self._fits(char)][: 256 - len(self._page)]
        if not new:
            return False
        for char in new:
            output = self._table.get(char)
            if not output:
                self._deleted += bytes([len(self._page)])
            if not self._is_special(char):
                self._plain += bytes([len(self._page)])
            self._page += char
            self._decoding += output or _UNDEFINED
        self._encoding = codecs.charmap_build(self._page.ljust(256, _UNDEFINED))
        return set(line) <= set(self._page)

    def _fits(self, char: str) -> bool:
        in_plane_0 = char < "\ud800" or "\ue000" <= char < _UNDEFINED
        return in_plane_0 and len(self._table.get(char)) <= 1

    def _is_special(self, char: str) -> bool:
        after = self._table.get(char)
        return any(step.concerns(char) for step in self._before) or any(
            step.concerns(c) for step in self._after for c in after
        )

    def _make_plan(self, special: bytes) -> Plan:
        """Return the steps for lines that have exactly these special characters."""
        codes = bytes(sorted(set(special)))
        plan = self._plans.get(codes)
        if plan is None:
            present = {self._page[code] for code in codes}
            before = _choose(self._before, present)
            present = {c for char in present for c in self._table.get(char)}
            plan = before, _choose(self._after, present)
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        self._plans[codes] = self._plans[special] = plan
        return plan


def _choose(steps: Sequence[Step], present: set[str]) -> tuple[Apply, ...]:
    """Return the steps that may act on the characters present, or on added ones."""
    chosen = []
    for step in steps:
        if step.may_act(present):
            chosen.append(step.prepare(present))
            present |= step.makes(present)
    return tuple(chosen)
