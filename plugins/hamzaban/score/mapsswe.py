"""The matched-pairs sentence-segment word-error test (MAPSSWE)."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_GOOD = 2  # words right in both systems between two segments, as in sc_stats
_CORRECT, _INSERTED = b"CI"


@dataclass(frozen=True)
class Mapsswe:
    """Outcome of the test.

    Attributes:
        num_segments: Number of segments with an error of either system.
        mean: Mean over the segments of the first system's errors minus the second's.
        std: Sample standard deviation of this difference.
        z: Mean divided by its standard error; NaN if the differences do not vary.
        p: Two-sided probability of at least this |z| if the systems are equally good; 1
            if z is NaN.
    """

    num_segments: int
    mean: float
    std: float
    z: float
    p: float


def compare_segments(
    steps_a: Sequence[bytes],
    steps_b: Sequence[bytes],
    marked: Collection[int] = (),
) -> Mapsswe:
    """Test whether two systems make equally many errors on the same references.

    Method: Gillick and Cox, "Some statistical issues in the comparison of speech
    recognition algorithms", ICASSP 1989, section 4, with the segments of NIST sc_stats.

    Args:
        steps_a: Alignments of the first system, as `align` returns them.
        steps_b: Alignments of the second system with the same references.
        marked: As for `collect_segments`.

    Raises:
        ValueError: The alignments are of different references.
    """
    segments = collect_segments(steps_a, steps_b, marked)  # (G, 2)
    difference = segments[:, 0] - segments[:, 1]
    count = len(difference)
    mean = float(difference.mean()) if count else 0.0
    std = float(difference.std(ddof=1)) if count > 1 else 0.0
    if std == 0.0:
        return Mapsswe(count, mean, std, math.nan, 1.0)
    z = mean / (std / math.sqrt(count))
    return Mapsswe(count, mean, std, z, math.erfc(abs(z) / math.sqrt(2.0)))


def collect_segments(
    steps_a: Sequence[bytes], steps_b: Sequence[bytes], marked: Collection[int] = ()
) -> NDArray[np.int64]:
    """Return the errors in the segments that utterances are cut into.

    Args:
        steps_a: Alignments of the first system.
        steps_b: Alignments of the second system.
        marked: Utterances with alternatives in their references. Such an utterance is
            one segment if the systems matched different numbers of words.

    Returns:
        Errors of both systems in each of G segments, shape (G, 2).

    Raises:
        ValueError: The alignments are of different references.
    """
    found: list[tuple[int, int]] = []
    for u, (a, b) in enumerate(zip(steps_a, steps_b, strict=True)):
        slots_a, slots_b = _split_slots(a), _split_slots(b)
        if len(slots_a) != len(slots_b) and u in marked:
            errors = tuple(len(step) - step.count(_CORRECT) for step in (a, b))
            found += [(errors[0], errors[1])] if any(errors) else []
            continue
        if len(slots_a) != len(slots_b):
            raise ValueError(
                f"utterance {u}: {len(slots_a) - 1} reference words with the first "
                f"system and {len(slots_b) - 1} with the second; score both against "
                "the same references"
            )
        if a != b or a.count(_CORRECT) != len(a):
            found.extend(_cut(slots_a, slots_b))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _split_slots(step: bytes) -> list[tuple[int, int]]:
    """Return for each reference word the insertions before it, and 1 if it is wrong.

    A last slot has the insertions after the last word.
    """
    slots: list[tuple[int, int]] = []
    inserted = 0
    for letter in step:
        if letter == _INSERTED:
            inserted += 1
        else:
            slots.append((inserted, int(letter != _CORRECT)))
            inserted = 0
    return [*slots, (inserted, 0)]


def _cut(
    slots_a: Sequence[tuple[int, int]], slots_b: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield the errors of both systems between runs of `MIN_GOOD` correct words."""
    errors_a = errors_b = good = 0
    for (ins_a, bad_a), (ins_b, bad_b) in zip(slots_a, slots_b, strict=True):
        errors_a += ins_a + bad_a
        errors_b += ins_b + bad_b
        good = 0 if bad_a or bad_b else 1 if ins_a or ins_b else good + 1
        if good >= MIN_GOOD and (errors_a or errors_b):
            yield errors_a, errors_b
            errors_a = errors_b = 0
    if errors_a or errors_b:
        yield errors_a, errors_b
