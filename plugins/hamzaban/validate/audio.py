"""Opening, and if asked decoding, the audio that wav.scp names."""

import io
import itertools
import logging
import math
import multiprocessing
import os
import re
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hamzaban.validate.container import find_truncation

SILENCE_PEAK = 1e-4  # of full scale (-80 dBFS): samples that differ by less are silence
DECODE_FRAMES = 1 << 20  # samples decoded at once
BATCH_SIZE = 32  # files sent to a process at once
MAX_HEADER_FRAMES = 1 << 40  # what libsndfile says where the header does not
_ARK_OFFSET = re.compile(r"(.+):(\d+)")
Entry = tuple[int, str, str]  # line number, id, and what follows it in wav.scp


class AudioCheck(NamedTuple):
    """How to check a file: `fs` in Hz or None, decode it or not, run pipes or not."""

    fs: int | None = None
    is_full: bool = False
    run_pipes: bool = False


@dataclass(frozen=True)
class AudioInfo:
    """What was found in one file.

    Attributes:
        fs: Sample rate in Hz, 0 if not known.
        num_samples: Length, None if not known.
        is_exact: The length is counted or from a format that counts exactly.
        is_pipe: The entry is a command that was not run.
        problem: Kind of finding and what was found.
    """

    fs: int = 0
    num_samples: int | None = None
    is_exact: bool = False
    is_pipe: bool = False
    problem: tuple[str, str] | None = None


class AudioError(Exception):
    """Carries kind and text of a finding out of a decoder."""


def check_audio(
    entries: Iterable[Entry], check: AudioCheck, nj: int
) -> Iterator[tuple[Entry, AudioInfo]]:
    """Check many files, in processes of their own where `nj` is above 1.

    Yields:
        Entry and result, in the order of the entries.

    Raises:
        ValueError: A decoder took its process down.
    """
    if nj == 1:
        yield from ((entry, check_entry(entry[2], check)) for entry in entries)
        return
    entries = iter(entries)
    waiting: deque[tuple[list[Entry], Future[list[AudioInfo]]]] = deque()
    context = multiprocessing.get_context("forkserver")  # a fork may hang with threads
    with ProcessPoolExecutor(nj, context) as pool:
        while True:
            while len(waiting) < 2 * nj:
                if not (batch := list(itertools.islice(entries, BATCH_SIZE))):
                    break
                rests = [entry[2] for entry in batch]
                waiting.append((batch, pool.submit(_check_batch, rests, check)))
            if not waiting:
                return
            batch, future = waiting.popleft()
            try:
                yield from zip(batch, future.result(), strict=True)
            except BrokenExecutor:
                raise ValueError(
                    f"a decoder crashed near {batch[0][1]} .. {batch[-1][1]}; find the "
                    "file with --nj 1 and remove it"
                ) from None


def _check_batch(rests: list[str], check: AudioCheck) -> list[AudioInfo]:
    return [check_entry(rest, check) for rest in rests]


def check_entry(rest: str, check: AudioCheck) -> AudioInfo:
    """Check one entry of wav.scp: a path, `command |` or `ark:offset`."""
    is_pipe = rest.endswith("|")
    if not rest or (is_pipe and not check.run_pipes):
        return AudioInfo(is_pipe=is_pipe)
    try:
        with _open_entry(rest) as stream:
            info = _check_stream(stream, check, rest)
    except AudioError as error:
        return AudioInfo(problem=error.args[0])
    if info.problem is None and info.num_samples == 0:
        return AudioInfo(info.fs, problem=("empty-audio", f"no samples in {rest}"))
    if info.problem is None and check.fs not in (None, info.fs):
        found = f"{info.fs} Hz, expected {check.fs} Hz"
        return AudioInfo(info.fs, info.num_samples, problem=("wrong-rate", found))
    return info


def _fail(kind: str, found: str) -> AudioError:
    return AudioError((kind, found))


def _open_entry(rest: str) -> BinaryIO:
    if rest.endswith("|"):
        return _run_pipe(rest[:-1].strip())
    path = Path(rest)
    in_ark = _ARK_OFFSET.fullmatch(rest)
    if in_ark and not path.exists():
        return _open_ark(Path(in_ark.group(1)), int(in_ark.group(2)))
    return _open_path(path)


def _open_path(path: Path) -> BinaryIO:
    try:
        if os.stat(path).st_size == 0:
            raise _fail("empty-audio", f"0 bytes in {path}")
        return open(path, "rb")
    except OSError as error:
        kind = "missing-audio" if not path.exists() else "unreadable-audio"
        raise _fail(kind, f"{path}: {error.strerror}") from None


def _run_pipe(command: str) -> BinaryIO:
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        found = f"`{command}` ended with status {done.returncode}: {last}"
        raise _fail("unreadable-audio", found)
    if not done.stdout:
        raise _fail("empty-audio", f"`{command}` wrote nothing")
    return io.BytesIO(done.stdout)


