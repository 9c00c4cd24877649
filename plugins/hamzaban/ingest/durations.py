"""How long recordings are, by their headers."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hamzaban.processes import run_on_processes

FILES_AT_ONCE = 64  # a process


class Timed(NamedTuple):
    """A recording's path and its duration in seconds; 0 where it cannot be read."""

    path: str
    duration_s: float


def read_duration(path: str) -> Timed:
    """Read the duration of one file from its header."""
    import soundfile

    try:
        return Timed(path, soundfile.info(path).duration)
    except (soundfile.LibsndfileError, RuntimeError):
        return Timed(path, _read_media_duration(path))


def _read_media_duration(path: str) -> float:
    import av

    from hamzaban.audio.reader import open_media

    try:
        with open_media(path) as container:
            return (container.duration or 0) / 1_000_000
    except (av.error.FFmpegError, OSError):
        return 0.0


def read_durations(paths: Iterable[str], nj: int) -> Iterator[Timed]:
    """Read the durations of files on `nj` processes, in no certain order."""
    yield from run_on_processes(read_duration, paths, nj, batch_size=FILES_AT_ONCE)
