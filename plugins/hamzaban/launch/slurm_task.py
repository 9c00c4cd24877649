"""A job on a node of Slurm: run the command, pass signals on, record how it ended.

submitit pickles a `Task`, calls it on each node of the job, and calls `checkpoint` when
the time limit or preemption comes near.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import FrameType
from typing import Any

from hamzaban.fileio import atomic_text
from hamzaban.launch.backends import Job, Resources, job_environment
from hamzaban.launch.local import exit_status
from hamzaban.launch.logs import now
from hamzaban.processes import die_with_parent

POLL_S = 0.2
ENDING_S = 900.0  # an ended command waits so long for Slurm to end or requeue its job


class CommandError(ChildProcessError):
    """The command has failed; srun then ends the job on all nodes."""


def rank_log(log: Path, rank: int) -> Path:
    """Return the log of a node of a job: train.log, train.rank1.log, ..."""
    return log if rank == 0 else log.with_name(f"{log.stem}.rank{rank}{log.suffix}")


def status_path(folder: Path, job_id: str, rank: int) -> Path:
    """Return the file that says how the command of a job ended on one node."""
    return folder / f"{job_id}.{rank}.status"


class Task:
    """A command to run on each node of a job of Slurm."""

    def __init__(self, job: Job, resources: Resources, folder: Path, grace_s: float):
        """Keep what the node needs to know.

        Args:
            job: The job; its log lies on storage that all nodes share.
            resources: Of the job.
            folder: Where the statuses are written, shared as well.
            grace_s: Time that the command has to end after a signal.
        """
        self.job = Job(job.number, job.command, job.log.absolute())
        self.resources, self.folder, self.grace_s = resources, folder, grace_s
        self.cwd = Path.cwd()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_asked = False  # to end, by Slurm or by scancel

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the process, for submitit."""
        return {**self.__dict__, "_process": None, "_is_asked": False}

    def __call__(self) -> int:
        """Run the command; return its status, which is 0.

        Raises:
            CommandError: It is another one.
        """
        from submitit import JobEnvironment

        environment = JobEnvironment()
        rank = environment.global_rank
        self._heed_signals(rank)
        log = rank_log(self.job.log, rank)
        started = time.monotonic()
        with open(log, "ab") as stream:
            words = f"on {socket.gethostname()}, Slurm job {environment.job_id}"
            if rank:
                words += f", rank {rank}: {shlex.join(self.job.command)}"
            stream.write(f"# {now()} {words}\n".encode())
            stream.flush()
            status = self._run(stream, log)
        if self._is_asked:  # Slurm, and not this status, says what becomes of the job
            time.sleep(ENDING_S)
        elapsed_s = time.monotonic() - started
        with atomic_text(status_path(self.folder, environment.job_id, rank)) as text:
            json.dump({"status": status, "elapsed_s": round(elapsed_s, 1)}, text)
        if rank:
            with open(log, "a", encoding="utf-8") as text:
                text.write(f"# {now()} ended with status {status}\n")
        if status:
            raise CommandError(f"{self.job.command[0]} ended with status {status}")
        return status

    def checkpoint(self) -> Any:
        """End the command, which may save its state, so that the job is requeued.

        Returns:
            The task, to be run again.
        """
        from submitit.helpers import DelayedSubmission

        self._is_asked = True
        self._signal(signal.SIGUSR2)
        limit = time.monotonic() + self.grace_s
        while not self._has_ended():
            if time.monotonic() > limit:
                self._signal(signal.SIGKILL)
                break
            time.sleep(POLL_S)
        with open(self.job.log, "a", encoding="utf-8") as log:
            log.write(f"# {now()} ended for the limit or preemption, to be resumed\n")
        return DelayedSubmission(self)

    def _run(self, stream: Any, log: Path) -> int:
        own = Job(self.job.number, self.job.command, log)
        try:
            self._process = subprocess.Popen(
                self.job.command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=job_environment(own, self.resources),
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            stream.write(f"{self.job.command[0]}: {error.strerror}\n".encode())
            return 127
        while self._process.poll() is None:
            time.sleep(POLL_S)
        return exit_status(self._process.returncode)

    def _heed_signals(self, rank: int) -> None:
        """Note what Slurm asks for; submitit handles SIGUSR2 on the first node."""

        def end(number: int, _: FrameType | None) -> None:
            self._is_asked = True
            self._signal(number)

        signal.signal(signal.SIGTERM, end)
        if rank:
            signal.signal(signal.SIGUSR2, end)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except (ProcessLookupError, PermissionError):
                return

    def _has_ended(self) -> bool:
        """Return whether the command has ended, which `__call__` is left to notice."""
        if self._process is None or self._process.returncode is not None:
            return True
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self._process.pid, how) is not None
        except ChildProcessError:
            return True
