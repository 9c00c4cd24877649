"""Align transcripts with alternatives, optional words and fragments as sclite does.

Each transcript becomes a network of arcs, one a word. The dynamic programming of sclite
runs over pairs of arcs; among equal costs it takes the diagonal, then the insertion,
then the deletion, and the first of the arcs that lead to a node. Costs are summed in
single precision, as there: sums with the cost of a null word are not exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hamzaban.score.notation import Heard, Notation
from hamzaban.score.word_marks import Marks, Word, match_words, read_word

MAX_CELLS = 1 << 22  # pairs of arcs, 200 bytes each
FREE = np.float32(0)


class Costs(NamedTuple):
    """Costs of errors; those of null and of optional words only decide between equals.

    Attributes:
        substitution: Cost of a substitution.
        gap: Cost of an insertion and of a deletion.
        optional_gap: That of an optional word.
        null_gap: That of a null word.
        null_pair: Cost of two null words.
    """

    substitution: np.float32
    gap: np.float32
    optional_gap: np.float32
    null_gap: np.float32
    null_pair: np.float32


SCLITE = Costs(*map(np.float32, (4, 3, 2, 0.001, 1)))
UNIT = Costs(*map(np.float32, (1 + 2**-11, 1, 2 / 3, 2**-12, 1 / 3)))


class Step(NamedTuple):
    """A column of an alignment: its letter, and a text on either side or None."""

    letter: str
    ref: str | None
    hyp: str | None
    confidence: float | None = None


@dataclass(eq=False)
class _Node:
    ins: list["_Arc"] = field(default_factory=list)
    outs: list["_Arc"] = field(default_factory=list)


@dataclass(eq=False)
class _Arc:
    word: Word
    start: _Node
    end: _Node
    number: int = -1


class Network:
    """A transcript as arcs in the order in which sclite visits them.

    Attributes:
        words: The word of each arc; that of arc 0, before the first word, is not used.
        before: Numbers of the arcs that end where each arc starts.
        ends: Numbers of the arcs that end the transcript.
    """

    def __init__(
        self, tokens: Sequence[str], marks: Marks, fold: Callable[[str], str] = str
    ) -> None:
        """Build the network of a transcript; `fold` returns the form to compare."""
        self._marks, self._fold = marks, fold
        root, start = _Node(), _Node()
        head = self._link(Word("", ""), root, start)
        stop = _Node() if tokens else start
        if tokens:
            self._add(tokens, start, stop)
        arcs = _sort_arcs(root)
        assert arcs[0] is head
        self.words = [arc.word for arc in arcs]
        self.before = [[a.number for a in arc.start.ins] for arc in arcs]
        self.ends = [arc.number for arc in stop.ins]

    def _link(self, word: Word, start: _Node, end: _Node) -> _Arc:
        arc = _Arc(word, start, end)
        start.outs.append(arc)
        end.ins.append(arc)
        return arc

    def _add(self, tokens: Sequence[str], start: _Node, stop: _Node) -> None:
        for t, token in enumerate(tokens):
            end = stop if t + 1 == len(tokens) else _Node()
            if isinstance(token, Notation) and token.choices:
                for choice in token.choices:
                    self._add(choice, start, end)
            else:
                word = read_word(self._fold(token), self._marks)
                if isinstance(token, Heard):
                    word = word._replace(confidence=token.confidence)
                self._link(word, start, end)
            start = end


def _sort_arcs(root: _Node) -> list[_Arc]:
    """Number the arcs: a node's arcs follow those of all nodes that lead to it."""
    waiting: dict[_Node, int] = {}
    arcs: list[_Arc] = []
    nodes = [root]
    for node in nodes:
        for arc in node.outs:
            arc.number = len(arcs)
            arcs.append(arc)
            waiting[arc.end] = waiting.get(arc.end, len(arc.end.ins)) - 1
            if not waiting[arc.end]:
                nodes.append(arc.end)
    return arcs


def _cost_of_gap(word: Word, costs: Costs) -> np.float32:
    if word.is_null:
        return costs.null_gap
    return costs.optional_gap if word.is_optional else costs.gap


def _cost_of_pair(ref: Word, hyp: Word, costs: Costs) -> np.float32:
    if ref.is_null and hyp.is_null:
        return costs.null_pair
    return FREE if match_words(ref, hyp) else costs.substitution


