"""The interface of a back end, and the back ends by name.

A back end starts one job at a time and reports its state; `hamzaban.launch.jobs` does
everything else: numbering, logs, how many at once, failures, interrupts. A new back end
is a class with `submit` and `max_jobs`, and a line in BACKENDS. It passes
`job_environment` on to the job.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from hamzaban.progress import VARIABLE, progress_path

BACKENDS = {
    "local": "hamzaban.launch.local:LocalBackend",
    "slurm": "hamzaban.launch.slurm:SlurmBackend",
}


@dataclass(frozen=True)
class Job:
    """A command to run, whose output goes to one log.

    Attributes:
        number: 1 for the first job.
        command: The words of the command; no shell reads them.
        log: File to which standard output and error are appended.
    """

    number: int
    command: tuple[str, ...]
    log: Path


@dataclass(frozen=True)
class Resources:
    """The resources of each job.

    Attributes:
        num_threads: CPU threads, also set as OMP_NUM_THREADS; None leaves it unset.
        ngpu: GPUs on each node.
        num_nodes: Machines.
        num_cpus: CPU cores to ask a scheduler for, if not as many as threads.
    """

    num_threads: int | None = None
    ngpu: int = 0
    num_nodes: int = 1
    num_cpus: int | None = None


def job_environment(job: Job, resources: Resources) -> dict[str, str]:
    """Return the environment of a job: ours, with its threads and progress file."""
    environment = {**os.environ, VARIABLE: str(progress_path(job.log).absolute())}
    if resources.num_threads is not None:
        environment["OMP_NUM_THREADS"] = str(resources.num_threads)
    return environment


class Handle(Protocol):
    """A job that was submitted."""

    def poll(self) -> int | None:
        """Return the exit status (128 + number after a signal); None while it runs."""

    def cancel(self) -> None:
        """Ask the job and all that it started to end; return at once."""

    def kill(self) -> None:
        """End the job and all that it started by force; return when it has ended."""


class Backend(Protocol):
    """A place where jobs run."""

    def max_jobs(self, resources: Resources) -> int:
        """Return how many jobs with these resources run well at once, at least 1.

        Raises:
            ValueError: Not even one such job can run here.
        """

    def submit(self, job: Job, resources: Resources) -> Handle:
        """Start a job, or put it in a queue."""


@runtime_checkable
class QueueBackend(Backend, Protocol):
    """A scheduler, which takes many jobs at once and keeps them if we end."""

    max_array: int  # most jobs that `submit_array` takes

    def find(
        self, jobs: Sequence[Job], wanted: Sequence[Job], home: Path | None = None
    ) -> dict[Job, Handle]:
        """Return the wanted jobs that an earlier launch left in the queue, or that have
        succeeded since. It was a launch of all these jobs, or one of the same home.
        """

    def submit_array(
        self, jobs: Sequence[Job], resources: Resources, max_jobs: int
    ) -> list[Handle]:
        """Put jobs into the queue, of which at most `max_jobs` run at once."""

    def forget(self) -> None:
        """Remove the record of the jobs, all of which have succeeded."""


def get_backend(name: str, conf: Mapping[str, str] | None = None) -> Backend:
    """Return the back end with a name.

    Args:
        name: A key of BACKENDS.
        conf: Settings of that back end, such as a Slurm partition.

    Raises:
        ValueError: The name, or a setting, is unknown.
    """
    if name not in BACKENDS:
        raise ValueError(
            f"back end '{name}' is unknown; known: {', '.join(sorted(BACKENDS))}"
        )
    module, _, attribute = BACKENDS[name].partition(":")
    backend: Backend = getattr(importlib.import_module(module), attribute)(**conf or {})
    return backend
