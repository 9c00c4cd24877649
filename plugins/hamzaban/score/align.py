"""Align token sequences with the costs and the choices of NIST sclite, or unit costs.

In sclite a substitution costs 4, an insertion and a deletion 3. Among moves of equal
cost, its dynamic programming prefers in each cell the diagonal, then the insertion,
then the deletion, and it follows the cells back from the end. The counts of errors
depend on this order, so it is the same here.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

MAX_CELLS = 1 << 31  # bytes for one pair, enough for 46,000 tokens on both sides
_BATCH_CELLS = 1 << 21
_CORRECT, _SUBSTITUTED, _DELETED, _INSERTED = b"CSDI"

Ids = NDArray[np.int32]


def align(
    refs: Sequence[Sequence[str]],
    hyps: Sequence[Sequence[str]],
    costs: str = "sclite",
) -> list[bytes]:
    """Align each reference with its hypothesis.

    Args:
        refs: Reference tokens of U utterances.
        hyps: Hypothesis tokens of the same U utterances, in the same order. A pair
            needs as many bytes as the product of its lengths, which the caller keeps
            under `MAX_CELLS`.
        costs: `sclite`, or `unit`: the fewest errors and, among alignments with as
            many, the fewest substitutions.

    Returns:
        The steps of each utterance from its start to its end, one letter each: `C`
        correct, `S` substituted, `D` deleted, `I` inserted.

    Examples:
        >>> align([["a", "b", "c"]], [["a", "x", "c", "d"]])
        [b'CSCI']
    """
    ref_ids, hyp_ids = _number_tokens(refs, hyps)
    steps = [b""] * len(ref_ids)
    inner = []
    for u, (ref, hyp) in enumerate(zip(ref_ids, hyp_ids, strict=True)):
        if len(ref) and len(hyp):
            inner.append(u)
        else:
            steps[u] = b"D" * len(ref) + b"I" * len(hyp)
    lengths = [(len(ref_ids[u]), len(hyp_ids[u])) for u in inner]
    for batch in _make_batches(lengths):
        chosen = [inner[b] for b in batch]
        sides = [ref_ids[u] for u in chosen], [hyp_ids[u] for u in chosen]
        found = _align_batch(*sides, costs)
        for u, step in zip(chosen, found, strict=True):
            steps[u] = step
    return steps


def count_steps(steps: Sequence[bytes]) -> NDArray[np.int64]:
    """Count the steps of each utterance.

    Args:
        steps: Alignments of U utterances as `align` returns them.

    Returns:
        Correct, substituted, deleted, inserted tokens, shape (U, 4).
    """
    counts = [[step.count(letter) for letter in b"CSDI"] for step in steps]
    return np.array(counts, dtype=np.int64).reshape(len(steps), 4)


def _number_tokens(
    refs: Sequence[Sequence[str]], hyps: Sequence[Sequence[str]]
) -> tuple[list[Ids], list[Ids]]:
    """Return tokens as numbers, the same in references and hypotheses."""
    known = dict.fromkeys(chain(chain.from_iterable(refs), chain.from_iterable(hyps)))
    number = {token: i for i, token in enumerate(known)}.__getitem__

    def convert(lines: Sequence[Sequence[str]]) -> list[Ids]:
        ends = np.cumsum([len(line) for line in lines], dtype=np.int64)
        numbers = map(number, chain.from_iterable(lines))
        flat = np.fromiter(numbers, dtype=np.int32, count=ends[-1] if len(ends) else 0)
        return np.split(flat, ends[:-1]) if len(ends) else []

    return convert(refs), convert(hyps)


def _make_batches(lengths: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Yield batches of pairs of similar lengths, of about `_BATCH_CELLS` cells each."""
    batch: list[int] = []
    rows = columns = 0
    for b in sorted(range(len(lengths)), key=lambda b: (sum(lengths[b]), lengths[b])):
        n, m = lengths[b]
        rows, columns = max(rows, n), max(columns, m)
        if batch and (len(batch) + 1) * rows * columns > _BATCH_CELLS:
            yield batch
            batch, rows, columns = [], n, m
        batch.append(b)
    if batch:
        yield batch


def _align_batch(refs: Sequence[Ids], hyps: Sequence[Ids], costs: str) -> list[bytes]:
    ref = _pad([*refs], -1)  # (N, B)
    hyp = _pad([*hyps], -2)  # (M, B)
    substitution, gap = 4, 3
    if costs == "unit":
        gap = min(len(ref), len(hyp)) + 1  # more than any number of substitutions
        substitution = gap + 1
    moves = _fill_moves(ref, hyp, substitution, gap)
    ends = np.array([(len(r), len(h)) for r, h in zip(refs, hyps, strict=True)]).T
    return _trace_back(ref, hyp, moves, ends)


