"""Find regions of speech from probabilities, along a stream of any length."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.vad import FRAME_SAMPLES

SMOOTH_FRAMES = 5  # 160 ms, over which probabilities are averaged to find a pause


class Region(NamedTuple):
    """Speech from frame `start` to before frame `end`."""

    start: int
    end: int


def to_frames(duration_s: float, fs: int) -> int:
    """Return a duration in frames, rounded."""
    return round(duration_s * fs / FRAME_SAMPLES)


def longest_region(options: MineOptions) -> int:
    """Return the largest number of frames of a region that fits a padded chunk."""
    longest = int(options.max_duration_s * options.fs / FRAME_SAMPLES)
    return longest - 1 - 2 * to_frames(options.pad_s, options.fs)


class RegionFinder:
    """Finds regions in probabilities that come in blocks.

    Speech begins at `threshold`, ends below `end_threshold` unless it begins again
    within `min_pause_s`, and lasts at least `min_speech_s`. A region that is too long
    for a chunk is divided where its smoothed probability is lowest, into sides of at
    least `min_duration_s`.
    """

    def __init__(self, options: MineOptions) -> None:
        """Start at frame 0."""
        self._begin_at = options.threshold
        self._end_at = options.end_threshold
        self._min_speech = to_frames(options.min_speech_s, options.fs)
        self._min_pause = max(to_frames(options.min_pause_s, options.fs), 1)
        self._max = longest_region(options)
        shortest = options.min_duration_s * options.fs / FRAME_SAMPLES
        self._min_side = min(int(shortest) + 1, self._max // 2)
        self._probs = np.zeros(0, np.float32)  # from frame _origin on
        self._origin = 0
        self._position = 0
        self._start: int | None = None  # start of speech that has not ended
        self._pause: int | None = None  # start of a pause that may end it

    @property
    def undecided(self) -> int:
        """The first frame that may still become part of a region."""
        return self._position if self._start is None else self._start

    @property
    def open_start(self) -> int | None:
        """The first frame of speech that has not ended; None in a pause."""
        return self._start

    def feed(self, probs: np.ndarray) -> Iterator[Region]:
        """Add the next probabilities, shape (T,); yield regions that have ended."""
        start = self.undecided
        self._probs = np.concatenate([self._probs[start - self._origin :], probs])
        self._origin = start
        for prob in probs.tolist():
            region = self._step(prob)
            self._position += 1
            if region is not None:
                yield from self._divide(region)
            elif self._start is not None and self._pause is None:
                yield from self._cut_open()

    def finish(self) -> Iterator[Region]:
        """Yield the speech that is left at the end."""
        if self._start is not None:
            end = self._position if self._pause is None else self._pause
            yield from self._divide(Region(self._start, end))
        self._start = self._pause = None

    def _step(self, prob: float) -> Region | None:
        """Add the probability of frame `_position`; return the region that it ends."""
        if self._start is None:
            if prob >= self._begin_at:
                self._start = self._position
            return None
        if prob >= self._begin_at:
            self._pause = None
        elif self._pause is None and prob < self._end_at:
            self._pause = self._position
        if self._pause is None or self._position + 1 - self._pause < self._min_pause:
            return None
        region = Region(self._start, self._pause)
        self._start = self._pause = None
        return region

    def _cut_open(self) -> Iterator[Region]:
        """Yield a piece cut off from speech that has become too long."""
        start = self._start
        if start is None or self._position - start < 2 * self._max:
            return
        cut = self._deepest(start + self._min_side, start + self._max)
        self._start = cut
        yield Region(start, cut)

    def _divide(self, region: Region) -> Iterator[Region]:
        if region.end - region.start <= self._max:
            if region.end - region.start >= self._min_speech:
                yield region
            return
        side = self._min_side
        cut = self._deepest(region.start + side, region.end - side)
        yield from self._divide(Region(region.start, cut))
        yield from self._divide(Region(cut, region.end))

    def _deepest(self, first: int, last: int) -> int:
        """Return the frame in first..last with the lowest smoothed probability."""
        half = SMOOTH_FRAMES // 2
        low = max(first - half - self._origin, 0)
        probs = self._probs[low : last + half + 1 - self._origin]
        smooth = np.convolve(probs, np.full(SMOOTH_FRAMES, 1 / SMOOTH_FRAMES), "same")
        inside = smooth[first - self._origin - low : last + 1 - self._origin - low]
        return first + int(inside.argmin())
