"""Transcribe recordings of any length in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike, fspath

import numpy as np

from hamzaban.audio.signal import Mixer, resample
from hamzaban.decode.emissions import Utterance, make_batches
from hamzaban.decode.search import Decoder
from hamzaban.mine.part_mining import reblock
from hamzaban.mine.vad import BLOCK_SAMPLES
from hamzaban.text.tokens import Tokenizer
from hamzaban.transcribe.acoustics import Acoustics, frame_shift, shortest_piece
from hamzaban.transcribe.joining import Emission, join_all
from hamzaban.transcribe.memory import release_memory
from hamzaban.transcribe.pieces import Cutter, Piece
from hamzaban.transcribe.recording import Recording
from hamzaban.transcribe.transcribe_options import FS, TranscribeOptions
from hamzaban.transcribe.transcript import (
    Segment,
    TimedWord,
    Transcript,
)

BUFFER_BATCHES = 4  # batches of pieces that are sorted by length together
FAULTS_SHOWN = 3

Report = Callable[[float, float], None]  # seconds of audio and of speech that are done


class Transcriber:
    """A model that is ready to transcribe.

    Attributes:
        options: How recordings are cut.
    """

    def __init__(
        self,
        acoustics: Acoustics,
        decoder: Decoder,
        options: TranscribeOptions | None = None,
    ) -> None:
        """Set the model and the search.

        Raises:
            ValueError: The model is for another sampling rate.
        """
        if acoustics.fs != FS:
            raise ValueError(
                f"the model is for {acoustics.fs} Hz, expected {FS} Hz, the rate of "
                "speech detection; train it on audio of that rate"
            )
        self.options = options or TranscribeOptions()
        self._acoustics, self._decoder = acoustics, decoder
        self._shift = frame_shift(acoustics)
        self._shortest = shortest_piece(acoustics)

    def transcribe(
        self,
        source: str | PathLike[str] | np.ndarray,
        fs: int = FS,
        *,
        report: Report | None = None,
    ) -> Transcript:
        """Transcribe a file that ffmpeg can read, or samples.

        Args:
            source: A path; or samples, shape (num_samples,) or (num_samples,
                num_channels), floats in -1..1 or integers.
            fs: Rate of samples in Hz; a file states its own.
            report: Called repeatedly with the seconds of audio and of speech that are
                done since the last call.

        Returns:
            The transcript; a damaged file has `faults`.

        Raises:
            audio.source.UnreadableError: There is no audio to read.
            ValueError: The samples have another shape or type.
        """
        if isinstance(source, np.ndarray):
            blocks = _split(_read_array(source, fs, self.options.channel_number))
            return self._run(blocks, "samples", [], report)
        path = fspath(source)
        recording = Recording(path, self.options.channel_number)
        return self._run(recording.blocks(), path, recording.faults, report)

    def transcribe_blocks(
        self,
        blocks: Iterable[np.ndarray],
        name: str,
        *,
        report: Report | None = None,
        on_segment: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """Transcribe samples that come in blocks.

        Args:
            blocks: Mono samples at 16 kHz, float32, shape (num_samples,) each.
            name: Source of the transcript.
            report: As for `transcribe`.
            on_segment: Called with each segment as soon as its words are known.
        """
        return self._run(blocks, name, [], report, on_segment=on_segment)

    def _run(
        self,
        blocks: Iterable[np.ndarray],
        name: str,
        faults: list[str],
        report: Report | None,
        *,
        on_segment: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        cutter = Cutter(self.options, self._shift)
        tally = _Tally(report)
        pieces = _cut(cutter, blocks, tally)
        segments: list[Segment] = []
        for emission in join_all(self._emit(pieces)):
            segment = self.decode(emission)
            if segment is None:
                continue
            segments.append(segment)
            if on_segment is not None:
                on_segment(segment)
        duration_s = cutter.num_samples / FS
        shown = faults[:FAULTS_SHOWN]
        if len(faults) > FAULTS_SHOWN:
            shown.append(f"{len(faults) - FAULTS_SHOWN} more")
        return Transcript(
            name, tuple(segments), duration_s, tally.speech_s, tuple(shown)
        )

    def _emit(self, pieces: Iterator[Piece]) -> Iterator[tuple[bool, Emission]]:
        """Run the model on pieces, batched by length; yield in their order."""
        most = BUFFER_BATCHES * self.options.batch_bins
        buffer: list[Piece] = []
        size = 0
        for piece in pieces:
            buffer.append(piece)
            size += len(piece.speech)
            if size >= most:
                yield from self.emit_pieces(buffer)
                buffer, size = [], 0
        yield from self.emit_pieces(buffer)

    @property
    def parts(self) -> tuple[Acoustics, Decoder]:
        """Return the model and the search."""
        return self._acoustics, self._decoder

    @property
    def shift(self) -> int:
        """Return the number of samples between two frames of the model."""
        return self._shift

    @property
    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer of the model."""
        return self._acoustics.tokenizer

    def emit_pieces(self, buffer: Sequence[Piece]) -> list[tuple[bool, Emission]]:
        """Run the model on pieces; return for each `joins` and its emission.

        Raises:
            ValueError: The model gives numbers that are not finite.
        """
        speech = [_lengthen(piece.speech, self._shortest) for piece in buffer]
        utts = [Utterance(f"{i:09}", "", len(each)) for i, each in enumerate(speech)]
        found: dict[int, Emission] = {}
        for batch in make_batches(utts, self.options.batch_bins):
            indices = [int(utt.utt_id) for utt in batch]
            emissions = self._acoustics.emit([speech[i] for i in indices])
            for i, (log_probs, language) in zip(indices, emissions, strict=True):
                if not np.isfinite(log_probs).all():
                    raise ValueError(
                        "the model gives NaN or infinite log-posteriors; give another "
                        "checkpoint, and look at the losses of its training"
                    )
                start = buffer[i].start // self._shift
                found[i] = Emission(start, log_probs, language)
        release_memory()
        return [(piece.joins, found[i]) for i, piece in enumerate(buffer)]

    def decode(self, emission: Emission) -> Segment | None:
        """Return the segment of an emission; None if it has no words."""
        results = self._decoder.decode(emission.log_probs)
        if not results or not results[0].words:
            return None
        shift_s = self._shift / FS
        words = [
            TimedWord(
                word.text,
                (emission.start + word.start) * shift_s,
                (emission.start + word.end) * shift_s,
                word.confidence,
            )
            for word in results[0].words
        ]
        bounds = (emission.start * shift_s, emission.end * shift_s)
        return Segment(*bounds, tuple(words), emission.language)