def _pad(lines: Sequence[Ids], filler: int) -> Ids:
    """Return lines as columns, padded, shape (longest line, B)."""
    padded = np.full((len(lines), max(map(len, lines))), filler, dtype=np.int32)
    for row, line in zip(padded, lines, strict=True):
        row[: len(line)] = line
    return np.ascontiguousarray(padded.T)


def _get_diagonals(n: int, m: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row in the table and the first stored cell of each diagonal.

    Returns:
        Two arrays of shape (n + m + 2,), by i + j: the least i >= 1 with j <= m on the
        diagonal, and the number of cells with i, j >= 1 on the diagonals before it.
    """
    k = np.arange(n + m + 2)
    low = np.maximum(1, k - m)
    size = np.maximum(0, np.minimum(n, k - 1) - low + 1)
    return low, np.concatenate([[0], np.cumsum(size)[:-1]])


def _fill_moves(ref: Ids, hyp: Ids, substitution: int, gap: int) -> NDArray[np.uint8]:
    """Return the move that reaches each cell of the table of costs.

    Costs are kept times four, and the two free bits hold the move. One minimum thus
    yields both, and equal costs are decided by the order of the moves.

    Args:
        ref: Reference numbers, shape (N, B).
        hyp: Hypothesis numbers, shape (M, B).
        substitution: Cost of a substitution.
        gap: Cost of an insertion and of a deletion.

    Returns:
        Moves 0 diagonal, 1 insertion, 2 deletion, shape (N * M, B), the cells ordered
        by diagonal i + j, then by i.
    """
    (n, batch), m = ref.shape, len(hyp)
    most = 4 * (gap * (n + m) + substitution)
    dtype = np.int16 if most < 2**15 else np.int32 if most < 2**31 else np.int64
    insertion, deletion = dtype(4 * gap + 1), dtype(4 * gap + 2)
    moves = np.empty((n * m, batch), dtype=np.uint8)
    reverse = np.ascontiguousarray(hyp[::-1])
    low, first = _get_diagonals(n, m)
    before, last, cost = (np.zeros((n + 1, batch), dtype=dtype) for _ in range(3))
    for k in range(1, n + m + 1):
        before, last, cost = last, cost, before
        if k <= m:
            cost[0] = 4 * gap * k
        if k <= n:
            cost[k] = 4 * gap * k
        start, end = int(low[k]), min(n, k - 1) + 1
        if start < end:
            reached = cost[start:end]  # (cells, B)
            differ = ref[start - 1 : end - 1] != reverse[m - k + start : m - k + end]
            np.multiply(differ, dtype(4 * substitution), out=reached)
            reached += before[start - 1 : end - 1]
            np.minimum(reached, last[start:end] + insertion, out=reached)
            np.minimum(reached, last[start - 1 : end - 1] + deletion, out=reached)
            stored = moves[first[k] : first[k] + end - start]
            np.bitwise_and(reached, dtype(3), out=stored, casting="unsafe")
            reached &= dtype(~3)
    return moves


def _trace_back(
    ref: Ids, hyp: Ids, moves: NDArray[np.uint8], ends: NDArray[np.int64]
) -> list[bytes]:
    """Follow the moves from the end of each pair to its start.

    Args:
        ref: Reference numbers, shape (N, B).
        hyp: Hypothesis numbers, shape (M, B).
        moves: Moves that `_fill_moves` returned.
        ends: Lengths of the references and of the hypotheses, shape (2, B).

    Returns:
        The steps of each pair, as `align` returns them.
    """
    low, first = _get_diagonals(len(ref), len(hyp))
    column = np.arange(ref.shape[1])
    i, j = ends.copy()
    letters = []
    while (i + j).any():
        inside = (i > 0) & (j > 0)
        diagonal = np.where(inside, i + j, 2)
        row = np.where(inside, i, 1)
        move = moves[first[diagonal] + row - low[diagonal], column]
        move = np.where(inside, move, np.where(i > 0, 2, 1))
        same = inside & (ref[i - 1, column] == hyp[j - 1, column])
        letter = np.where(same, _CORRECT, _SUBSTITUTED)
        letter = np.where(move == 1, _INSERTED, np.where(move == 2, _DELETED, letter))
        going = i + j > 0
        letters.append(np.where(going, letter, 0).astype(np.uint8))
        i = i - (going & (move != 1))
        j = j - (going & (move != 2))
    table = np.ascontiguousarray(np.array(letters)[::-1].T)  # (B, steps)
    return [row.tobytes().lstrip(b"\0") for row in table]
