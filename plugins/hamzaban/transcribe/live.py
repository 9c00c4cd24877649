"""Transcribe speech while it is spoken, with a model that was trained on whole speech.

At each step the model hears a window: left context, the step, and the look-ahead. The
log-posteriors of frames before the look-ahead are kept and never computed again; those
after them give words that may still change. Words whose frames are all kept, and after
which another word begins, are final. A pause makes the remaining words final.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from hamzaban.decode.path import BLANK_ID, LogProbs
from hamzaban.mine.part_mining import Tape
from hamzaban.mine.regions import Region, RegionFinder
from hamzaban.mine.vad import FRAME_SAMPLES, VoiceActivity
from hamzaban.text.tokens import SPACE
from hamzaban.transcribe.joining import SEAM_FRAMES, Emission
from hamzaban.transcribe.live_options import LiveOptions
from hamzaban.transcribe.pieces import Piece
from hamzaban.transcribe.transcribe_options import FS, region_options
from hamzaban.transcribe.transcriber import Transcriber
from hamzaban.transcribe.transcript import Segment, TimedWord, Transcript, word_to_json

LONGEST_S = 120.0  # speech without a pause; then the detector cuts it
MAX_KEPT_S = 30.0  # kept log-posteriors; older ones whose words are final are dropped
SEAM_RANGE_S = 0.2  # where, before the look-ahead, frames cease to be kept


@dataclasses.dataclass(frozen=True)
class Heard:
    """What is new after a step.

    Attributes:
        final: Words that are added and never change.
        partial: Words after all final ones, which the next step replaces.
        at_s: Audio that has been heard, in seconds.
        is_end: Whether speech has ended; then there are no partial words.
    """

    final: tuple[TimedWord, ...]
    partial: tuple[TimedWord, ...]
    at_s: float
    is_end: bool = False


def heard_to_json(heard: Heard) -> dict[str, Any]:
    """Return what a step brought as values for JSON."""
    return {
        "final": [word_to_json(word) for word in heard.final],
        "partial": [word_to_json(word) for word in heard.partial],
        "at_s": round(heard.at_s, 3),
        "is_end": heard.is_end,
    }


@dataclasses.dataclass
class _Stretch:
    """Speech that has not ended.

    Attributes:
        start: First sample that the model hears.
        kept: Log-posteriors that do not change any more, from the frame `first` on.
        first: Frame of the first of them, counted from the start of the stream.
        words: Final words.
        language: Language of the head that was used.
    """

    start: int
    kept: LogProbs
    first: int
    words: list[TimedWord] = dataclasses.field(default_factory=list)
    language: str = ""

    @property
    def end(self) -> int:
        """Return the first frame that is not kept yet."""
        return self.first + len(self.kept)


class Listener:
    """Transcribes one stream; the result does not depend on how it is divided."""

    def __init__(self, model: Transcriber, options: LiveOptions | None = None) -> None:
        """Start at sample 0.

        Args:
            model: The model and its search; its options say where speech begins and
                ends.
            options: How much it hears at a time.
        """
        self._model, self._options = model, options or LiveOptions()
        found = dataclasses.replace(model.options, max_duration_s=LONGEST_S)
        self._finder = RegionFinder(region_options(found))
        self._vad, self._tape = VoiceActivity(), Tape()
        self._pad = round(min(found.pad_s, found.min_pause_s / 2) * FS)
        self._step = max(round(self._options.chunk_s * FS / FRAME_SAMPLES), 1)
        self._step *= FRAME_SAMPLES
        self._waiting = np.zeros(0, np.float32)  # samples of an incomplete step
        self._stretch: _Stretch | None = None
        self._last_end = 0  # sample at which the stretch before ended
        self._segments: list[Segment] = []
        self._speech_frames = 0
        self._padding = 0  # samples of silence after the end
        self.num_samples = 0

    def feed(self, speech: np.ndarray) -> Iterator[Heard]:
        """Add samples; yield what each complete step brings.

        Args:
            speech: Samples at 16 kHz, float32, shape (num_samples,).
        """
        self._waiting = np.concatenate([self._waiting, speech])
        while len(self._waiting) >= self._step:
            block = self._waiting[: self._step]
            self._waiting = self._waiting[self._step :]
            yield from self._hear(block)

    def finish(self) -> Iterator[Heard]:
        """End the stream; yield the remaining words."""
        if len(self._waiting):
            missing = -len(self._waiting) % FRAME_SAMPLES
            self._padding = missing
            yield from self._hear(np.pad(self._waiting, (0, missing)))
            self._waiting = self._waiting[:0]
        yield from self._end_regions(list(self._finder.finish()))

    def transcript(self, name: str) -> Transcript:
        """Return the words so far as the transcript of a recording."""
        speech_s = self._speech_frames * FRAME_SAMPLES / FS
        segments = tuple(self._segments)
        return Transcript(name, segments, self._at_s, speech_s)

    def _hear(self, block: np.ndarray) -> Iterator[Heard]:
        self._tape.append(block)
        self.num_samples += len(block)
        regions = list(self._finder.feed(self._vad(block)))
        yield from self._end_regions(regions)
        opened = self._finder.open_start
        if opened is not None:
            if self._stretch is None:
                self._begin(opened)
            yield self._advance()
        first = self.num_samples if self._stretch is None else self._stretch.start
        if self._stretch is not None:
            first = max(first, self._window_start(self._stretch))
        self._tape.forget(min(first, self._finder.undecided * FRAME_SAMPLES) - FS)

    def _begin(self, frame: int) -> None:
        start = max(frame * FRAME_SAMPLES - self._pad, self._last_end, 0)
        start -= start % self._model.shift
        nothing = np.zeros((0, len(self._model.tokenizer.tokens)), np.float32)
        self._stretch = _Stretch(start, nothing, start // self._model.shift)

    def _end_regions(self, regions: list[Region]) -> Iterator[Heard]:
        """End the stretch if a pause has been found; else speech was only divided."""
        for index, region in enumerate(regions):
            self._speech_frames += region.end - region.start
            starts = [each.start for each in regions[index + 1 : index + 2]]
            if region.end in (*starts, self._finder.open_start):
                continue
            if self._stretch is None:
                self._begin(region.start)
            yield self._end(region.end * FRAME_SAMPLES + self._pad)
        if self._stretch is not None and self._finder.open_start is None:
            yield self._end(self._stretch.end * self._model.shift)  # too short

    def _window_start(self, stretch: _Stretch) -> int:
        """Return the sample at which the model begins to listen."""
        shift = self._model.shift
        left = round(self._options.left_context_s * FS)
        return max(stretch.start, (stretch.end * shift - left) // shift * shift)

    def _emit(self, stretch: _Stretch, end: int) -> LogProbs:
        """Run the model up to a sample; return the frames that are not kept."""
        start = self._window_start(stretch)
        speech = self._tape.cut(start, min(end, self.num_samples))
        piece = Piece(start, speech, len(speech), joins=False)
        [(_, found)] = self._model.emit_pieces([piece])
        stretch.language = found.language
        return found.log_probs[stretch.end - found.start :]

    def _advance(self) -> Heard:
        """Hear the speech so far; keep the frames before the look-ahead."""
        stretch = self._stretch
        assert stretch is not None
        found = self._emit(stretch, self.num_samples)
        ahead = round(self._options.look_ahead_s * FS)
        most = (self.num_samples - ahead) // self._model.shift - stretch.end
        count = self._find_seam(found, min(most, len(found)))
        stretch.kept = np.concatenate([stretch.kept, found[:count]])
        words = self._decode(stretch, found[count:])
        number = self._count_final(stretch, words)
        final = words[:number]
        stretch.words += final
        self._shorten(stretch, words[number:])
        return Heard(tuple(final), tuple(words[number:]), self._at_s)

    def _end(self, end: int) -> Heard:
        """Hear the rest of the speech; all its words are final."""
        stretch = self._stretch
        assert stretch is not None
        if end > stretch.end * self._model.shift:
            found = self._emit(stretch, end)
            stretch.kept = np.concatenate([stretch.kept, found])
        words = self._decode(stretch, stretch.kept[:0])
        stretch.words += words
        if stretch.words:
            start_s = stretch.start / FS
            end_s = max(min(end, self.num_samples) / FS, stretch.words[-1].end_s)
            spoken = tuple(stretch.words)
            self._segments.append(Segment(start_s, end_s, spoken, stretch.language))
        self._last_end = min(end, self.num_samples)
        self._stretch = None
        return Heard(tuple(words), (), self._at_s, is_end=True)

    @property
    def _at_s(self) -> float:
        return (self.num_samples - self._padding) / FS

    def _decode(self, stretch: _Stretch, tail: LogProbs) -> list[TimedWord]:
        """Return the words after the final ones."""
        log_probs = np.concatenate([stretch.kept, tail])
        segment = self._model.decode(Emission(stretch.first, log_probs))
        words = list(segment.words) if segment is not None else []
        if not stretch.words:
            return words
        last = stretch.words[-1]
        return [word for word in words if word.start_s > last.start_s]

    def _count_final(self, stretch: _Stretch, words: list[TimedWord]) -> int:
        """Return how many words cannot change, whatever is said next."""
        shift_s = self._model.shift / FS
        kept_s = stretch.end * shift_s
        spaces = np.flatnonzero(self._is_space(stretch.kept))
        space_s = (stretch.first + spaces[-1]) * shift_s if len(spaces) else 0.0
        number = 0
        for word, after in itertools.zip_longest(words, words[1:]):
            is_followed = after is not None and after.start_s < kept_s
            if not is_followed and not word.start_s < space_s:
                break
            number += 1
        return number

    def _is_space(self, log_probs: LogProbs) -> np.ndarray:
        """Return whether each frame is a space, shape (T,)."""
        tokens = self._model.tokenizer.tokens
        if SPACE not in tokens or not len(log_probs):
            return np.zeros(len(log_probs), bool)
        best: np.ndarray = log_probs.argmax(-1) == tokens.index(SPACE)
        return best

    def _shorten(self, stretch: _Stretch, partial: list[TimedWord]) -> None:
        """Drop kept frames whose words are final if there are many."""
        shift_s = self._model.shift / FS
        if len(stretch.kept) * shift_s <= MAX_KEPT_S or not stretch.words:
            return
        until_s = stretch.words[-1].end_s
        if partial:
            until_s = min(until_s, partial[0].start_s)
        count = round(until_s / shift_s) - stretch.first
        count = min(max(count, 0), len(stretch.kept))
        stretch.kept, stretch.first = stretch.kept[count:], stretch.first + count

    def _find_seam(self, found: LogProbs, most: int) -> int:
        """Return how many frames to keep: up to a place where blank is likely.

        A token there would be lost or doubled if the next window moved it by a frame.
        """
        if most <= 0:
            return 0
        width = round(SEAM_RANGE_S * FS / self._model.shift)
        low = max(most - width, 1)
        half = SEAM_FRAMES // 2
        padded = np.pad(found[:, BLANK_ID].astype(np.float64), half, mode="edge")
        around = np.lib.stride_tricks.sliding_window_view(padded, SEAM_FRAMES).min(-1)
        places = around[low - 1 : most].round(3)  # (most - low + 1,)
        return most - int(places[::-1].argmax())
