"""What Slurm says of our jobs, asked seldom, and what is wrong in words."""

import getpass
import json
import logging
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LOOK_EVERY_S = 2.0  # between two looks into the folder of statuses
ASK_EVERY_S = 5.0  # between two calls of squeue, at the least
END_EVERY_S = 1.0  # the same while cancelled jobs end
ACTIVE = frozenset(
    (
        "PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "REQUEUED",
        "REQUEUE_HOLD", "REQUEUE_FED", "RESIZING", "SIGNALING", "SPECIAL_EXIT",
        "STAGE_OUT", "STOPPED",
    )
)  # fmt: skip
STATUSES = {"CANCELLED": 143, "OUT_OF_MEMORY": 137, "TIMEOUT": 124}  # others: 1
REMEDIES = {
    "CANCELLED": "it was cancelled; run it again",
    "OUT_OF_MEMORY": "raise mem_gb",
    "TIMEOUT": "raise time_h, or lower the --save_interval of training",
    "NODE_FAIL": "the node failed; run it again",
}
# Reasons for which a job would wait for ever, and the options to change.
HOPELESS = {
    "BadConstraints": "constraint, or mem_gb, cpus and gpus, which no node has",
    "PartitionNodeLimit": "nodes",
    "PartitionTimeLimit": "time_h",
    "MaxMemPerLimit": "mem_gb",
    "MaxCpuPerAccount": "cpus",
    "InvalidAccount": "account",
    "InvalidQOS": "qos",
    "QOSMaxMemoryPerJob": "mem_gb",
    "QOSMaxMemoryPerNode": "mem_gb",
    "QOSMaxCpuPerJobLimit": "cpus",
    "QOSMaxGRESPerJob": "gpus",
    "QOSMaxNodePerJobLimit": "nodes",
    "QOSMaxWallDurationPerJobLimit": "time_h",
    "AssocMaxMemPerJob": "mem_gb",
    "AssocMaxCpuPerJobLimit": "cpus",
    "AssocMaxNodePerJobLimit": "nodes",
    "AssocMaxWallDurationPerJobLimit": "time_h",
}
# What sbatch says, and the option that it is about.
_REFUSALS = (
    ("partition", "partition"),
    ("account", "account"),
    ("qos", "qos"),
    ("feature", "constraint"),
    ("memory", "mem_gb"),
    ("time limit", "time_h"),
    ("gres", "gpus or gpu_type"),
    ("array", "max_array (MaxArraySize of the cluster)"),
    ("node configuration", "cpus, mem_gb, gpus or nodes"),
    ("cpu", "cpus"),
)


class Seen(NamedTuple):
    """A job in the queue: its state, and why it waits."""

    state: str
    reason: str


