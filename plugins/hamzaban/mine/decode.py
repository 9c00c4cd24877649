"""Media as streams of mono speech, from any place in them, through PyAV."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from hamzaban.audio.reader import RATE_RANGE, UnreadableError
from hamzaban.mine.options import BEST

PREROLL_S = 1.0  # decoded and dropped after a seek, until decoder states agree
GATHER_S = 2.0  # frames are mixed and resampled so much at a time
_EXACT_DURATION = frozenset({"mov", "mp4", "matroska", "webm", "flac", "wav"})


@dataclass(frozen=True)
class Media:
    """What is known of a file before it is decoded.

    Attributes:
        path: The file.
        audio_stream: Which of its streams is read: best, or a number from 0.
        fs_in: Rate of its audio, Hz.
        num_channels: Of its audio.
        first_time_s: Time stamp of the first sample; None where there are none.
        duration_s: What the container says; None where it says nothing.
        is_exact: The duration is stated, not estimated.
        form: Container and codec, such as "mp3 mp3float".
        language: Code that the stream is marked with; "" where there is none.
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
    if not path.is_file():
        raise UnreadableError("missing", f"{path}: no such file")
    if path.stat().st_size == 0:
        raise UnreadableError("empty", f"{path}: file of 0 bytes")
    with _open(str(path), audio_stream) as (container, stream):
        faults: list[str] = []
        first = next(_each_frame(container, stream, faults), None)
        if first is None:
            why = faults[0] if faults else "an audio stream of 0 samples"
            raise UnreadableError("unreadable", f"{path}: {why}")
        fs_in = first.sample_rate
        if not RATE_RANGE[0] <= fs_in <= RATE_RANGE[1]:
            raise UnreadableError("unreadable", f"{path}: rate of {fs_in} Hz")
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
    media: Media, start: int, fs: int, faults: list[str], *, stop_at_fault: bool = False
) -> Iterator[np.ndarray]:
    """Decode a file from a place on, mix its channels and resample.

    Args:
        media: The file.
        start: First sample, counted at `fs` from the first of the file.
        fs: Rate wanted, Hz.
        faults: Gets what ffmpeg says of what it cannot decode, which is left out.
        stop_at_fault: End there.

    Yields:
        Consecutive samples, the mean of all channels, float32, shape (num_samples,).

    Raises:
        UnreadableError: The file cannot be opened any more, or (reason no_seek) has
            no such place.
    """
    with _open(media.path, media.audio_stream) as (container, stream):
        skip = round(start * media.fs_in / fs)
        if skip > 0:
            _seek(container, stream, media, skip)
        frames = _each_frame(container, stream, faults, stop_at_fault=stop_at_fault)
        resampler = soxr.ResampleStream(media.fs_in, fs, 1, dtype="float32")
        is_same = media.fs_in == fs
        for frame in _from_sample(frames, media, skip, faults):
            mono = _mix(_to_float(frame, media.path))
            yield mono if is_same else resampler.resample_chunk(mono)
        if not is_same:
            yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


@contextmanager
def _open(path: str, audio_stream: str | int) -> Iterator[tuple[Any, Any]]:
    import av

    try:
        # "file:": a name with a colon is no address; tags may be in any encoding
        container = av.open(f"file:{path}", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableError("unreadable", f"{path}: {error}") from error
    with container:
        if audio_stream == BEST:
            stream = container.streams.best("audio")
        else:
            streams = dict(enumerate(container.streams.audio))
            stream = streams.get(int(audio_stream))
        if stream is None:
            detail = f"{path}: no audio stream ({audio_stream})"
            raise UnreadableError("no_audio", detail)
        stream.codec_context.thread_count = 1  # files go side by side, see --nj
        yield container, stream


def _each_frame(
    container: Any, stream: Any, faults: list[str], *, stop_at_fault: bool = False
) -> Iterator[Any]:
    """Yield all frames that can be decoded; note what cannot."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError) as error:
            faults.append(str(error))
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, OSError) as error:
            faults.append(str(error))
            if stop_at_fault:
                return
            continue
        yield from (frame for frame in frames if frame.samples)


def _seek(container: Any, stream: Any, media: Media, skip: int) -> None:
    import av

    time_s = skip / media.fs_in - PREROLL_S + (media.first_time_s or 0.0)
    try:
        container.seek(max(int(time_s / stream.time_base), 0), stream=stream)
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableError("no_seek", f"{media.path}: {error}") from error


def _from_sample(
    frames: Iterator[Any], media: Media, skip: int, faults: list[str]
) -> Iterator[Any]:
    """Yield frames of GATHER_S, the last one shorter, from sample `skip` on."""
    from av.audio.fifo import AudioFifo

    fifo: Any = AudioFifo()
    size = round(GATHER_S * media.fs_in)
    left = 0 if skip == 0 else None  # to drop
    for frame in frames:
        shape = (frame.sample_rate, frame.layout.nb_channels)
        if shape != (media.fs_in, media.num_channels):
            faults.append("rate or channels change")
            break
        if left is None:  # the first frame after a seek
            time_s = _time_s(frame)
            if time_s is None or media.first_time_s is None:
                raise UnreadableError("no_seek", f"{media.path}: no time stamps")
            left = skip - round((time_s - media.first_time_s) * media.fs_in)
            if left < 0:
                raise UnreadableError("no_seek", f"{media.path}: cannot seek")
        frame.pts = None  # else the fifo wants it without gaps
        fifo.write(frame)
        if left:
            dropped = fifo.read(min(left, fifo.samples))
            left -= dropped.samples
        while fifo.samples >= size:
            yield fifo.read(size)
    if fifo.samples:
        yield fifo.read()


def _time_s(frame: Any) -> float | None:
    return None if frame.pts is None else float(frame.pts * frame.time_base)


def _duration_s(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1_000_000 if container.duration else None


def _language(stream: Any) -> str:
    code = str(stream.metadata.get("language", "")).strip().lower()
    return "" if code in ("", "und") else code


def _mix(array: np.ndarray) -> np.ndarray:
    """Average channels, shape (num_channels, num_samples); what is no number is 0."""
    mono = array[0]
    if len(array) > 1:
        mono = array[0] + array[1]
        for channel in array[2:]:
            mono += channel
        mono *= np.float32(1.0 / len(array))
    if not np.isfinite(np.dot(mono, mono)):
        mono = np.nan_to_num(mono, posinf=0.0, neginf=0.0)
    return mono  # (num_samples,)


def _to_float(frame: Any, path: str) -> np.ndarray:
    """Return a frame as float32 of shape (num_channels, num_samples)."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = np.ascontiguousarray(array.reshape(frame.samples, -1).T)
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128.0) / 128.0
    if array.dtype.kind == "i":
        scale = np.float32(-1.0 / float(np.iinfo(array.dtype).min))
        return array.astype(np.float32) * scale
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    raise UnreadableError("unreadable", f"{path}: samples of type {array.dtype}")
