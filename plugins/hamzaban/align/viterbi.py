"""Find the best path through a graph within a band of states, in little memory.

Scores are computed forward, and those at the start of each block of frames are kept.
Blocks are then computed again from the last to the first, with the moves that the path
is read from. A block holds at most BLOCK_CELLS moves of one byte.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamzaban.align.graph import Graph

BLOCK_CELLS = 1 << 26
MAX_BLOCK_FRAMES = 1 << 13  # frames whose log-posteriors are read at once
STAY, STEP, SKIP, PASS = range(4)  # moves into a state; PASS: from the wildcard before

Floats = NDArray[np.float32]
Read = Callable[[int, int], Floats]  # log-posteriors of frames, shape (frames, V)


@dataclass(frozen=True)
class Band:
    """The states that may be visited at each frame: low[t] <= state < high[t].

    Attributes:
        low: First states, shape (T,), non-decreasing.
        high: States after the last, shape (T,), non-decreasing.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]


def full_band(num_frames: int, num_states: int) -> Band:
    """Return a band of all states."""
    low = np.zeros(num_frames, np.int64)
    return Band(low, np.full(num_frames, num_states, np.int64))


def find_path(
    graph: Graph, read: Read, wildcard: Floats, band: Band
) -> NDArray[np.int64] | None:
    """Return the best path from the first wildcard to the last.

    Args:
        graph: The text, S states.
        read: Reads log-posteriors (natural logarithms).
        wildcard: Score of a wildcard at each frame, shape (T,).
        band: The states that may be visited.

    Returns:
        The state of each frame, shape (T,); None if no path lies in the band.
    """
    search = _Search(graph, read, wildcard, band)
    blocks = search.split()
    kept = []  # the scores before each block: the first state, and those of the band
    score = search.begin()
    for start, end in blocks:
        low, high = (band.low[start - 1], band.high[start - 1]) if start else (0, 1)
        kept.append((int(low), score[low:high].copy()))
        score = search.advance(score, start, end, None)
    last = len(graph.labels) - 1
    state = last
    if len(graph.labels) > 1 and score[last - 1] > score[last]:
        state = last - 1
    if not np.isfinite(score[state]):
        return None
    path = np.zeros(len(wildcard), np.int64)
    for (start, end), (low, values) in zip(blocks[::-1], kept[::-1], strict=True):
        score[:] = -np.inf
        score[low : low + len(values)] = values
        moves: list[NDArray[np.uint8]] = []
        search.advance(score, start, end, moves)
        state = search.trace(moves, start, end, state, path)
    return path


class _Search:
    def __init__(self, graph: Graph, read: Read, wildcard: Floats, band: Band) -> None:
        self._graph, self._read, self._wildcard = graph, read, wildcard
        self._band = band
        self._columns = np.maximum(graph.labels, 0)
        self._barred = np.where(graph.can_skip, 0.0, -np.inf)
        self._before = dict(itertools.pairwise(graph.wildcards[::-1].tolist()))

    def split(self) -> list[tuple[int, int]]:
        """Return the first and the last frame of each block."""
        widths = np.cumsum(self._band.high - self._band.low)
        blocks, start = [], 0
        while start < len(widths):
            done = widths[start - 1] if start else 0
            end = int(np.searchsorted(widths, done + BLOCK_CELLS, "right"))
            end = min(max(end, start + 1), start + MAX_BLOCK_FRAMES, len(widths))
            blocks.append((start, end))
            start = end
        return blocks

    def begin(self) -> NDArray[np.float64]:
        """Return the scores before the first frame, as if in the first wildcard."""
        score = np.full(len(self._graph.labels), -np.inf)
        score[0] = 0.0
        return score

    def advance(
        self,
        score: NDArray[np.float64],
        start: int,
        end: int,
        moves: list[NDArray[np.uint8]] | None,
    ) -> NDArray[np.float64]:
        """Return the scores after a block; append the moves of each frame."""
        log_probs = self._read(start, end)
        padded = np.full(len(score) + 2, -np.inf)  # two states before the first
        padded[2:] = score
        stars, passing = self._graph.wildcards, self._graph.passing
        for t in range(start, end):
            low, high = int(self._band.low[t]), int(self._band.high[t])
            best = padded[low + 2 : high + 2].copy()  # (W,)
            step = padded[low + 1 : high + 1]
            skip = padded[low:high] + self._barred[low:high]
            move = (step > best).astype(np.uint8)
            np.maximum(best, step, out=best)
            move[skip > best] = SKIP
            np.maximum(best, skip, out=best)
            best += log_probs[t - start, self._columns[low:high]]
            a, b = np.searchsorted(stars, (low, high))
            inside = stars[a:b] - low
            if len(inside):
                own = padded[stars[a:b] + 2]
                own = np.maximum(own, padded[stars[a:b] + 1]) + self._wildcard[t]
                found = own + passing[a:b]
                reached = np.maximum.accumulate(found)
                move[inside[reached > found]] = PASS
                best[inside] = reached - passing[a:b]
            if t:
                old = int(self._band.low[t - 1])
                padded[old + 2 : low + 2] = -np.inf
            padded[low + 2 : high + 2] = best
            if moves is not None:
                moves.append(move)
        return padded[2:].copy()

    def trace(
        self,
        moves: list[NDArray[np.uint8]],
        start: int,
        end: int,
        state: int,
        path: NDArray[np.int64],
    ) -> int:
        """Write the path of a block and return the state before it."""
        for t in range(end - 1, start - 1, -1):
            low = int(self._band.low[t])
            move = int(moves[t - start][state - low])
            while move == PASS:
                state = self._before[state]
                move = int(moves[t - start][state - low])
            path[t] = state
            state -= move
        return state
