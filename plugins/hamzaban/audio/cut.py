"""Cut many spans out of a recording in one pass."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class _Open:
    index: int
    begin: int
    end: int | None
    parts: list[np.ndarray] = field(default_factory=list)
    count: int = 0


def cut_spans(
    blocks: Iterable[np.ndarray],
    spans: Sequence[tuple[int, int | None]],
    max_samples: float,
) -> Iterator[tuple[int, np.ndarray | None]]:
    """Yield spans of a stream, which may overlap, and hold only the samples they need.

    Decoding stops after the last span.

    Args:
        blocks: Consecutive parts of the recording, each of shape (num_samples,).
        spans: First sample and the one after the last (None: the recording's end).
        max_samples: A span that is longer than this is given up.

    Yields:
        The index of a span, and its samples, shape (num_samples,), or None if it was
        given up. A span that reaches beyond the recording is shortened; one that begins
        beyond it is empty.
    """
    order = sorted(range(len(spans)), key=lambda index: spans[index][0])
    waiting = [_Open(index, *spans[index]) for index in reversed(order)]
    active: list[_Open] = []
    position = 0
    for block in blocks:
        end = position + len(block)
        while waiting and waiting[-1].begin < end:
            active.append(waiting.pop())
        for span in active:
            _extend(span, block, position)
        closed = [span for span in active if _is_closed(span, end, max_samples)]
        active = [span for span in active if not _is_closed(span, end, max_samples)]
        for span in closed:
            yield _finish(span, max_samples)
        position = end
        if not waiting and not active:
            return
    for span in [*active, *reversed(waiting)]:
        yield _finish(span, max_samples)


def _extend(span: _Open, block: np.ndarray, position: int) -> None:
    first = max(span.begin - position, 0)
    last = len(block) if span.end is None else min(span.end - position, len(block))
    span.parts.append(block[first:last])
    span.count += last - first


def _is_closed(span: _Open, position: int, max_samples: float) -> bool:
    is_complete = span.end is not None and span.end <= position
    return is_complete or span.count > max_samples


def _finish(span: _Open, max_samples: float) -> tuple[int, np.ndarray | None]:
    if span.count > max_samples:
        return span.index, None
    if len(span.parts) == 1:
        return span.index, span.parts[0]
    if not span.parts:
        return span.index, np.zeros(0, dtype=np.float32)
    return span.index, np.concatenate(span.parts)
