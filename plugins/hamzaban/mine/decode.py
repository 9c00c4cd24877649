"""Readers of media as streams of mono speech from any position, through PyAV."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from hamzaban.audio.media import frame_to_float, open_media
from hamzaban.audio.signal import Mixer
from hamzaban.audio.source import UnreadableError, open_file
from hamzaban.audio.stream import RATE_RANGE, check_rate, name_faults
from hamzaban.mine.mining_options import BEST

PREROLL_S = 1.0  # decoded and dropped after a seek, until decoder states agree
GATHER_S = 2.0  # audio that is mixed and resampled at a time
_EXACT_DURATION = frozenset({"mov", "mp4", "matroska", "webm", "flac", "wav"})


@dataclass(frozen=True)
class Media:
    """The audio stream of a file.

    Attributes:
        path: The file.
        audio_stream: The stream to read: best, or its number from 0.
        fs_in: Sample rate, Hz.
        num_channels: Number of channels.
        first_time_s: Time stamp of the first sample; None if there is none.
        duration_s: Duration that the container states; None if it states none.
        is_exact: Whether the duration is exact rather than estimated.
        form: Container and codec, such as "mp3 mp3float".
        language: Language tag of the stream; "" if there is none.
    """

    path: str
    audio_stream: str | int
    fs_in: int
    num_channels: int
    first_time_s: float | None
    duration_s: float | None
    is_exact: bool
    form: str
    language: str


def probe_media(path: Path, audio_stream: str | int = BEST) -> Media:
    """Open a file and decode its first frame.

    Args:
        path: The file.
        audio_stream: `best`, or the number of an audio stream from 0.

    Raises:
        UnreadableError: There is no audio to read (reasons missing, empty, unreadable,
            no_audio).
    """
    open_file(path).close()
    with _open(str(path), audio_stream) as (container, stream):
        faults: list[str] = []
        first = next(_each_frame(container, stream, faults), None)
        if first is None:
            why = faults[0] if faults else "an audio stream of 0 samples"
            raise UnreadableError("unreadable", f"{path}: {why}")
        fs_in = first.sample_rate
        check_rate(fs_in, str(path))
        form = container.format.name.split(",")
        return Media(
            path=str(path),
            audio_stream=audio_stream,
            fs_in=fs_in,
            num_channels=first.layout.nb_channels,
            first_time_s=_time_s(first),
            duration_s=_duration_s(container, stream),
            is_exact=not _EXACT_DURATION.isdisjoint(form),
            form=f"{form[0]} {stream.codec_context.name}",
            language=_language(stream),
        )


def read_media(
    media: Media,
    start: int,
    fs: int,
    faults: list[str],
    *,
    stop_at_fault: bool = False,
    mixer: Mixer | None = None,
) -> Iterator[np.ndarray]:
    """Decode a file from a position on, mix its channels and resample.

    Rate, channels and sample format may change within the file.

    Args:
        media: The file.
        start: First sample, counted at `fs` from the start of the file.
        fs: Sample rate of the result, Hz.
        faults: Receives the errors of ffmpeg; the packets concerned are skipped.
        stop_at_fault: Stop at a fault or at a change of rate or channels.
        mixer: Mixer of the channels; by default the mean, or one channel if they
            cancel.

    Yields:
        Consecutive samples, float32, shape (num_samples,).

    Raises:
        UnreadableError: The file cannot be opened any more, or (reason no_seek) cannot
            seek to the start.
    """
    mixer = mixer or Mixer()
    with _open(media.path, media.audio_stream) as (container, stream):
        start_s = Fraction(start, fs)
        if start:
            _seek(container, stream, media, float(start_s))
        frames = _each_frame(container, stream, faults, stop_at_fault=stop_at_fault)
        if stop_at_fault:
            frames = _until_change(frames, media, faults)
        frames = _from_time(frames, media, start_s, faults)
        yield from _resample(frames, mixer, fs, media.path)


def _resample(
    frames: Iterator[Any], mixer: Mixer, fs: int, path: str
) -> Iterator[np.ndarray]:
    """Yield frames of any rates as mono samples of one rate."""
    rate, resampler = fs, None
    for frame in frames:
        if frame.sample_rate != rate:
            if resampler is not None:
                yield _finish(resampler)
            rate, resampler = frame.sample_rate, None
            if rate != fs:
                resampler = soxr.ResampleStream(rate, fs, 1, dtype="float32")
        mono = _mix(mixer, frame_to_float(frame, path), rate)
        yield mono if resampler is None else resampler.resample_chunk(mono)
    if resampler is not None:
        yield _finish(resampler)


def _finish(resampler: soxr.ResampleStream) -> np.ndarray:
    """Return the samples that a resampler still holds, shape (num_samples,)."""
    return resampler.resample_chunk(np.zeros(0, np.float32), last=True)


@contextmanager
def _open(path: str, audio_stream: str | int) -> Iterator[tuple[Any, Any]]:
    with name_faults(path):
        container = open_media(path)
    with container:
        if audio_stream == BEST:
            stream = container.streams.best("audio")
        else:
            streams = dict(enumerate(container.streams.audio))
            stream = streams.get(int(audio_stream))
        if stream is None:
            detail = f"{path}: no audio stream ({audio_stream})"
            raise UnreadableError("no_audio", detail)
        if stream.codec_context is None:
            raise UnreadableError("unreadable", f"{path}: ffmpeg has no decoder for it")
        stream.codec_context.thread_count = 1  # files are read in parallel, see --nj
        yield container, stream


def _each_frame(
    container: Any, stream: Any, faults: list[str], *, stop_at_fault: bool = False
) -> Iterator[Any]:
    """Yield all frames that can be decoded; add the errors of others to `faults`."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except Exception as error:  # decoders raise errors of any kind
            faults.append(str(error))
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except Exception as error:
            faults.append(str(error))
            if stop_at_fault:
                return
            continue
        yield from (frame for frame in frames if frame.samples)


