"""Run numbered jobs of a command, each with a log; end them all on an interrupt."""

import contextlib
import logging
import os
import re
import shlex
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType

from hamzaban.launch.backends import Backend, Handle, Job, Resources, get_backend
from hamzaban.launch.console import Console
from hamzaban.progress import progress_path

# Stands for the number of the job in the command and in the name of the log.
JOB_WORD = re.compile(r"(?<![A-Za-z])JOB(?![A-Za-z])")
LAST_LINES = 10  # lines of a failed job's log that are shown
KEPT_LOGS = 9  # logs of earlier runs; train.log.1 is the last one
GRACE_S = 10.0  # time between SIGTERM and SIGKILL
LONGEST_POLL_S = 0.5


class JobError(ChildProcessError):
    """The first job that failed; `status` is its exit status."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the message for the user and the exit status of the job."""
        super().__init__(message)
        self.status = status


def run_jobs(
    command: Sequence[str],
    log: str | Path,
    *,
    nj: int = 1,
    max_jobs: int | None = None,
    resources: Resources | None = None,
    backend: str = "local",
    backend_conf: Mapping[str, str] | None = None,
) -> None:
    """Run `nj` jobs and return when all have succeeded.

    After the first failure, or an interrupt, no other job is started and the running
    ones are ended. The last lines of the failed job's log are logged.

    Args:
        command: The words of the command; JOB in any of them becomes 1..nj.
        log: The log of a job, with JOB in its name if nj > 1. A log of an earlier run
            is kept as `<log>.1`.
        nj: Number of jobs, at least 1.
        max_jobs: Most jobs at once; None leaves it to the back end.
        resources: Threads, GPUs and machines of each job.
        backend: Where jobs run: a key of `backends.BACKENDS`.
        backend_conf: Settings of the back end.

    Raises:
        ValueError: An argument is wrong.
        JobError: A job failed.
    """
    run_each(
        make_jobs(command, log, nj),
        max_jobs=max_jobs,
        resources=resources,
        backend=backend,
        backend_conf=backend_conf,
    )


def run_each(
    jobs: Sequence[Job],
    *,
    max_jobs: int | None = None,
    resources: Resources | None = None,
    backend: str = "local",
    backend_conf: Mapping[str, str] | None = None,
    on_end: Callable[[Job, int], None] | None = None,
) -> None:
    """Run jobs, each with a command and a log of its own; see `run_jobs`.

    Args:
        jobs: The jobs, at least one.
        max_jobs, resources, backend, backend_conf: As for `run_jobs`.
        on_end: Called with each job that has ended, and its exit status. With it, a
            failed job does not stop the others, and is not an error.

    Raises:
        ValueError: An argument is wrong.
        JobError: A job failed, and there is no `on_end`.
    """
    resources = resources or Resources()
    chosen = get_backend(backend, backend_conf)
    if max_jobs is not None and max_jobs < 1:
        raise ValueError(f"max_jobs is {max_jobs}; it must be at least 1")
    limit = min(len(jobs), chosen.max_jobs(resources), max_jobs or len(jobs))
    for job in jobs:
        _start_log(job)
    with _signals_interrupt():
        _Run(chosen, resources, len(jobs), on_end).run(deque(jobs), limit)


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


class _Run:
    """The running jobs of one call of `run_each`."""

    def __init__(
        self,
        backend: Backend,
        resources: Resources,
        nj: int,
        on_end: Callable[[Job, int], None] | None,
    ) -> None:
        self._backend = backend
        self._resources = resources
        self._nj = nj
        self._on_end = on_end
        self._running: dict[Job, tuple[Handle, float]] = {}
        self._num_ended = 0
        self._console = Console(nj)

    def run(self, waiting: deque[Job], limit: int) -> None:
        pause_s = 0.01
        try:
            while waiting or self._running:
                while waiting and len(self._running) < limit:
                    self._submit(waiting.popleft())
                if self._collect():
                    pause_s = 0.01
                elif self._running:
                    self._console.show(self._running, self._num_ended)
                    time.sleep(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_POLL_S)
        except BaseException:
            self._end_all()
            raise
        finally:
            self._console.clear()

    def _submit(self, job: Job) -> None:
        try:
            handle = self._backend.submit(job, self._resources)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{job.command[0]}: no such command") from error
        self._running[job] = (handle, time.monotonic())

    def _collect(self) -> bool:
        """Finish the jobs that have ended; return whether there were any."""
        ended = 0
        for job, (handle, started) in list(self._running.items()):
            status = handle.poll()
            if status is None:
                continue
            ended += 1
            del self._running[job]
            self._console.clear()
            if status != 0 and self._on_end is None:
                self._fail(job, status, time.monotonic() - started)
            _end_log(job, status, time.monotonic() - started)
            if self._on_end is not None:
                self._on_end(job, status)
        self._num_ended += ended
        return ended > 0

    def _fail(self, job: Job, status: int, elapsed_s: float) -> None:
        lines = last_lines(job.log, LAST_LINES)
        _end_log(job, status, elapsed_s)
        shown = "".join(f"\n  | {line}" for line in lines)
        logging.error("%s ends with%s", job.log, shown or " no line")
        raise JobError(
            f"job {job.number} of {self._nj} ended with status {status}"
            f" after {elapsed_s:.0f} s; see {job.log}",
            status,
        )

    def _end_all(self) -> None:
        handles = [handle for handle, _ in self._running.values()]
        try:
            for handle in handles:
                handle.cancel()
            limit = time.monotonic() + GRACE_S
            while any(handle.poll() is None for handle in handles):
                if time.monotonic() > limit:
                    break
                time.sleep(0.02)
        finally:
            for job, (handle, started) in self._running.items():
                handle.kill()
                _end_log(job, handle.poll() or 0, time.monotonic() - started)


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


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a text file that are not blank, without line ends."""
    with open(path, "rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 1000 * count))
        text = stream.read().decode("utf-8", errors="replace")
    lines = [line.rpartition("\r")[2] for line in text.split("\n")]
    return [line for line in lines if line.strip()][-count:]


def _start_log(job: Job) -> None:
    """Rename the logs of earlier runs and start a new one."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    progress_path(job.log).unlink(missing_ok=True)
    if job.log.exists():
        for age in range(KEPT_LOGS - 1, 0, -1):
            older = Path(f"{job.log}.{age}")
            if older.exists():
                older.replace(f"{job.log}.{age + 1}")
        job.log.replace(f"{job.log}.1")
    header = f"# {shlex.join(job.command)}\n# {_now()} on {socket.gethostname()}\n"
    job.log.write_text(header, encoding="utf-8")


def _end_log(job: Job, status: int, elapsed_s: float) -> None:
    progress_path(job.log).unlink(missing_ok=True)
    with open(job.log, "a", encoding="utf-8") as log:
        log.write(f"# {_now()} ended with status {status} after {elapsed_s:.1f} s\n")


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
