"""Join regions of speech into chunks of bounded length, with the least loss."""

from collections.abc import Iterator
from typing import NamedTuple

from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.regions import Region, to_frames
from hamzaban.mine.vad import FRAME_SAMPLES

LOSS = 10.0  # cost of a lost second of speech, in seconds of kept pause
GROUP_CHUNKS = 6  # a group longer than this many of the longest chunks is cut early
_INFINITE = float("inf")


class Span(NamedTuple):
    """Frames from `start` to before `end`, with the number of frames of speech.

    `reason` says why it is not a chunk: too_short, or sparse (every chunk around it
    would have too little speech). It is "" for a chunk.
    """

    start: int
    end: int
    num_speech: int
    reason: str = ""


class Chunker:
    """Joins regions into chunks along a stream of any length.

    It chooses the division of least cost. The cost is `LOSS` for each second of speech
    outside chunks, 1 for each second of pause inside them, and `join_pause_s` for each
    chunk. So it cuts at pauses longer than `join_pause_s` and keeps others, unless
    the bounds of length and speech ratio require otherwise.
    """

    def __init__(self, options: MineOptions) -> None:
        """Start at frame 0."""
        fs = options.fs
        self._min_ratio = options.min_speech_ratio
        self._min_s, self._max_s = options.min_duration_s, options.max_duration_s
        self._frame_s = FRAME_SAMPLES / fs
        self._join = options.join_pause_s
        self._pad = to_frames(options.pad_s, fs)
        longest = self._max_s / self._frame_s
        self._reset_pause = int((1 - self._min_ratio) * longest) + 1
        self._max_group = int(GROUP_CHUNKS * longest)
        self._keep_back = int(2 * longest)
        self._group: list[Region] = []
        self._last_end = 0  # end of the region before the group

    @property
    def undecided(self) -> int | None:
        """The first frame of the next chunk without padding, or None."""
        return self._group[0].start if self._group else None

    def feed(self, region: Region) -> Iterator[Span]:
        """Add the next region; yield the spans that are final with it."""
        if self._group:
            end = self._group[-1].end
            if region.start - end >= self._reset_pause:
                yield from self._solve(region.start)
            elif end - self._group[0].start > self._max_group:
                yield from self._solve(region.start, keep_back=self._keep_back)
        self._group.append(region)

    def advance(self, position: int) -> Iterator[Span]:
        """Yield the spans that are final because no region begins before a frame."""
        if self._group and position - self._group[-1].end >= self._reset_pause:
            yield from self._solve(position)

    def finish(self, num_frames: int) -> Iterator[Span]:
        """Yield the remaining spans; the stream has `num_frames` frames."""
        if self._group:
            yield from self._solve(num_frames)

    def _solve(self, following: int, *, keep_back: int = 0) -> Iterator[Span]:
        """Divide the group at least cost; keep regions near its end for later."""
        group = self._group
        starts, ends = self._pad_all(following)
        last = group[-1].end - keep_back
        done = 0
        for first, stop, is_lost in self._cheapest(starts, ends):
            if keep_back and group[stop - 1].end > last and done > 0:
                break
            if is_lost:
                num_frames = ends[stop - 1] - starts[first]
                is_short = num_frames * self._frame_s < self._min_s
                reason = "too_short" if is_short else "sparse"
                for start, end in group[first:stop]:
                    yield Span(start, end, end - start, reason)
            else:
                speech = sum(region.end - region.start for region in group[first:stop])
                yield Span(starts[first], ends[stop - 1], speech)
            done = stop
        self._last_end = group[done - 1].end
        self._group = group[done:]

    def _pad_all(self, following: int) -> tuple[list[int], list[int]]:
        """Return the padded start and end of each region."""
        bounds = [self._last_end, *(region.end for region in self._group)]
        nexts = [*(region.start for region in self._group[1:]), following]
        starts, ends = [], []
        for region, before, after in zip(self._group, bounds, nexts, strict=False):
            starts.append(region.start - min(self._pad, (region.start - before) // 2))
            ends.append(region.end + min(self._pad, (after - region.end) // 2))
        return starts, ends

    def _cheapest(
        self, starts: list[int], ends: list[int]
    ) -> list[tuple[int, int, bool]]:
        """Return runs of regions (first, one after the last, is lost) of least cost."""
        group = self._group
        costs, choices = [0.0], [(0, False)]
        for stop in range(1, len(group) + 1):
            speech = pauses = 0
            loss = LOSS * self._frame_s * (group[stop - 1].end - group[stop - 1].start)
            best, choice = costs[stop - 1] + loss, (stop - 1, True)
            for first in range(stop - 1, -1, -1):
                speech += group[first].end - group[first].start
                if first < stop - 1:
                    pauses += group[first + 1].start - group[first].end
                num_frames = ends[stop - 1] - starts[first]
                if num_frames * self._frame_s >= self._max_s:
                    break
                is_long = num_frames * self._frame_s >= self._min_s
                if not is_long or speech < self._min_ratio * num_frames:
                    continue
                cost = costs[first] + self._frame_s * pauses + self._join
                if cost < best:
                    best, choice = cost, (first, False)
            costs.append(best)
            choices.append(choice)
        runs: list[tuple[int, int, bool]] = []
        stop = len(group)
        while stop:
            first, is_lost = choices[stop]
            if is_lost and runs and runs[-1][2]:  # lost neighbours form one run
                runs[-1] = (first, runs[-1][1], True)
            else:
                runs.append((first, stop, is_lost))
            stop = first
        return runs[::-1]
