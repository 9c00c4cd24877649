"""Readers of recordings in any container, as streams of blocks."""

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import soundfile

from hamzaban.audio.container import (
    check_truncation,
    find_unfinished,
    has_false_length,
    is_length_stated,
)
from hamzaban.audio.media import open_media_audio
from hamzaban.audio.source import PatchedFile, UnreadableError, open_source
from hamzaban.audio.stream import AudioStream, check_rate, name_faults

BLOCK_SAMPLES = 1 << 20
_UNKNOWN_SAMPLES = 1 << 40  # libsndfile returns such numbers for an unknown length


class AudioLength(NamedTuple):
    """The length of a recording.

    Attributes:
        fs: Sample rate in Hz.
        num_samples: Number of samples.
        is_exact: Whether the number is exact.
        is_mended: Whether the header stated a wrong length, which was ignored.
    """

    fs: int
    num_samples: int
    is_exact: bool
    is_mended: bool = False

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return self.num_samples / self.fs


@contextmanager
def open_audio(source: str, *, allow_pipes: bool = False) -> Iterator[AudioStream]:
    """Open what an entry of wav.scp names: a file, `ark:offset`, or `command |`.

    libsndfile reads the formats that it knows, PyAV (ffmpeg) the others.

    Args:
        source: The entry, without the id.
        allow_pipes: Run the entry in bash if it is a command.

    Yields:
        The stream. The blocks of a truncated file are followed by an UnreadableError,
        so that segments before the cut can be used.

    Raises:
        UnreadableError: There is no audio to read.
        ValueError: The entry is a pipe and pipes are not allowed.
    """
    with (
        open_source(source, allow_pipes=allow_pipes) as opened,
        ExitStack() as stack,
    ):
        file, is_mended = _mend_length(opened)
        cut = check_truncation(file)
        try:
            stream = stack.enter_context(_open_any(file, source))
        except UnreadableError as error:
            if cut is None:
                raise
            raise UnreadableError("truncated", f"{source}: {cut}") from error
        if cut is not None:
            stream.blocks = _fail_at_end(stream.blocks, f"{source}: {cut}")
        stream.is_mended = is_mended
        yield stream


def _fail_at_end(blocks: Iterator[np.ndarray], detail: str) -> Iterator[np.ndarray]:
    yield from blocks
    raise UnreadableError("truncated", detail)


def measure_audio(source: str, *, allow_pipes: bool = False) -> AudioLength:
    """Return the length of a recording, decoding it if its header cannot be trusted.

    Args:
        source: As for `open_audio`.
        allow_pipes: As for `open_audio`.

    Raises:
        UnreadableError: There is no audio to read, or the file is truncated.
        ValueError: The entry is a pipe and pipes are not allowed.
    """
    with open_source(source, allow_pipes=allow_pipes) as opened:
        file, is_mended = _mend_length(opened)
        if cut := check_truncation(file):
            raise UnreadableError("truncated", f"{source}: {cut}")
        with _open_any(file, source, seek_end=True) as stream:
            if stream.num_samples is not None:
                length = (stream.fs, stream.num_samples, stream.is_exact)
                return AudioLength(*length, is_mended)
        with _open_any(
            file, source
        ) as stream:  # open it again, since seeking may have failed
            num_samples = sum(len(block) for block in stream.blocks)
            return AudioLength(stream.fs, num_samples, True, is_mended)


def find_cut(path: str) -> str:
    """Return how an audio file is truncated, as its header tells; "" if it is not."""
    try:
        with open_source(path) as opened:
            return check_truncation(_mend_length(opened)[0]) or ""
    except UnreadableError:
        return ""  # its decoder will notice


def _mend_length(file: BinaryIO) -> tuple[BinaryIO, bool]:
    """Return a recording with a corrected header, and whether the length differed."""
    if (start := find_unfinished(file)) is not None:
        size = file.seek(0, os.SEEK_END)
        lengths = {4: size - 8, start - 4: size - start}
        return io.BufferedReader(PatchedFile(file, lengths)), True
    is_false = has_false_length(file)
    file.seek(0)
    return file, is_false


def _path_or_stream(file: BinaryIO) -> Any:
    """Return the path of a plain file, since callbacks into Python are slower."""
    path = getattr(file, "name", None)
    if isinstance(path, str):
        return path
    file.seek(0)
    return file


@contextmanager
def _open_any(
    file: BinaryIO, name: str, *, seek_end: bool = False
) -> Iterator[AudioStream]:
    """Open with libsndfile if it knows the length; otherwise it would read nothing.

    Args:
        file: The recording.
        name: Name of the recording in errors.
        seek_end: Check that the last sample exists if the header cannot be trusted.
            Blocks cannot be read afterwards.
    """
    failure = "length not stated"
    try:
        opened = soundfile.SoundFile(_path_or_stream(file))
    except Exception as error:  # TypeError: name.raw; others of damaged headers
        opened, failure = None, getattr(error, "error_string", str(error))
    if opened is not None:
        with opened:
            if _is_length_known(opened, file):
                check_rate(opened.samplerate, name)
                shape = (opened.samplerate, opened.channels)
                blocks = _read_blocks(opened, name)
                encoding = (opened.format, opened.subtype)
                is_whole = not seek_end or _has_last_sample(opened)
                num_samples = opened.frames if is_whole else None
                yield AudioStream(*shape, blocks, encoding, num_samples)
                return
    with open_media_audio(_path_or_stream(file), name, failure) as stream:
        yield stream


def _is_length_known(opened: soundfile.SoundFile, file: BinaryIO) -> bool:
    """Return whether the header of a file opened with libsndfile states the length.

    libsndfile 1.2.2 cannot read a streamed FLAC file, whose length is not stated.
    """
    if opened.format != "MP3":
        return bool(opened.frames < _UNKNOWN_SAMPLES)
    place = file.tell()  # libsndfile may read the same stream
    is_stated = is_length_stated(file)
    file.seek(place)
    return is_stated


def _has_last_sample(opened: soundfile.SoundFile) -> bool:
    if opened.format != "FLAC":  # its container does not mark the end
        return True
    try:
        opened.seek(opened.frames - 1)
        return len(opened.read(1)) == 1
    except soundfile.LibsndfileError:
        return False


def _read_blocks(file: soundfile.SoundFile, name: str) -> Iterator[np.ndarray]:
    count = 0
    while True:
        place = f"{name}: after {count} samples"
        with name_faults(place, reason="truncated"):
            block = file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
        if len(block):
            count += len(block)
            yield block  # (num_samples, num_channels)
        if len(block) < BLOCK_SAMPLES:
            break
    if count < file.frames:
        detail = f"{name}: {count} of {file.frames} samples could be read"
        raise UnreadableError("truncated", detail)
