"""Move the edges of speech to the pauses beside it.

A CTC model marks a token by a peak somewhere in its sound. The power of the signal
shows where the sound begins and ends. A pause lasts at least MIN_PAUSE_S. In it, the
power stays below a level between that of the speech and the lowest nearby, or HEARD_DB
below the speech.
"""

import numpy as np
from numpy.typing import NDArray

from hamzaban.align.recording import ENERGY_SHIFT_S

MIN_PAUSE_S = 0.1
LEVEL = 0.3  # share of the way, in dB, from the lowest power to that of speech
HEARD_DB = 30.0  # speech this far below its loud parts is not heard
MIN_RANGE_DB = 10.0  # with less between speech and the lowest power, no pause is seen
MAX_STOP_S = 0.15  # silence within a word
REACH_S = 0.6  # from a peak to the edge of its sound; stops of a word lie between
LAST_REACH_S = 1.0  # the same, if speech follows right after the next pause
SLACK_S = 0.2  # how far a peak may lie outside its sound

Energy = NDArray[np.float32]


def find_start(energy: Energy, before_s: float, start_s: float, end_s: float) -> float:
    """Return where speech begins.

    Args:
        energy: Power of each 10 ms in dB, shape (E,).
        before_s: End of the last peak of the speech before.
        start_s: First peak of this speech.
        end_s: Its last peak.

    Returns:
        The end of the pause between; without a pause, the place of the lowest power.
    """
    low, high = _to_index(before_s), _to_index(min(start_s + SLACK_S, end_s))
    pauses = _find_pauses(energy, (low, high), (_to_index(start_s), _to_index(end_s)))
    peak = _to_index(start_s)
    beside = [pause for pause in pauses if pause[0] <= peak]
    if beside:
        near = [pause for pause in beside if peak - pause[1] <= _to_index(REACH_S)]
        return max(near or beside[-1:], key=_length)[1] * ENERGY_SHIFT_S
    return _find_lowest(energy, low, peak) * ENERGY_SHIFT_S


def find_end(
    energy: Energy, start_s: float, end_s: float, after_s: float, next_s: float
) -> float:
    """Return where speech ends.

    Args:
        energy: Power of each 10 ms in dB, shape (E,).
        start_s: First peak of this speech.
        end_s: End of its last peak.
        after_s: First peak of the speech after.
        next_s: Where the speech after begins. Sound before the pause there belongs to
            this speech, such as the burst of a stop.

    Returns:
        The start of the pause between; without a pause, the place of the lowest power.
    """
    low, high = _to_index(max(end_s - SLACK_S, start_s)), _to_index(after_s)
    pauses = _find_pauses(energy, (low, high), (_to_index(start_s), _to_index(end_s)))
    peak = _to_index(end_s)
    beside = [pause for pause in pauses if pause[1] >= peak]
    if beside:
        near = [pause for pause in beside if pause[0] - peak <= _to_index(REACH_S)]
        last = [pause for pause in beside if pause[1] >= _to_index(next_s) > pause[0]]
        if last and last[-1][0] - peak <= _to_index(LAST_REACH_S):
            return last[-1][0] * ENERGY_SHIFT_S
        return max(near or beside[:1], key=_length)[0] * ENERGY_SHIFT_S
    return _find_lowest(energy, peak, high) * ENERGY_SHIFT_S


def has_pause(
    energy: Energy, start_s: float, end_s: float, speech: tuple[float, float]
) -> bool:
    """Return whether there is a pause between two times, longer than stops are.

    Args:
        energy: Power of each 10 ms in dB, shape (E,).
        start_s: Where to look from.
        end_s: Where to look to.
        speech: Start and end of the speech beside it, in seconds.
    """
    where = _to_index(start_s), _to_index(end_s)
    loud = _to_index(speech[0]), _to_index(speech[1])
    longest = max(map(_length, _find_pauses(energy, where, loud)), default=0)
    return longest > _to_index(MAX_STOP_S)


def _find_pauses(
    energy: Energy, where: tuple[int, int], speech: tuple[int, int]
) -> list[tuple[int, int]]:
    """Return the pauses within a part of a recording, in steps of 10 ms."""
    low, high = where
    part = energy[low:high]
    loud = energy[speech[0] : max(speech[1], speech[0] + 1)]
    if not len(part) or not len(loud):
        return []
    floor, level = float(part.min()), float(np.percentile(loud, 90))
    if level - floor < MIN_RANGE_DB:
        return []
    limit = max(floor + LEVEL * (level - floor), level - HEARD_DB)
    quiet = np.concatenate([[False], part < limit, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8)))
    runs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    least = round(MIN_PAUSE_S / ENERGY_SHIFT_S)
    return [(low + a, low + b) for a, b in runs if b - a >= least]


def _find_lowest(energy: Energy, low: int, high: int) -> int:
    part = energy[low:high]
    return low + int(part.argmin()) if len(part) else low


def _length(pause: tuple[int, int]) -> int:
    return pause[1] - pause[0]


def _to_index(time_s: float) -> int:
    return round(time_s / ENERGY_SHIFT_S)