class _Tally:
    """Counts speech and reports what is done."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self.speech_s = 0.0

    def add(self, audio_s: float, speech_s: float) -> None:
        self.speech_s += speech_s
        if self._report is not None:
            self._report(audio_s, speech_s)


def _cut(
    cutter: Cutter, blocks: Iterable[np.ndarray], tally: _Tally
) -> Iterator[Piece]:
    for block in reblock(iter(blocks), BLOCK_SAMPLES):
        pieces = list(cutter.feed(block))
        speech = sum(piece.num_speech for piece in pieces)
        tally.add(len(block) / FS, speech / FS)
        yield from pieces
    rest = list(cutter.finish())
    tally.add(0.0, sum(piece.num_speech for piece in rest) / FS)
    yield from rest


def _lengthen(speech: np.ndarray, shortest: int) -> np.ndarray:
    """Return speech with silence after it if it is too short for a frame."""
    missing = max(shortest - len(speech), 0)
    return np.pad(speech, (0, missing)) if missing else speech


def _read_array(samples: np.ndarray, fs: int, channel: int | None) -> np.ndarray:
    """Return samples as mono float32 at 16 kHz."""
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fi":
        raise ValueError(
            f"samples of shape {samples.shape} and type {samples.dtype} found, "
            "expected floats or signed integers of shape (num_samples,) or "
            "(num_samples, num_channels)"
        )
    if samples.dtype.kind == "i":
        scale = -1.0 / float(np.iinfo(samples.dtype).min)
        samples = samples.astype(np.float32) * np.float32(scale)
    samples = np.nan_to_num(samples.astype(np.float32), posinf=0.0, neginf=0.0)
    mono = samples if samples.ndim == 1 else Mixer(channel).mix(samples, fs)
    return resample(mono, fs, FS)


def _split(samples: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(samples), BLOCK_SAMPLES):
        yield samples[start : start + BLOCK_SAMPLES]
