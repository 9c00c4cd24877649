"""Run numbered jobs of a command, each with a log; end them all on an interrupt."""

import contextlib
import re
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from hamzaban.launch.backends import Job, Resources, get_backend
from hamzaban.launch.logs import start_log
from hamzaban.launch.running import JobError, Run

__all__ = ["JobError", "Place", "make_jobs", "run_each", "run_jobs"]

# Stands for the number of the job in the command and in the name of the log.
JOB_WORD = re.compile(r"(?<![A-Za-z])JOB(?![A-Za-z])")


@dataclass(frozen=True)
class Place:
    """Where jobs run, and how many at once.

    Attributes:
        resources: Threads, GPUs and machines of each job.
        max_jobs: Most jobs at once; None leaves it to the back end.
        backend: A key of `backends.BACKENDS`.
        backend_conf: Settings of the back end.
    """

    resources: Resources = field(default_factory=Resources)
    max_jobs: int | None = None
    backend: str = "local"
    backend_conf: Mapping[str, str] = field(default_factory=dict)


def run_jobs(
    command: Sequence[str],
    log: str | Path,
    *,
    nj: int = 1,
    place: Place | None = None,
    retry: bool = False,
) -> None:
    """Run `nj` jobs and return when all have succeeded; see `run_each`.

    Args:
        command: The words of the command; JOB in any of them becomes 1..nj.
        log: The log of a job, with JOB in its name if nj > 1. A log of an earlier run
            is kept as `<log>.1`.
        nj: Number of jobs, at least 1.
        place: Where they run; None: on this machine.
        retry: As for `run_each`.

    Raises:
        ValueError: An argument is wrong.
        JobError: A job failed.
    """
    run_each(make_jobs(command, log, nj), place=place, retry=retry)


def run_each(
    jobs: Sequence[Job],
    *,
    place: Place | None = None,
    retry: bool = False,
    home: Path | None = None,
    on_end: Callable[[Job, int], None] | None = None,
) -> None:
    """Run jobs, each with a command and a log of its own.

    On this machine, no other job is started after the first failure, and the running
    ones are ended. In a queue, the others go on. The last lines of the log of the first
    failed job are logged. An interrupt ends all jobs.

    Args:
        jobs: The jobs, at least one.
        place: Where they run; None: on this machine.
        retry: Leave out the jobs whose logs say that they have succeeded. The jobs of a
            step that is resumed are always left out then.
        home: A folder by which a queue knows jobs of earlier launches again, if each
            launch may have others; None: launches of the same jobs belong together.
        on_end: Called with each job that has ended, and its exit status. With it, a
            failed job does not stop the others, and is not an error.

    Raises:
        ValueError: An argument is wrong.
        JobError: A job failed, and there is no `on_end`.
    """
    place = place or Place()
    chosen = get_backend(place.backend, place.backend_conf)
    most = place.max_jobs
    if most is not None and most < 1:
        raise ValueError(f"max_jobs is {most}; it must be at least 1")
    limit = min(len(jobs), chosen.max_jobs(place.resources), most or len(jobs))
    run = Run(chosen, place.resources, len(jobs), on_end)
    with _signals_interrupt():
        waiting = run.take_up(jobs, retry, home)
        for job in waiting:
            start_log(job)
        run.run(deque(waiting), limit)


def make_jobs(command: Sequence[str], log: str | Path, nj: int) -> list[Job]:
    """Return the numbered jobs of a command.

    Raises:
        ValueError: There is no command, nj is under 1, or many jobs share a log.
    """
    if not command:
        raise ValueError("there is no command to run; write it after --")
    if nj < 1:
        raise ValueError(f"nj is {nj}; it must be at least 1")
    if nj > 1 and not JOB_WORD.search(str(log)):
        raise ValueError(f"{log}: {nj} jobs need JOB in the name of the log")
    return [
        Job(
            number,
            tuple(JOB_WORD.sub(str(number), word) for word in command),
            Path(JOB_WORD.sub(str(number), str(log))),
        )
        for number in range(1, nj + 1)
    ]


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt, as SIGINT does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = [
        (asked, signal.signal(asked, interrupt))
        for asked in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(asked) is not signal.SIG_IGN  # nohup stays nohup
    ]
    try:
        yield
    finally:
        for asked, handler in before:
            signal.signal(asked, handler)
