"""The jobs of one launch on Slurm: their handles, their folder and their record."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_text, read_record
from hamzaban.launch.backends import Job
from hamzaban.launch.logs import STEP_VARIABLE, is_complete, last_lines
from hamzaban.launch.slurm_queue import (
    ACTIVE,
    REMEDIES,
    Watch,
    ask,
    find_named,
    is_busy,
    list_jobs,
)
from hamzaban.launch.slurm_task import rank_log

FOLDER = ".slurm"
RECORD = "record.json"
NEW_S = 600.0  # a folder as young may belong to a launch that has just begun
LEAVING_S = 10.0  # a job whose command has ended leaves the queue within this time


class SlurmHandle:
    """A job in Slurm's queue, or one that has left it.

    Attributes:
        log: The log of the node that failed first, or of the first node.
    """

    def __init__(self, job: Job, job_id: str, watch: Watch) -> None:
        """Keep the id, such as 12_3 for a task of an array."""
        self.job, self.job_id, self.log = job, job_id, job.log
        self._watch = watch
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status; None while the job waits or runs."""
        if self._status is None:
            found = self._watch.poll(self.job_id)
            if found is not None:
                self._status, rank = found
                self.log = rank_log(self.job.log, max(rank, 0))
                if rank < 0:
                    self._explain()
        return self._status

    def cancel(self) -> None:
        """Ask Slurm to end the job; with it all jobs of the same array."""
        array = self.job_id.partition("_")[0]
        if array not in self._watch.cancelled:
            self._watch.cancelled.add(array)
            ask("scancel", array)
            # Whoever runs the jobs again shall not wait for these.
            (self._watch.folder / RECORD).unlink(missing_ok=True)

    def kill(self) -> None:
        """Leave it to Slurm, which kills a cancelled job after its KillWait."""
        self.cancel()
        if self._status is None:
            self._status = 143

    def _explain(self) -> None:
        """Write into the log why a job left the queue without a word."""
        state = self._watch.state(self.job_id)
        remedy = REMEDIES.get(state)
        folder = self._watch.folder
        out, err = (folder / f"{self.job_id}_0_log.{end}" for end in ("out", "err"))
        lines = last_lines(err, 3) if err.exists() else []
        if remedy is None and not out.exists() and not err.exists():
            remedy = (
                f"it could not write to {folder}; keep the recipe and the environment "
                "on storage that all nodes share, and see `scontrol show job "
                f"{self.job_id}` for the node"
            )
        elif remedy is None:
            remedy = f"see {err}"
        else:
            remedy += f" (in {self._watch.config})" if "_" in remedy else ""
        with open(self.job.log, "a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in lines)
            words = f"Slurm job {self.job_id} ended in state {state or 'unknown'}"
            log.write(f"{words}; {remedy}\n")


def digest_of(job: Job) -> str:
    """Return a digest of the command and the log of a job."""
    return _hash([list(job.command), str(job.log)])


def _hash(what: Any) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


class Launch:
    """The jobs of one launch, their folder and their record."""

    def __init__(self, jobs: Sequence[Job], config: str, home: Path | None) -> None:
        """Read the record, if an earlier launch left one.

        Args:
            jobs: All jobs, which name the record, if there is no `home`.
            config: The config that messages name.
            home: A folder whose launches all have one record, whatever their jobs.
        """
        self.step = os.environ.get(STEP_VARIABLE)
        log = (home / "jobs" if home else jobs[0].log).absolute()
        own = [] if home else [digest_of(job) for job in jobs]
        digest = _hash([str(Path.cwd()), self.step, str(log), own])
        self.folder = log.parent / FOLDER / digest
        self.name = f"hz-{log.stem[:40]}-{digest}"
        self.watch = Watch(self.folder, config)
        found = read_record(self.folder / RECORD) or {}
        self.arrays: list[dict[str, Any]] = found.get("arrays", [])

    def find(self, wanted: Sequence[Job]) -> dict[Job, SlurmHandle]:
        """Return the jobs of the record that run, wait, or succeeded unnoticed.

        Raises:
            ValueError: Slurm does not answer, so that jobs might be submitted twice.
        """
        for number, array in enumerate(self.arrays):
            if array["id"] is None:  # we died while it was submitted
                array["id"] = find_named(f"{self.name}-{number}")
        ids = {
            digest: array["id"] + (f"_{index}" if len(array["jobs"]) > 1 else "")
            for array in self.arrays
            if array["id"] is not None
            for index, digest in enumerate(array["jobs"])
        }  # a later array replaces an earlier one
        known = {job: ids[digest_of(job)] for job in wanted if digest_of(job) in ids}
        if not known:
            return {}
        seen = list_jobs(array["id"] for array in self.arrays if array["id"])
        if seen is None:
            raise ValueError(
                f"{self.folder / RECORD} names jobs of Slurm, but squeue does not "
                "answer; run it again when the cluster does"
            )
        handles = {}
        for job, job_id in known.items():
            ended = self.watch.read_status(job_id)
            is_active = job_id in seen and seen[job_id].state in ACTIVE
            is_news = ended == (0, 0) and not is_complete(job, self.step)
            if is_news if ended else is_active:
                self.watch.expect([job_id])
                handles[job] = SlurmHandle(job, job_id, self.watch)
        return handles

    def announce(self, jobs: Sequence[Job]) -> str:
        """Record jobs to be submitted now; return the name of their array."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_old()
        digests = [digest_of(job) for job in jobs]
        when = datetime.now().isoformat(timespec="seconds")
        self.arrays.append({"id": None, "jobs": digests, "submitted": when})
        self._write()
        return f"{self.name}-{len(self.arrays) - 1}"

    def record(self, job_id: str) -> None:
        """Record the id of the array that was announced."""
        self.arrays[-1]["id"] = job_id
        self._write()

    def forget(self) -> None:
        """Remove the record, and the folder once the jobs have left the queue."""
        (self.folder / RECORD).unlink(missing_ok=True)
        limit = time.monotonic() + LEAVING_S
        while self.watch.ids and is_busy(self.watch.ids):
            if time.monotonic() > limit:
                return  # the next launch removes it
            time.sleep(0.5)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_old(self) -> None:
        """Remove the folders of earlier launches that have succeeded."""
        for folder in self.folder.parent.iterdir():
            is_new = time.time() - folder.stat().st_mtime < NEW_S
            if not (folder / RECORD).exists() and not is_new:
                shutil.rmtree(folder, ignore_errors=True)

    def _write(self) -> None:
        with atomic_text(self.folder / RECORD) as text:
            json.dump({"name": self.name, "arrays": self.arrays}, text, indent=1)
            text.write("\n")