def _open_ark(path: Path, offset: int) -> BinaryIO:
    """Read the audio at an offset of a Kaldi archive, as kaldiio writes it."""
    with _open_path(path) as stream:
        stream.seek(offset)
        magic = stream.read(8)
        length = None
        if magic[:5] == b"AUDIO" and len(magic) > 5:  # then the length, then a file
            stream.seek(offset + 6)
            length = int.from_bytes(stream.read(magic[5]), "little")
        elif magic[:4] == b"RIFF":
            length = 8 + int.from_bytes(magic[4:8], "little")
            stream.seek(offset)
        elif magic[:4] == b"fLaC":
            stream.seek(offset)
        else:
            found = f"no audio at byte {offset} of {path}"
            raise _fail("truncated-audio" if not magic else "unreadable-audio", found)
        data = stream.read() if length is None else stream.read(length)
    if length is not None and len(data) < length and magic[:4] != b"RIFF":
        found = f"{len(data)} of {length} bytes at byte {offset} of {path}"
        raise _fail("truncated-audio", found)
    return io.BytesIO(data)


def _check_stream(stream: BinaryIO, check: AudioCheck, name: str) -> AudioInfo:
    if cut := find_truncation(stream, walk=check.is_full):
        raise _fail("truncated-audio", f"{cut}, in {name}")
    import soundfile

    try:
        with _open_sound(stream) as file:
            if not check.is_full and _is_whole_by_header(file):
                return _read_header(file)
        with _open_sound(stream) as file:  # anew: seeking may have failed
            return _decode(file, name)
    except soundfile.LibsndfileError as error:
        return _check_av(stream, check, f"{name}: {error.error_string}")


def _open_sound(stream: BinaryIO) -> Any:
    import soundfile

    stream.seek(0)  # by name where there is one: callbacks into Python are slower
    return soundfile.SoundFile(getattr(stream, "name", stream))


def _read_header(file: Any) -> AudioInfo:
    num_samples = file.frames if file.frames < MAX_HEADER_FRAMES else None
    return AudioInfo(file.samplerate, num_samples, file.format != "MP3")


def _is_whole_by_header(file: Any) -> bool:
    """Read the last sample where the container does not tell the end of the file."""
    import soundfile

    if file.format != "FLAC":
        return True
    if not 0 < file.frames < MAX_HEADER_FRAMES:
        return False
    try:
        file.seek(file.frames - 1)
        return len(file.read(1)) == 1
    except soundfile.LibsndfileError:
        return False


def _decode(file: Any, name: str) -> AudioInfo:
    """Decode all of an open file: is it whole, finite, and not silence?"""
    import soundfile

    levels, num_samples = _Levels(), 0
    try:
        while len(samples := file.read(DECODE_FRAMES, "float32")):
            num_samples += len(samples)
            levels.add(samples)
    except soundfile.LibsndfileError:
        where = f"between samples {num_samples} and {num_samples + DECODE_FRAMES}"
        raise _fail("truncated-audio", f"decoding stops {where}, in {name}") from None
    is_exact = file.format != "MP3"  # whose header, or libsndfile for it, may guess
    if is_exact and num_samples < file.frames < MAX_HEADER_FRAMES:
        found = f"{num_samples} of {file.frames} samples, in {name}"
        raise _fail("truncated-audio", found)
    problem = levels.problem(name)
    return AudioInfo(file.samplerate, num_samples, is_exact, problem=problem)


class _Levels:
    """Lowest and highest sample, and how many are no finite number."""

    def __init__(self) -> None:
        self.low, self.high, self.num_bad = math.inf, -math.inf, 0

    def add(self, samples: Any) -> None:
        """Take samples into account, an array of any shape."""
        import numpy as np

        low, high = float(samples.min()), float(samples.max())
        if math.isfinite(low) and math.isfinite(high):
            self.low, self.high = min(self.low, low), max(self.high, high)
        else:
            self.num_bad += int(samples.size - np.isfinite(samples).sum())

    def problem(self, name: str) -> tuple[str, str] | None:
        """Return the finding about the samples so far."""
        if self.num_bad:
            return "nan-audio", f"{self.num_bad} samples are not finite, in {name}"
        if 0 <= self.high - self.low < SILENCE_PEAK:
            return "silent-audio", f"only silence in {name}"
        return None


def _check_av(stream: BinaryIO, check: AudioCheck, failure: str) -> AudioInfo:
    """Check a file libsndfile cannot read with PyAV (MP4, Matroska, AMR, WMA ...)."""
    import av

    from hamzaban.audio.reader import open_media

    stream.seek(0)
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    try:
        with open_media(stream) as container:
            if not container.streams.audio:
                raise _fail("unreadable-audio", f"no audio stream; {failure}")
            return _read_av(container, check, failure)
    except (av.error.FFmpegError, EOFError):
        raise _fail("unreadable-audio", failure) from None


def _read_av(container: Any, check: AudioCheck, failure: str) -> AudioInfo:
    import av

    fs = (stream := container.streams.audio[0]).rate
    expected = None if container.duration is None else container.duration * fs // 10**6
    if not check.is_full:
        return AudioInfo(fs, expected)
    levels, num_samples = _Levels(), 0
    try:
        for frame in container.decode(stream):
            samples = frame.to_ndarray()
            if samples.dtype.kind != "f":  # integers: to full scale 1
                samples = samples / float(1 << (8 * samples.dtype.itemsize - 1))
            num_samples += frame.samples
            levels.add(samples)
    except av.error.FFmpegError as error:
        found = f"decoding stops after {num_samples} samples ({error.strerror})"
        raise _fail("truncated-audio", f"{found}; {failure}") from None
    if expected is not None and num_samples < expected - fs // 5:  # 0.2 s of padding
        raise _fail("truncated-audio", f"{num_samples} of {expected} samples")
    return AudioInfo(fs, num_samples, problem=levels.problem(failure))
