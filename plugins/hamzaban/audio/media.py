"""Readers of audio in any container, through PyAV (ffmpeg)."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from hamzaban.audio.source import UnreadableError
from hamzaban.audio.stream import AudioStream, check_rate, name_faults

MAX_SHORTFALL_S = 0.5  # the declared duration of some containers is approximate


def open_media(file: str | IO[bytes], formats: Sequence[str] = ()) -> Any:
    """Open a container with PyAV, whatever encoding its tags are in.

    Args:
        file: Path, or a stream that can seek.
        formats: ffmpeg's names of the only containers that are accepted; none: all.

    Raises:
        av.error.FFmpegError, OSError, ValueError: It cannot be opened.
    """
    import av

    logging.getLogger("libav").setLevel(logging.CRITICAL)  # errors are raised
    # PyAV 18 reads tags strictly unless told otherwise; PyAV 19 never does.
    is_strict = int(av.__version__.partition(".")[0]) < 19
    options: dict[str, Any] = {"metadata_errors": "replace"} if is_strict else {}
    if formats:
        options["options"] = {
            "format_whitelist": ",".join(formats),
            "protocol_whitelist": "file",
        }
    # a prefix, so that a file name with a colon is not taken for an address
    return av.open(f"file:{file}" if isinstance(file, str) else file, **options)


@contextmanager
def open_media_audio(
    file: str | IO[bytes], name: str, failure: str
) -> Iterator[AudioStream]:
    """Open the best audio stream of a container.

    Args:
        file: Path, or a stream that can seek.
        name: Name of the recording in errors.
        failure: Why libsndfile cannot read it.

    Raises:
        UnreadableError: There is no audio to read.
    """
    if not isinstance(file, str):
        file.seek(0)
    try:
        container = open_media(file)
    except Exception as error:
        detail = f"{name}: libsndfile: {failure}; ffmpeg: {error}"
        raise UnreadableError("unreadable", detail) from error
    with container:
        best = container.streams.best("audio")
        if best is None:
            raise UnreadableError("unreadable", f"{name}: no audio stream")
        frames = _decode(container, best, name)
        first = next(frames, None)
        if first is None:
            raise UnreadableError("empty", f"{name}: an audio stream of 0 samples")
        fs, num_channels = first.sample_rate, first.layout.nb_channels
        check_rate(fs, name)
        declared = _declared_samples(container, best, fs)
        blocks = _frames_to_blocks(first, frames, declared, name)
        encoding = (container.format.name, best.codec_context.name)
        yield AudioStream(fs, num_channels, blocks, encoding, declared, is_exact=False)


def _decode(container: Any, stream: Any, name: str) -> Iterator[Any]:
    frames, count = container.decode(stream), 0
    while True:
        reason = "truncated" if count else "unreadable"
        with name_faults(f"{name}: after {count} samples", reason=reason):
            frame = next(frames, None)
        if frame is None:
            return
        count += frame.samples
        if frame.samples:
            yield frame


def _declared_samples(container: Any, stream: Any, fs: int) -> int | None:
    """Return the length that a container states; None if ffmpeg would estimate it."""
    if "mp4" in container.format.name and stream.duration:
        return round(stream.duration * stream.time_base * fs)
    if "matroska" in container.format.name and container.duration:
        return round(container.duration * fs / 1_000_000)
    return None


def _frames_to_blocks(
    first: Any, rest: Iterator[Any], declared: int | None, name: str
) -> Iterator[np.ndarray]:
    """Yield frames as blocks; raise if they end before the declared length."""
    shape = (first.sample_rate, first.layout.nb_channels)
    count, frame = 0, first
    while frame is not None:
        if (frame.sample_rate, frame.layout.nb_channels) != shape:
            detail = f"{name}: rate or channels change after {count} samples"
            raise UnreadableError("unreadable", detail)
        block = frame_to_float(frame, name).T  # (num_samples, num_channels)
        count += len(block)
        yield block
        frame = next(rest, None)
    if declared is not None and declared - count > MAX_SHORTFALL_S * shape[0]:
        detail = f"{name}: {count} of {declared} samples could be read"
        raise UnreadableError("truncated", detail)


def frame_to_float(frame: Any, name: str) -> np.ndarray:
    """Return a frame of ffmpeg as float32 of shape (num_channels, num_samples).

    Raises:
        UnreadableError: The type of its samples is not supported.
    """
    with name_faults(name):
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
    raise UnreadableError("unreadable", f"{name}: samples of type {array.dtype}")
