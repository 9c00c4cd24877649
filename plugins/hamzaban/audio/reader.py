"""Reading recordings as streams of blocks, whatever container they come in."""

import io
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile

BLOCK_SAMPLES = 1 << 20
RATE_RANGE = (1000, 1_000_000)  # Hz; outside, the header is damaged
MAX_SHORTFALL_S = 0.5  # containers whose declared duration is approximate

_ARK = re.compile(r"(.+):(\d+)")
_WAV_DATA = re.compile(r"^data : (\d+) \(should be (\d+)\)$", re.MULTILINE)
_WAV_STREAMED = 0x7FFF0000  # writers to a pipe put this or more as the size of data
_UNKNOWN_SAMPLES = 1 << 62


class UnreadableError(ValueError):
    """A recording that gives no audio, or not all of it.

    Attributes:
        reason: One word: missing, empty, unreadable, truncated or no_channel.
    """

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the one-word reason; `detail` is the message."""
        super().__init__(detail)
        self.reason = reason


@dataclass
class AudioStream:
    """An open recording.

    Attributes:
        fs: Sampling rate in Hz.
        num_channels: Number of channels.
        blocks: Consecutive parts of the recording, each float32 in -1..1 (beyond where
            the file holds more) of shape (num_samples, num_channels). Raises
            UnreadableError where decoding fails.
        encoding: Container and sample format, such as ("FLAC", "PCM_16").
    """

    fs: int
    num_channels: int
    blocks: Iterator[np.ndarray]
    encoding: tuple[str, str]


def is_pipe(source: str) -> bool:
    """Tell whether an entry of wav.scp is a shell command whose output is audio."""
    return source.endswith("|")


def source_file(source: str) -> Path | None:
    """Return the file an entry of wav.scp reads from; None for a pipe."""
    if is_pipe(source):
        return None
    found = _ARK.fullmatch(source)
    if found and not Path(source).exists():
        return Path(found.group(1))
    return Path(source)


@contextmanager
def open_audio(source: str, *, allow_pipes: bool = False) -> Iterator[AudioStream]:
    """Open what an entry of wav.scp names: a file, `ark:offset`, or `command |`.

    libsndfile reads what it knows; PyAV (ffmpeg) reads the rest.

    Args:
        source: The entry, without the id.
        allow_pipes: Run commands. They run in a shell, as whoever wrote wav.scp likes.

    Raises:
        UnreadableError: There is no audio to read.
        ValueError: The entry is a pipe and pipes are not allowed.
    """
    if is_pipe(source):
        if not allow_pipes:
            raise ValueError(f"'{source}' is a command; allow it by --allow_pipes true")
        with _open_any(io.BytesIO(_run_pipe(source)), source) as stream:
            yield stream
        return
    path = source_file(source)
    if path is None or not path.is_file():
        raise UnreadableError("missing", f"{path}: no such file")
    if path.stat().st_size == 0:
        raise UnreadableError("empty", f"{path}: file of 0 bytes")
    is_ark = str(path) != str(Path(source))
    file = io.BytesIO(_read_ark(path, source)) if is_ark else path
    with _open_any(file, source) as stream:
        yield stream


def _run_pipe(source: str) -> bytes:
    command = source.rstrip("|").strip()
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        last = lines[-1] if lines else "no message"
        raise UnreadableError("unreadable", f"{source}: {done.returncode}: {last}")
    return done.stdout


def _read_ark(path: Path, source: str) -> bytes:
    """Return one audio file out of a Kaldi archive (wav, flac or kaldiio's AUDIO)."""
    with open(path, "rb") as ark:
        ark.seek(int(source.rpartition(":")[2]))
        head = ark.read(8)
        if head[:4] == b"RIFF":
            return head + ark.read(int.from_bytes(head[4:8], "little"))
        if head[:4] == b"fLaC":
            return head + ark.read()
        if head[:5] == b"AUDIO" and len(head) == 8:
            head += ark.read(max(head[5] - 2, 0))
            size = int.from_bytes(head[6 : 6 + head[5]], "little")
            begun = head[6 + head[5] :]
            return begun + ark.read(size - len(begun))
    raise UnreadableError("unreadable", f"{source}: no wav, flac or AUDIO there")


@contextmanager
def _open_any(file: Path | IO[bytes], name: str) -> Iterator[AudioStream]:
    target = str(file) if isinstance(file, Path) else file
    try:
        opened = soundfile.SoundFile(target)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: name.raw
        with _open_media(file, name, str(error)) as stream:
            yield stream
        return
    with opened:
        if opened.frames < _UNKNOWN_SAMPLES:
            _check_rate(opened.samplerate, name)
            encoding = (opened.format, opened.subtype)
            blocks = _read_blocks(opened, name)
            yield AudioStream(opened.samplerate, opened.channels, blocks, encoding)
            return
    # libsndfile 1.2.2 cannot read a streamed FLAC file, whose length is not declared
    with _open_media(file, name, "length not declared") as stream:
        yield stream


def _check_rate(fs: int, name: str) -> None:
    low, high = RATE_RANGE
    if not low <= fs <= high:
        detail = f"{name}: rate of {fs} Hz, expected {low}..{high}"
        raise UnreadableError("unreadable", detail)


def _read_blocks(file: soundfile.SoundFile, name: str) -> Iterator[np.ndarray]:
    for declared, present in _WAV_DATA.findall(file.extra_info):
        if int(present) < int(declared) < _WAV_STREAMED:
            detail = f"{name}: {present} of {declared} bytes of audio"
            raise UnreadableError("truncated", detail)
    count = 0
    while True:
        try:
            block = file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise UnreadableError("unreadable", f"{name}: {error}") from error
        if len(block):
            count += len(block)
            yield block  # (num_samples, num_channels)
        if len(block) < BLOCK_SAMPLES:
            break
    if count < file.frames:
        detail = f"{name}: {count} of {file.frames} samples could be read"
        raise UnreadableError("truncated", detail)


def open_media(file: str | IO[bytes]) -> Any:
    """Open a container with PyAV, whatever encoding its tags are in.

    Raises:
        av.error.FFmpegError, OSError: It cannot be opened.
    """
    import av

    # PyAV 18 reads tags strictly unless told not to; 19 takes any and has no option
    is_strict = int(av.__version__.partition(".")[0]) < 19
    options: dict[str, Any] = {"metadata_errors": "replace"} if is_strict else {}
    return av.open(file, **options)


@contextmanager
def _open_media(
    file: Path | IO[bytes], name: str, soundfile_says: str
) -> Iterator[AudioStream]:
    import av

    if not isinstance(file, Path):
        file.seek(0)
    target: Any = str(file) if isinstance(file, Path) else file
    try:
        container = open_media(target)
    except (av.error.FFmpegError, OSError) as error:
        detail = f"{name}: libsndfile: {soundfile_says}; ffmpeg: {error}"
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
        _check_rate(fs, name)
        declared = _declared_samples(container, best, fs)
        blocks = _frames_to_blocks(first, frames, declared, name)
        encoding = (container.format.name, best.codec_context.name)
        yield AudioStream(fs, num_channels, blocks, encoding)


def _decode(container: Any, stream: Any, name: str) -> Iterator[Any]:
    import av

    try:
        for frame in container.decode(stream):
            if frame.samples:
                yield frame
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableError("unreadable", f"{name}: {error}") from error


def _declared_samples(container: Any, stream: Any, fs: int) -> int | None:
    """Return the length a container states; None where it is a guess of ffmpeg's."""
    if "mp4" in container.format.name and stream.duration:
        return round(stream.duration * stream.time_base * fs)
    if "matroska" in container.format.name and container.duration:
        return round(container.duration * fs / 1_000_000)
    return None


def _frames_to_blocks(
    first: Any, rest: Iterator[Any], declared: int | None, name: str
) -> Iterator[np.ndarray]:
    """Turn frames into blocks; their sum must reach the declared length."""
    shape = (first.sample_rate, first.layout.nb_channels)
    count, frame = 0, first
    while frame is not None:
        if (frame.sample_rate, frame.layout.nb_channels) != shape:
            detail = f"{name}: rate or channels change after {count} samples"
            raise UnreadableError("unreadable", detail)
        block = _to_float(frame, name)  # (num_samples, num_channels)
        count += len(block)
        yield block
        frame = next(rest, None)
    if declared is not None and declared - count > MAX_SHORTFALL_S * shape[0]:
        detail = f"{name}: {count} of {declared} samples could be read"
        raise UnreadableError("truncated", detail)


def _to_float(frame: Any, name: str) -> np.ndarray:
    """Return a frame as float32 of shape (num_samples, num_channels)."""
    array = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(frame.samples, -1)
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128.0) / 128.0
    if array.dtype.kind == "i":
        scale = float(np.iinfo(array.dtype).max) + 1.0
        return (array / scale).astype(np.float32)
    if array.dtype.kind == "f":
        return array.astype(np.float32, copy=False)
    raise UnreadableError("unreadable", f"{name}: samples of type {array.dtype}")
