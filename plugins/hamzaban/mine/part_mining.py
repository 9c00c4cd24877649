"""Mine one part of a source, in one pass and in constant memory."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from hamzaban.audio.plan import audio_name
from hamzaban.audio.signal import Mixer, to_int16
from hamzaban.fileio import atomic_path
from hamzaban.mine.chunks import Chunker, Span
from hamzaban.mine.decode import Media, read_media
from hamzaban.mine.fingerprint import fingerprint
from hamzaban.mine.language import identify
from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.mining_state import KEPT, Chunk, Part, save_part
from hamzaban.mine.regions import RegionFinder
from hamzaban.mine.vad import BLOCK_SAMPLES, FRAME_SAMPLES, VoiceActivity

SEAM_FRAMES = 64  # 2 s, compared where two parts meet
_SILENCE_DB = -120.0


class PartJob(NamedTuple):
    """A part to mine.

    Attributes:
        media: The source.
        rec_id: The source's id, which begins the ids of its chunks.
        start: First sample, counted at `fs`.
        end: The sample after the last; None for the end of the source.
        record: The file for the result.
        audio_dir: Folder for chunks.
        options: The values of conf/mine.yaml.
    """

    media: Media
    rec_id: str
    start: int
    end: int | None
    record: Path
    audio_dir: Path
    options: MineOptions


def utt_id_of(rec_id: str, chunk: Chunk, fs: int) -> str:
    """Return the id of a chunk: its source, begin and end in ms."""
    begin, end = (round(1000 * sample / fs) for sample in chunk[:2])
    return f"{rec_id}-{begin:09}-{end:09}"


def chunk_path(job: PartJob, chunk: Chunk) -> Path:
    """Return the path of a chunk's file, which exists if chunks are written."""
    utt_id = utt_id_of(job.rec_id, chunk, job.options.fs)
    return job.audio_dir / audio_name(utt_id, "flac")


def mine_part(job: PartJob) -> Part:
    """Mine a part; write its chunks, then its record.

    Raises:
        UnreadableError: The file cannot be opened, or cannot seek to the start.
        ValueError: The language filter fails.
    """
    faults: list[str] = []
    mixer = Mixer(job.options.channel_number, job.media.path)
    blocks = read_media(
        job.media,
        job.start,
        job.options.fs,
        faults,
        stop_at_fault=not job.options.writes_audio,
        mixer=mixer,
    )
    wanted = None if job.end is None else job.end - job.start
    tail: list[np.ndarray] = []
    miner = _Miner(job)
    found: list[tuple[Chunk, np.ndarray]] = []
    for block in reblock(_split(blocks, wanted, tail), BLOCK_SAMPLES):
        found += miner.feed(block)
    found += miner.finish()
    numbers = [fingerprints for _, fingerprints in found]
    part = Part(
        start=job.start,
        num_samples=miner.num_samples,
        chunks=[chunk for chunk, _ in found],
        faults=len(faults),
        fault=faults[0] if faults else "",
        is_short=wanted is not None and miner.num_samples < wanted,
        head=miner.head,
        tail=_mean_squares(np.concatenate([*tail, np.zeros(0, np.float32)])),
        numbers=np.concatenate([*numbers, np.zeros(0, np.uint32)]),
        is_one_channel=mixer.has_cancelled,
    )
    save_part(job.record, part)
    return part


