"""The jobs of one launch while they run: start, watch, fail, end."""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from hamzaban.launch.backends import Backend, Handle, Job, QueueBackend, Resources
from hamzaban.launch.console import Console
from hamzaban.launch.logs import STEP_VARIABLE, end_log, is_complete, last_lines

LAST_LINES = 10  # lines of a failed job's log that are shown
GRACE_S = 10.0  # time between SIGTERM and SIGKILL
LONGEST_POLL_S = 0.5
MAX_SHOWN = 200  # jobs whose progress is read


class JobError(ChildProcessError):
    """The first job that failed; `status` is its exit status."""

    def __init__(self, message: str, status: int) -> None:
        """Keep the message for the user and the exit status of the job."""
        super().__init__(message)
        self.status = status


class Run:
    """The running jobs of one call of `run_each`."""

    def __init__(
        self,
        backend: Backend,
        resources: Resources,
        nj: int,
        on_end: Callable[[Job, int], None] | None,
    ) -> None:
        """Start without jobs.

        Args:
            backend: Where they run.
            resources: Of each job.
            nj: Number of jobs of the launch, complete ones included.
            on_end: As for `run_each`.
        """
        self._backend = backend
        self._queue = backend if isinstance(backend, QueueBackend) else None
        self._resources = resources
        self._nj = nj
        self._on_end = on_end
        self._running: dict[Job, tuple[Handle, float]] = {}
        self._num_ended = 0
        self._failed: list[JobError] = []
        self._console = Console(nj)

    def take_up(self, jobs: Sequence[Job], retry: bool, home: Path | None) -> list[Job]:
        """Return the jobs to be started: neither complete nor in a queue already.

        Args:
            jobs: All jobs of the launch.
            retry, home: As for `run_each`.
        """
        step = os.environ.get(STEP_VARIABLE)
        complete = set()
        if retry or step:
            complete = {job for job in jobs if is_complete(job, step)}
        if self._queue is not None:
            left = [job for job in jobs if job not in complete]
            found = self._queue.find(jobs, left, home)
            self._running = {job: (h, time.monotonic()) for job, h in found.items()}
        if complete:
            logging.info(
                "%d of %d jobs are complete; %d are to be run",
                len(complete), len(jobs), len(jobs) - len(complete),
            )  # fmt: skip
        self._num_ended = len(complete)
        for job in filter(complete.__contains__, jobs):
            if self._on_end is not None:
                self._on_end(job, 0)
        return [job for job in jobs if job not in complete and job not in self._running]

    def run(self, waiting: deque[Job], limit: int) -> None:
        """Run the jobs that wait, beside those that were taken up."""
        pause_s = 0.01
        try:
            while waiting or self._running:
                self._submit_some(waiting, limit)
                if self._collect():
                    pause_s = 0.01
                elif self._running:
                    some = dict(islice(self._running.items(), MAX_SHOWN))
                    self._console.show(some, self._num_ended)
                    time.sleep(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_POLL_S)
            self._raise_failed()
            if self._queue is not None:
                self._queue.forget()
        except BaseException as error:
            self._end_all(error)
            raise
        finally:
            self._console.clear()

    def _submit_some(self, waiting: deque[Job], limit: int) -> None:
        if self._queue is not None:  # it limits how many run at once
            if waiting and not self._running:
                count = min(len(waiting), self._queue.max_array)
                some = [waiting.popleft() for _ in range(count)]
                handles = self._queue.submit_array(some, self._resources, limit)
                started = time.monotonic()
                for job, handle in zip(some, handles, strict=True):
                    self._running[job] = (handle, started)
            return
        while waiting and len(self._running) < limit:
            job = waiting.popleft()
            try:
                handle = self._backend.submit(job, self._resources)
            except FileNotFoundError as error:
                name = job.command[0]
                raise FileNotFoundError(f"{name}: no such command") from error
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
            elapsed_s = time.monotonic() - started
            if status != 0 and self._on_end is None:
                self._fail(job, handle, status, elapsed_s)
            end_log(job, status, elapsed_s)
            if self._on_end is not None:
                self._on_end(job, status)
            elif status != 0 and self._queue is None:
                raise self._failed[0]
        self._num_ended += ended
        return ended > 0

    def _fail(self, job: Job, handle: Handle, status: int, elapsed_s: float) -> None:
        log = getattr(handle, "log", job.log)  # of the machine that failed first
        if not self._failed:
            lines = last_lines(log, LAST_LINES)
            shown = "".join(f"\n  | {line}" for line in lines)
            logging.error("%s ends with%s", log, shown or " no line")
        self._failed.append(
            JobError(
                f"job {job.number} of {self._nj} ended with status {status}"
                f" after {elapsed_s:.0f} s; see {log}",
                status,
            )
        )

    def _raise_failed(self) -> None:
        if len(self._failed) > 1:
            raise JobError(
                f"{len(self._failed)} of {self._nj} jobs failed; the first: "
                f"{self._failed[0]}; run-jobs --retry, or the stage, runs only these "
                "again",
                self._failed[0].status,
            )
        if self._failed:
            raise self._failed[0]

    def _end_all(self, error: BaseException) -> None:
        if self._queue is not None and str(error) == signal.SIGHUP.name:
            logging.warning("The connection ended; the jobs stay in the queue")
            return
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
                end_log(job, handle.poll() or 0, time.monotonic() - started)
