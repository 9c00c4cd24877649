"""Read how long recordings are."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hamzaban.processes import run_on_processes

FILES_AT_ONCE = 64  # number of files that a process gets at once


class Timed(NamedTuple):
    """A recording's path and its duration in seconds; 0 where it cannot be read."""

    path: str
    duration_s: float


def read_duration(path: str) -> Timed:
    """Read the duration of one file."""
    from hamzaban.audio.reader import measure_audio
    from hamzaban.audio.source import UnreadableError

    try:
        return Timed(path, measure_audio(path).duration_s)
    except UnreadableError:
        return Timed(path, 0.0)


def read_durations(paths: Iterable[str], nj: int) -> Iterator[Timed]:
    """Yield the durations of files, read by `nj` processes, in any order."""
    yield from run_on_processes(read_duration, paths, nj, batch_size=FILES_AT_ONCE)