class _Miner:
    """The pipeline from samples to chunks."""

    def __init__(self, job: PartJob) -> None:
        self._job = job
        self._vad = VoiceActivity()
        self._finder = RegionFinder(job.options)
        self._chunker = Chunker(job.options)
        self._tape = Tape()
        self._pad = int(job.options.pad_s * job.options.fs) + FRAME_SAMPLES
        self._position = 0  # frames
        self.num_samples = 0
        self.head = np.zeros(0, np.float32)

    def feed(self, block: np.ndarray) -> Iterator[tuple[Chunk, np.ndarray]]:
        """Process a block (all but the last have one length); yield complete chunks."""
        if not self.num_samples:
            self.head = _mean_squares(block)
        self._tape.append(block)
        self.num_samples += len(block)
        probs = self._vad(block[: len(block) - len(block) % FRAME_SAMPLES])
        self._position += len(probs)
        for region in self._finder.feed(probs):
            yield from map(self._finish_span, self._chunker.feed(region))
        undecided = self._finder.undecided
        yield from map(self._finish_span, self._chunker.advance(undecided))
        pending = self._chunker.undecided
        first = undecided if pending is None else pending
        self._tape.forget(first * FRAME_SAMPLES - self._pad)

    def finish(self) -> Iterator[tuple[Chunk, np.ndarray]]:
        """Yield the remaining chunks."""
        for region in self._finder.finish():
            yield from map(self._finish_span, self._chunker.feed(region))
        yield from map(self._finish_span, self._chunker.finish(self._position))

    def _finish_span(self, span: Span) -> tuple[Chunk, np.ndarray]:
        """Check a chunk, identify its language, fingerprint and write it."""
        job, options = self._job, self._job.options
        first = span.start * FRAME_SAMPLES
        last = span.end * FRAME_SAMPLES
        speech = self._tape.cut(first, last)
        level_db, clipping = measure(speech, options.clip_level)
        ratio = round(span.num_speech / (span.end - span.start), 4)
        measures = (ratio, round(level_db, 2), round(clipping, 6))
        where = (job.start + first, job.start + last)
        reason = span.reason or _check_level(level_db, clipping, options)
        none = np.zeros(0, np.uint32)
        if reason:
            return Chunk(*where, reason, *measures), none
        language, score = options.language or job.media.language, 0.0
        if options.language_filter is not None:
            language, score = identify(options.language_filter, speech, options.fs)
            is_wanted = not options.languages or language in options.languages
            if not is_wanted or score < options.min_language_score:
                return Chunk(*where, "language", *measures, language, score), none
        chunk = Chunk(*where, KEPT, *measures, language, score)
        size = self._write(chunk, speech) if options.writes_audio else 0
        numbers = fingerprint(speech)
        return chunk._replace(num_bytes=size, num_numbers=len(numbers)), numbers

    def _write(self, chunk: Chunk, speech: np.ndarray) -> int:
        """Write the file of a chunk; return its size."""
        file = io.BytesIO()  # libsndfile would not report a full disk
        samples, _ = to_int16(speech)
        fs = self._job.options.fs
        soundfile.write(file, samples, fs, subtype="PCM_16", format="FLAC")
        with atomic_path(chunk_path(self._job, chunk), sync=False) as temporary:
            temporary.write_bytes(file.getbuffer())
        return file.getbuffer().nbytes


class Tape:
    """The last samples of a stream, as many as may be needed."""

    def __init__(self) -> None:
        """Start empty, at sample 0."""
        self._blocks: list[np.ndarray] = []
        self._origin = 0

    def append(self, block: np.ndarray) -> None:
        """Add samples, shape (num_samples,), at the end."""
        self._blocks.append(block)

    def forget(self, sample: int) -> None:
        """Drop blocks that end before a sample."""
        while self._blocks and self._origin + len(self._blocks[0]) <= sample:
            self._origin += len(self._blocks.pop(0))

    def cut(self, first: int, last: int) -> np.ndarray:
        """Return samples `first` to before `last`, shape (last - first,)."""
        parts, begin = [], self._origin
        for block in self._blocks:
            low, high = max(first - begin, 0), min(last - begin, len(block))
            if low < high:
                parts.append(block[low:high])
            begin += len(block)
        assert first >= self._origin
        assert last <= begin
        return np.concatenate([*parts, np.zeros(0, np.float32)])


def measure(speech: np.ndarray, clip_level: float) -> tuple[float, float]:
    """Return the RMS level in dB of full scale and the share of clipped samples.

    Args:
        speech: Samples, shape (num_samples,), at least one.
        clip_level: Samples of at least this magnitude count as clipped.
    """
    power = float(np.dot(speech, speech)) / len(speech)
    level_db = 10 * np.log10(power) if power > 0 else _SILENCE_DB
    num_clipped = np.count_nonzero(np.abs(speech) >= clip_level)
    return max(float(level_db), _SILENCE_DB), num_clipped / len(speech)


def _check_level(level_db: float, clipping: float, options: MineOptions) -> str:
    if level_db < options.min_level_db:
        return "quiet"
    return "clipped" if clipping > options.max_clipping else ""


def _split(
    blocks: Iterator[np.ndarray], wanted: int | None, tail: list[np.ndarray]
) -> Iterator[np.ndarray]:
    """Yield the first `wanted` samples (None: all); add some later ones to `tail`."""
    position, num_tail = 0, SEAM_FRAMES * FRAME_SAMPLES
    for block in blocks:
        if wanted is None:
            yield block
            continue
        inside = max(min(wanted - position, len(block)), 0)
        if inside:
            yield block[:inside]
        if inside < len(block):
            tail.append(block[inside:])
        position += len(block)
        if position >= wanted + num_tail:
            return


def reblock(blocks: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Yield blocks of `size` samples, the last one shorter."""
    parts: list[np.ndarray] = []
    count = 0
    for block in blocks:
        parts.append(block)
        count += len(block)
        while count >= size:
            joined = np.concatenate(parts)
            yield joined[:size]
            parts, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(parts)


def _mean_squares(speech: np.ndarray) -> np.ndarray:
    """Return the mean square of each of the first frames, at most SEAM_FRAMES."""
    count = min(len(speech) // FRAME_SAMPLES, SEAM_FRAMES)
    frames = speech[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    return np.mean(frames * frames, axis=1)