def ask(*command: str, limit_s: float = 60.0) -> str | None:
    """Return what a command of Slurm prints; None if it failed, which is logged."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        logging.warning("%s gives no answer; asking again later", command[0])
        return None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        if "Invalid job id" in said:
            return ""
        logging.warning("%s: %s; asking again later", command[0], said)
        return None
    return done.stdout


def list_jobs(ids: Iterable[str]) -> dict[str, Seen] | None:
    """Return the jobs and tasks of arrays that Slurm knows; None without an answer."""
    jobs = ",".join(sorted(set(ids)))
    text = ask("squeue", "-h", "-r", "-t", "all", "-o", "%i|%T|%r", "-j", jobs)
    return None if text is None else _read(text)


def is_busy(ids: Iterable[str]) -> bool:
    """Return whether any of some jobs is in the queue, or Slurm does not answer."""
    found = list_jobs(ids)
    return found is None or any(seen.state in ACTIVE for seen in found.values())


def find_named(name: str) -> str | None:
    """Return the id of the array of ours with a name, if Slurm knows it.

    Raises:
        ValueError: Slurm does not answer.
    """
    user = getpass.getuser()
    text = ask("squeue", "-h", "-t", "all", "-o", "%F", "-u", user, "-n", name)
    if text is None:
        raise ValueError(f"{name}: squeue does not answer; run it again when it does")
    return text.split()[0] if text.split() else None


def _read(text: str) -> dict[str, Seen]:
    rows = (line.split("|", 2) for line in text.splitlines())
    return {row[0].strip(): Seen(*row[1:]) for row in rows if len(row) == 3}


class Watch:
    """What has become of jobs: by the files that they write, and by squeue."""

    def __init__(self, folder: Path, config: str) -> None:
        """Start without looking.

        Args:
            folder: Where the jobs write their statuses.
            config: The config that messages name.
        """
        self.folder, self.config = folder, config
        self.ids: set[str] = set()  # of arrays and single jobs
        self.cancelled: set[str] = set()  # of these
        self._statuses: dict[str, list[tuple[float, int, int]]] = {}
        self._looked = self._asked = -1e9
        self._seen: dict[str, Seen] = {}
        self._missed: dict[str, int] = {}  # times a job was neither active nor recorded

    def poll(self, job_id: str) -> tuple[int, int] | None:
        """Return the status and the node of a job that has ended; None otherwise.

        Raises:
            ValueError: It waits for something that will not come.
        """
        ended = self.read_status(job_id)
        if ended is None and self._ask():
            self._look(now=True)
            ended = self.read_status(job_id)
        if ended is not None:
            return ended
        seen = self._seen.get(job_id)
        if seen is not None and seen.state == "PENDING":
            self._check_reason(job_id, seen.reason.strip())
        least = 1 if self.cancelled else 2
        if self._missed.get(job_id, 0) < least:
            return None
        return STATUSES.get(self.state(job_id), 1), -1

    def state(self, job_id: str) -> str:
        """Return the last known state of a job; "" if Slurm has forgotten it."""
        return self._seen[job_id].state if job_id in self._seen else ""

    def read_status(self, job_id: str) -> tuple[int, int] | None:
        """Return the status and the node that a job has recorded; None without one.

        Of several nodes, it is the first failure.
        """
        self._look()
        found = sorted(self._statuses.get(job_id, []))
        failed = [(status, rank) for _, status, rank in found if status]
        if failed:
            return failed[0]
        return (0, 0) if any(rank == 0 for _, _, rank in found) else None

    def _look(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._looked < LOOK_EVERY_S:
            return
        known = {
            (job_id, rank) for job_id, v in self._statuses.items() for *_, rank in v
        }
        for path in self.folder.glob("*.status"):
            job_id, rank, _ = path.name.rsplit(".", 2)
            if (job_id, int(rank)) not in known:
                status = json.loads(path.read_text(encoding="utf-8"))["status"]
                row = (path.stat().st_mtime, status, int(rank))
                self._statuses.setdefault(job_id, []).append(row)
        self._looked = time.monotonic()

    def _ask(self) -> bool:
        """Ask Slurm, if the last time is long ago; return whether it answered."""
        pause_s = END_EVERY_S if self.cancelled else ASK_EVERY_S
        if time.monotonic() - self._asked < pause_s or not self.ids:
            return False
        started = time.monotonic()
        found = list_jobs(self.ids)
        self._asked = time.monotonic() + 10 * (time.monotonic() - started)  # be kind
        if found is None:
            return False
        for job_id in set(self._seen) | set(self._missed) | set(found):
            is_active = job_id in found and found[job_id].state in ACTIVE
            self._missed[job_id] = 0 if is_active else self._missed.get(job_id, 0) + 1
        self._seen = {**self._seen, **found}
        return True

    def expect(self, job_ids: Iterable[str]) -> None:
        """Note jobs that were submitted, or found in a record."""
        for job_id in job_ids:
            self._missed[job_id] = 0
            self.ids.add(job_id.partition("_")[0])

    def _check_reason(self, job_id: str, reason: str) -> None:
        if reason in HOPELESS:
            raise ValueError(
                f"Slurm job {job_id} would wait for ever, for the reason {reason}; "
                f"change {HOPELESS[reason]} in {self.config}"
            )


def explain_refusal(message: str, config: str) -> str:
    """Return in one line why sbatch refused a job, and what to change."""
    lines = [line for line in message.splitlines() if "error" in line.lower()]
    text = " ".join((lines or message.split("\n"))[0].split())
    text = re.sub(r"^.*?sbatch: error: ", "", text)
    said = " ".join(lines).lower()
    option = next((name for word, name in _REFUSALS if word in said), "the options")
    known = ""
    if option == "partition":
        names = (ask("sinfo", "-h", "-o", "%R") or "").split()
        known = f"; known: {', '.join(sorted(set(names)))}" if names else ""
    return f"sbatch: {text}; correct {option} in {config}{known}"