def _until_change(
    frames: Iterator[Any], media: Media, faults: list[str]
) -> Iterator[Any]:
    """Yield frames until their rate or channels change."""
    for frame in frames:
        shape = (frame.sample_rate, frame.layout.nb_channels)
        if shape != (media.fs_in, media.num_channels):
            faults.append("rate or channels change")
            return
        yield frame


def _seek(container: Any, stream: Any, media: Media, start_s: float) -> None:
    time_s = max(start_s - PREROLL_S + (media.first_time_s or 0.0), 0.0)
    with name_faults(media.path, reason="no_seek"):
        container.seek(int(time_s / stream.time_base), stream=stream)


def _from_time(
    frames: Iterator[Any], media: Media, start_s: Fraction, faults: list[str]
) -> Iterator[Any]:
    """Yield frames of GATHER_S, shorter before a change and at the end, from a time on.

    Args:
        frames: Frames of the file that begin before the time.
        media: The file.
        start_s: The time, counted from the start of the file.
        faults: Receives what is wrong with frames that are skipped.

    Raises:
        UnreadableError: The file cannot seek there (reason no_seek).
    """
    from av.audio.fifo import AudioFifo

    fifo: Any = AudioFifo()
    form, size = None, 0
    left_s = None if start_s else Fraction(0)  # duration still to drop
    for frame in frames:
        rate = frame.sample_rate
        if not RATE_RANGE[0] <= rate <= RATE_RANGE[1]:
            faults.append(f"rate of {rate} Hz")
            continue
        if form != _form(frame):
            if fifo.samples:
                yield fifo.read()
            fifo, form, size = AudioFifo(), _form(frame), round(GATHER_S * rate)
        if left_s is None:  # the first frame after a seek
            left_s = _compute_rest(frame, media, start_s)
        frame.pts = None  # else the fifo would reject gaps
        with name_faults(media.path):
            fifo.write(frame)
        if left_s and (left := round(left_s * rate)):  # read(0) would be all
            left_s = Fraction(left - fifo.read(min(left, fifo.samples)).samples, rate)
        while fifo.samples >= size:
            yield fifo.read(size)
    if fifo.samples:
        yield fifo.read()


def _form(frame: Any) -> tuple[Any, ...]:
    """Return what all frames of a fifo have in common."""
    return frame.sample_rate, frame.format.name, frame.layout.name, frame.time_base


def _compute_rest(frame: Any, media: Media, start_s: Fraction) -> Fraction:
    """Return how long before a time the first frame after a seek begins, s."""
    time_s = _time_s(frame)
    if time_s is None or media.first_time_s is None:
        raise UnreadableError("no_seek", f"{media.path}: no time stamps")
    rate = frame.sample_rate
    rest = round(start_s * rate) - round((time_s - media.first_time_s) * rate)
    if rest < 0:
        raise UnreadableError("no_seek", f"{media.path}: cannot seek")
    return Fraction(rest, rate)


def _time_s(frame: Any) -> float | None:
    return None if frame.pts is None else float(frame.pts * frame.time_base)


def _duration_s(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1_000_000 if container.duration else None


def _language(stream: Any) -> str:
    code = str(stream.metadata.get("language", "")).strip().lower()
    return "" if code in ("", "und") or not code.isascii() else code


def _mix(mixer: Mixer, array: np.ndarray, fs: int) -> np.ndarray:
    """Return channels, shape (num_channels, num_samples), as mono without NaN."""
    mono = mixer.mix(array.T, fs)
    if not np.isfinite(np.dot(mono, mono)):
        mono = np.nan_to_num(mono, posinf=0.0, neginf=0.0)
    return mono  # (num_samples,)
