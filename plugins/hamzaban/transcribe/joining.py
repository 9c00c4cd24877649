"""Join the emissions of overlapping pieces, so that no word is lost or doubled."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from hamzaban.decode.path import BLANK_ID, LogProbs

EDGE_FRAMES = 5  # 100 ms at the edge of a piece, where the model lacks context
MAX_JOINED_FRAMES = 15_000  # 5 minutes without a pause; limits memory
SEAM_FRAMES = 3  # frames that should be blank in both pieces around a seam


@dataclasses.dataclass(frozen=True)
class Emission:
    """Log-posteriors of a stretch of a recording.

    Attributes:
        start: First frame, counted from the start of the recording.
        log_probs: CTC log-posteriors (natural log), shape (T, V).
        language: Language whose head was used; "" for a model of one language.
    """

    start: int
    log_probs: LogProbs
    language: str = ""

    @property
    def end(self) -> int:
        """Return the frame after the last."""
        return self.start + len(self.log_probs)


def join(left: Emission, right: Emission) -> Emission:
    """Return one emission of two that overlap, of which the right one starts later."""
    left, right = divide(left, right)
    joined = np.concatenate([left.log_probs, right.log_probs])
    return Emission(left.start, joined, left.language or right.language)


def divide(left: Emission, right: Emission) -> tuple[Emission, Emission]:
    """Return two emissions cut so that they meet at a frame of their overlap.

    The frame is the one around which blank is likeliest in both, since there both have
    the same tokens before and after it.

    Args:
        left: The earlier emission.
        right: An emission that starts within it.
    """
    overlap = left.end - right.start
    assert 0 < overlap <= len(right.log_probs), "neighbours overlap"
    blank = left.log_probs[-overlap:, BLANK_ID].astype(np.float64)
    seam = find_seam(blank + right.log_probs[:overlap, BLANK_ID])
    kept = left.log_probs[: len(left.log_probs) - overlap + seam]
    rest = right.log_probs[seam:]
    return (
        dataclasses.replace(left, log_probs=kept),
        Emission(right.start + seam, rest, right.language),
    )


def join_all(emissions: Iterable[tuple[bool, Emission]]) -> Iterator[Emission]:
    """Yield emissions; join those that were cut where there is no pause.

    Args:
        emissions: Whether each continues the one before, and the emission.
    """
    pending: Emission | None = None
    for joins, emission in emissions:
        if pending is None:
            pending = emission
        elif not joins:
            yield pending
            pending = emission
        elif len(pending.log_probs) < MAX_JOINED_FRAMES:
            pending = join(pending, emission)
        else:
            done, pending = divide(pending, emission)
            yield done
    if pending is not None:
        yield pending


def find_seam(blank: np.ndarray) -> int:
    """Return the frame of an overlap at which to switch from one piece to the other.

    Args:
        blank: Sum of the log-posteriors of blank in both pieces, shape (T,).

    Returns:
        A frame in 0..T; of equally good ones, the nearest to the middle.
    """
    num_frames = len(blank)
    edge = min(EDGE_FRAMES, num_frames // 3)
    half = SEAM_FRAMES // 2
    padded = np.pad(blank, half, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, SEAM_FRAMES).min(
        -1
    )  # (T,)
    inside = around[edge : num_frames - edge]
    if not len(inside):
        return num_frames // 2
    from_middle = np.abs(np.arange(len(inside)) - len(inside) // 2)
    return edge + int(np.lexsort((from_middle, -inside.round(3)))[0])
