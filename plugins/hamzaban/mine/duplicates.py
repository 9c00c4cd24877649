"""Find speech that was heard before, in another file or encoding."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hamzaban.mine.fingerprint import compare_frames, make_keys
from hamzaban.mine.mining_options import MineOptions

MAX_KEYS = 8_000_000  # held in memory, 16 bytes each; of more keys, every n-th is used
MIN_VOTES = 2  # least number of equal keys at one distance in time
FIRST_MEMBERS = 3  # first frames of a key that are compared with later ones


class Voice(NamedTuple):
    """The fingerprint of a chunk.

    Attributes:
        source: Number of its source; sources, and chunks in them, are in order.
        frame: Where it begins in its source, in frames.
        length: Length of its fingerprint.
    """

    source: int
    frame: int
    length: int


class Duplicate(NamedTuple):
    """A chunk heard before: its main original, and the share heard before in all."""

    original: int
    share: float


Loader = Callable[[int], np.ndarray]


def find_duplicates(
    voices: Sequence[Voice], load: Loader, options: MineOptions
) -> dict[int, Duplicate]:
    """Return chunks of which a large share is in earlier chunks that are kept.

    Args:
        voices: All chunks, ordered by source and frame.
        load: Returns the fingerprint of a chunk by its number, uint32, shape (length,).
        options: Options with `max_bit_errors` and `max_duplicate_share`.

    Returns:
        The duplicates by number.
    """
    candidates = _list_candidates(voices, load)
    places = _Places(voices)
    found: dict[int, Duplicate] = {}
    for source in sorted(candidates):
        for number in places.of(source):
            overlaps: Counter[int] = Counter()
            covered = np.zeros(voices[number].length, bool)
            for other_source, offset in candidates[source]:
                for other in places.overlapping(number, other_source, offset):
                    if other >= number or other in found:
                        continue
                    shift = offset + voices[other].frame - voices[number].frame
                    pair = load(number), load(other)
                    equal = compare_frames(*pair, shift, options.max_bit_errors)
                    overlaps[other] += int(np.count_nonzero(equal & ~covered))
                    covered |= equal
            share = float(covered.mean()) if len(covered) else 0.0
            if share > options.max_duplicate_share:
                original = max(overlaps, key=lambda key: (overlaps[key], -key))
                found[number] = Duplicate(original, round(share, 3))
    return found


class _Places:
    """The positions of the chunks in each source."""

    def __init__(self, voices: Sequence[Voice]) -> None:
        self._voices = voices
        self._numbers: dict[int, list[int]] = defaultdict(list)
        for number, voice in enumerate(voices):
            self._numbers[voice.source].append(number)
        self._starts = {
            source: [voices[number].frame for number in numbers]
            for source, numbers in self._numbers.items()
        }
        self._ends = {
            source: [voices[n].frame + voices[n].length for n in numbers]
            for source, numbers in self._numbers.items()
        }

    def of(self, source: int) -> list[int]:
        return self._numbers[source]

    def overlapping(self, number: int, source: int, offset: int) -> list[int]:
        """Return the chunks of a source that overlap a chunk shifted by an offset."""
        voice = self._voices[number]
        begin = voice.frame - offset
        first = bisect_right(self._ends[source], begin)
        last = bisect_left(self._starts[source], begin + voice.length)
        return self._numbers[source][first:last]


def _list_candidates(
    voices: Sequence[Voice], load: Loader
) -> dict[int, list[tuple[int, int]]]:
    """Return, by source, the sources it may share speech with and their offsets."""
    keys, numbers, frames = _collect_keys(voices, load)
    order = np.argsort(keys, kind="stable")
    keys, numbers, frames = keys[order], numbers[order], frames[order]
    is_first = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
    index = np.arange(len(keys))
    group = np.maximum.accumulate(np.where(is_first, index, 0))
    sources = np.array([voice.source for voice in voices], np.int64)
    begins = np.array([voice.frame for voice in voices], np.int64)
    places = begins[numbers] + frames if len(keys) else frames.astype(np.int64)
    width = _offset_width(voices)
    num_sources = int(sources.max(initial=0)) + 1
    pairs = [np.zeros(0, np.int64)]
    for step in range(FIRST_MEMBERS + 1):
        other = group + step if step < FIRST_MEMBERS else index - 1
        later = index[(other < index) & (other >= group)]
        other = other[later]
        differ = numbers[later] != numbers[other]
        later, other = later[differ], other[differ]
        owners = sources[numbers[later]] * num_sources + sources[numbers[other]]
        pairs.append(owners * width + places[later] - places[other] + width // 2)
    return _count_votes(np.concatenate(pairs), num_sources, width)


def _offset_width(voices: Sequence[Voice]) -> int:
    """Return a number above the number of frames that two places can be apart.

    Raises:
        ValueError: There are too many sources to count in 64 bits.
    """
    longest = max((voice.frame + voice.length for voice in voices), default=0)
    width = 2 * longest + 4
    num_sources = max((voice.source for voice in voices), default=0) + 1
    if num_sources**2 * width >= 1 << 63:
        raise ValueError(
            f"{num_sources} sources of up to {longest} frames are too many to look "
            "for duplicates in; mine them in several runs or set find_duplicates: false"
        )
    return width


def _collect_keys(
    voices: Sequence[Voice], load: Loader
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keys, the chunk of each, and its frame in the chunk."""
    total = sum(voice.length for voice in voices)
    every = np.uint64(1 + total // MAX_KEYS)
    found = [np.zeros(0, np.uint64)]
    numbers, frames = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number in range(len(voices)):
        keys = make_keys(load(number))
        scattered = (keys * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
        frame = np.flatnonzero((keys != 0) & (scattered % every == 0))
        found.append(keys[frame])
        numbers.append(np.full(len(frame), number))
        frames.append(frame)
    return np.concatenate(found), np.concatenate(numbers), np.concatenate(frames)


def _count_votes(
    pairs: np.ndarray, num_sources: int, width: int
) -> dict[int, list[tuple[int, int]]]:
    """Keep pairs of sources whose equal keys are often equally far apart, within a
    frame.

    Args:
        pairs: (later source * num_sources + earlier source) * width + frames between
            + width // 2, shape (N,).
        num_sources: Number of sources.
        width: See `_offset_width`.
    """
    candidates: dict[int, list[tuple[int, int]]] = defaultdict(list)
    found, counts = np.unique(pairs, return_counts=True)
    is_next = np.diff(found) == 1
    after = np.append(np.where(is_next, counts[1:], 0), 0)[: len(found)]
    before = np.insert(np.where(is_next, counts[:-1], 0), 0, 0)[: len(found)]
    is_peak = (counts >= after) & (counts >= before)
    is_often = counts + after + before >= MIN_VOTES
    for pair in found[is_peak & is_often].tolist():
        owners, offset = divmod(pair, width)
        source, other = divmod(owners, num_sources)
        candidates[source].append((other, offset - width // 2))
    return candidates