def align_networks(
    ref: Network, hyp: Network, name: str, costs: str = "sclite"
) -> list[Step]:
    """Return the steps of the best alignment, from the start to the end.

    Args:
        ref: The reference.
        hyp: The hypothesis.
        name: Id of the utterance, for messages.
        costs: `sclite`, or `unit`, see `align`.

    Raises:
        ValueError: There are too many pairs of arcs.
    """
    cells = len(ref.words) * len(hyp.words)
    if cells > MAX_CELLS:
        raise ValueError(
            f"utterance {name} has {len(ref.words)} by {len(hyp.words)} words with "
            f"those of alternatives; expected a product up to {MAX_CELLS}; cut it"
        )
    table, back = _fill(ref, hyp, SCLITE if costs == "sclite" else UNIT)
    _, (a, b) = _choose_pair(table, ref.ends, hyp.ends)
    steps: list[Step] = []
    while a > 0 or b > 0:
        before = back[a][b]
        step = _make_step(ref.words[a], hyp.words[b], before[0] == a, before[1] == b)
        if step is not None:
            steps.append(step)
        a, b = before
    return steps[::-1]


def _make_step(
    ref: Word, hyp: Word, is_inserted: bool, is_deleted: bool
) -> Step | None:
    """Return a column; None for a null word that has no partner."""
    if is_inserted:
        if hyp.is_null:
            return None
        free = hyp.is_optional
        letter, gap = ("C", "") if free else ("I", None)
        return Step(letter, gap, hyp.text, hyp.confidence)
    if is_deleted:
        if ref.is_null:
            return None
        free = ref.is_optional
        return Step("C" if free else "D", ref.text, "" if free else None)
    if ref.is_null and hyp.is_null:
        return None
    letter = "C" if match_words(ref, hyp) else "S"
    return Step(letter, ref.text, hyp.text, hyp.confidence)


def _fill(
    ref: Network, hyp: Network, costs: Costs
) -> tuple[list[list[np.float32]], list[list[tuple[int, int]]]]:
    """Return the least cost of each pair of arcs and the pair before it."""
    ref_gaps = [_cost_of_gap(word, costs) for word in ref.words]
    hyp_gaps = [_cost_of_gap(word, costs) for word in hyp.words]
    first = [FREE]
    pointers = [(-1, -1)]
    for b in range(1, len(hyp.words)):
        cost, at = _choose(first, hyp.before[b])
        first.append(cost + hyp_gaps[b])
        pointers.append((0, at))
    table, back = [first], [pointers]
    for a in range(1, len(ref.words)):
        cost, at = _choose_row(table, ref.before[a], 0)
        row, pointers = [cost + ref_gaps[a]], [(at, 0)]
        table.append(row)
        back.append(pointers)
        for b in range(1, len(hyp.words)):
            inserted, ins_at = _choose(row, hyp.before[b])
            deleted, del_at = _choose_row(table, ref.before[a], b)
            paired, pair_at = _choose_pair(table, ref.before[a], hyp.before[b])
            paired += _cost_of_pair(ref.words[a], hyp.words[b], costs)
            deleted += ref_gaps[a]
            inserted += hyp_gaps[b]
            if paired <= deleted and paired <= inserted:
                row.append(paired)
                pointers.append(pair_at)
            elif deleted < inserted:
                row.append(deleted)
                pointers.append((del_at, b))
            else:
                row.append(inserted)
                pointers.append((a, ins_at))
    return table, back


def _choose(row: Sequence[np.float32], arcs: Sequence[int]) -> tuple[np.float32, int]:
    at = arcs[0]
    for b in arcs[1:]:
        if row[b] < row[at]:
            at = b
    return row[at], at


def _choose_row(
    table: Sequence[Sequence[np.float32]], arcs: Sequence[int], b: int
) -> tuple[np.float32, int]:
    at = arcs[0]
    for a in arcs[1:]:
        if table[a][b] < table[at][b]:
            at = a
    return table[at][b], at


def _choose_pair(
    table: Sequence[Sequence[np.float32]], refs: Sequence[int], hyps: Sequence[int]
) -> tuple[np.float32, tuple[int, int]]:
    best, at = table[refs[0]][hyps[0]], (refs[0], hyps[0])
    for a in refs:
        for b in hyps:
            if table[a][b] < best:
                best, at = table[a][b], (a, b)
    return best, at
