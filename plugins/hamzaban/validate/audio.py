"""Checks that open, and on request decode, the audio that wav.scp names."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from hamzaban.audio.source import UnreadableError, is_pipe
from hamzaban.processes import run_on_processes

SILENCE_PEAK = 1e-4  # of full scale (-80 dBFS); a smaller range of samples is silence
BATCH_SIZE = 32  # files sent to a process at once
Entry = tuple[int, str, str]  # line number, id, and what follows it in wav.scp


class AudioCheck(NamedTuple):
    """Required sample rate in Hz or None, and whether to decode and to run pipes."""

    fs: int | None = None
    is_full: bool = False
    allow_pipes: bool = False


@dataclass(frozen=True)
class AudioInfo:
    """What was found in one file.

    Attributes:
        fs: Sample rate in Hz, 0 if unknown.
        num_samples: Length, None if unknown.
        is_exact: Whether the length is exact.
        is_pipe: Whether the entry is a command that was not run.
        problem: Kind of finding and what was found.
        is_mended: Whether the header stated a wrong length, which was ignored.
    """

    fs: int = 0
    num_samples: int | None = None
    is_exact: bool = False
    is_pipe: bool = False
    problem: tuple[str, str] | None = None
    is_mended: bool = False


def check_audio(
    entries: Iterable[Entry], check: AudioCheck, nj: int
) -> Iterator[tuple[Entry, AudioInfo]]:
    """Check many files, in several processes if `nj` is above 1.

    Yields:
        Entry and result, in the order of the entries.

    Raises:
        ValueError: A decoder took its process down.
    """
    work = partial(_check_line, check)
    yield from run_on_processes(work, entries, nj, batch_size=BATCH_SIZE, in_order=True)


def _check_line(check: AudioCheck, entry: Entry) -> tuple[Entry, AudioInfo]:
    return entry, check_entry(entry[2], check)


def check_entry(rest: str, check: AudioCheck) -> AudioInfo:
    """Check one entry of wav.scp: a path, `command |` or `ark:offset`."""
    if not rest or (is_pipe(rest) and not check.allow_pipes):
        return AudioInfo(is_pipe=is_pipe(rest))
    try:
        info = _decode(rest, check) if check.is_full else _measure(rest, check)
    except UnreadableError as error:
        return AudioInfo(problem=(f"{error.reason}-audio", str(error)))
    if info.problem is None and info.num_samples == 0:
        return AudioInfo(info.fs, problem=("empty-audio", f"no samples in {rest}"))
    if info.problem is None and check.fs not in (None, info.fs):
        found = f"{info.fs} Hz, expected {check.fs} Hz"
        return AudioInfo(info.fs, info.num_samples, problem=("wrong-rate", found))
    return info


def _measure(rest: str, check: AudioCheck) -> AudioInfo:
    from hamzaban.audio.reader import measure_audio

    length = measure_audio(rest, allow_pipes=check.allow_pipes)
    return AudioInfo(*length[:3], is_mended=length.is_mended)


def _decode(rest: str, check: AudioCheck) -> AudioInfo:
    """Decode a file and check that it is complete, finite and not silent."""
    from hamzaban.audio.reader import open_audio

    levels, num_samples = _Levels(), 0
    with open_audio(rest, allow_pipes=check.allow_pipes) as stream:
        for block in stream.blocks:  # (num_samples, num_channels)
            num_samples += len(block)
            levels.add(block)
        is_mended = stream.is_mended
    problem = levels.problem(rest)
    return AudioInfo(stream.fs, num_samples, True, problem=problem, is_mended=is_mended)


class _Levels:
    """Lowest and highest sample, and the number of samples that are not finite."""

    def __init__(self) -> None:
        self.low, self.high, self.num_bad = math.inf, -math.inf, 0

    def add(self, samples: Any) -> None:
        """Add samples, an array of any shape."""
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
