"""Cut a stream of speech into pieces that a model can hear, in constant memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from hamzaban.mine.part_mining import Tape
from hamzaban.mine.regions import Region, RegionFinder
from hamzaban.mine.vad import FRAME_SAMPLES, VoiceActivity
from hamzaban.transcribe.transcribe_options import (
    FS,
    TranscribeOptions,
    region_options,
)


@dataclasses.dataclass(frozen=True)
class Piece:
    """Audio for the model.

    Attributes:
        start: First sample, counted from the start of the recording; a multiple of the
            model's frame shift.
        speech: Samples at 16 kHz, float32, shape (num_samples,).
        num_speech: Number of samples without padding.
        joins: Whether it was cut from the piece before without a pause; both then
            hear the audio around the cut.
    """

    start: int
    speech: np.ndarray
    num_speech: int
    joins: bool


class Cutter:
    """Cuts a recording that comes in blocks into pieces.

    Speech is cut at pauses. Speech that is longer than a piece is cut where it is least
    likely, and the two pieces overlap there.
    """

    def __init__(self, options: TranscribeOptions, shift: int) -> None:
        """Start at sample 0.

        Args:
            options: Where to cut.
            shift: Samples between two frames of the model.
        """
        self._vad = VoiceActivity()
        self._finder = RegionFinder(region_options(options))
        self._tape = Tape()
        self._shift = shift
        self._pad = round(min(options.pad_s, options.min_pause_s / 2) * FS)
        self._overlap = round(options.overlap_s * FS)
        self._pending: Region | None = None  # it is not known yet what follows
        self._joins = False  # whether there was no pause before it
        self._rest = np.zeros(0, np.float32)  # samples of an incomplete frame
        self.num_samples = 0

    def feed(self, block: np.ndarray) -> Iterator[Piece]:
        """Add samples, float32, shape (num_samples,); yield complete pieces."""
        self._tape.append(block)
        self.num_samples += len(block)
        heard = np.concatenate([self._rest, block])
        count = len(heard) - len(heard) % FRAME_SAMPLES
        self._rest = heard[count:]
        for region in self._finder.feed(self._vad(heard[:count])):
            yield from self._add(region)
        undecided = self._finder.undecided
        if self._pending and undecided > self._pending.end:
            yield self._finish_piece(is_cut=False)
        first = self._pending.start if self._pending else undecided
        keep = max(self._pad, self._overlap) + self._shift
        self._tape.forget(first * FRAME_SAMPLES - keep)

    def finish(self) -> Iterator[Piece]:
        """Yield the remaining pieces."""
        for region in self._finder.finish():
            yield from self._add(region)
        if self._pending:
            yield self._finish_piece(is_cut=False)

    def _add(self, region: Region) -> Iterator[Piece]:
        """Complete the pending piece and begin another."""
        before = self._pending
        is_cut = before is not None and region.start == before.end
        if before is not None:
            yield self._finish_piece(is_cut=is_cut)
        self._pending, self._joins = region, is_cut

    def _finish_piece(self, *, is_cut: bool) -> Piece:
        """Return the pending piece; `is_cut`: whether speech continues after it."""
        assert self._pending is not None
        first, last = (frame * FRAME_SAMPLES for frame in self._pending)
        start = max(first - (self._overlap if self._joins else self._pad), 0)
        start -= start % self._shift
        end = last + (self._overlap if is_cut else self._pad)
        speech = self._tape.cut(start, min(end, self.num_samples))
        self._pending = None
        return Piece(start, speech, last - first, self._joins)
