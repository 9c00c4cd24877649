"""The log of a job: its head, its end, the logs before it, and what they say."""

import os
import re
import shlex
import socket
from datetime import datetime
from pathlib import Path

from hamzaban.launch.backends import Job
from hamzaban.progress import progress_path

KEPT_LOGS = 9  # logs of earlier runs; train.log.1 is the last one
STEP_VARIABLE = (
    "HAMZABAN_STEP"  # environment: names one run of a step, with resumptions
)
_SUCCESS = re.compile(r"# \S+ ended with status 0 after \S+ s")


def start_log(job: Job) -> None:
    """Rename the logs of earlier runs and start a new one."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    progress_path(job.log).unlink(missing_ok=True)
    if job.log.exists():
        for age in range(KEPT_LOGS - 1, 0, -1):
            older = Path(f"{job.log}.{age}")
            if older.exists():
                older.replace(f"{job.log}.{age + 1}")
        job.log.replace(f"{job.log}.1")
    step = os.environ.get(STEP_VARIABLE)
    place = socket.gethostname() + (f", step {step}" if step else "")
    job.log.write_text(f"{_head(job)}# {now()} on {place}\n", encoding="utf-8")


def end_log(job: Job, status: int, elapsed_s: float) -> None:
    """Write how a job ended as the last line of its log."""
    progress_path(job.log).unlink(missing_ok=True)
    with open(job.log, "a", encoding="utf-8") as log:
        log.write(f"# {now()} ended with status {status} after {elapsed_s:.1f} s\n")


def is_complete(job: Job, step: str | None = None) -> bool:
    """Return whether the log says that this very command has succeeded.

    Args:
        job: The job.
        step: The run of a step that the log must belong to; None: any.
    """
    head = _head(job).encode()
    try:
        with open(job.log, "rb") as log:
            if log.read(len(head)) != head:
                return False
            place = log.readline().decode("utf-8", errors="replace").rstrip()
    except FileNotFoundError:
        return False
    if step is not None and not place.endswith(f", step {step}"):
        return False
    lines = last_lines(job.log, 1)
    return bool(lines) and _SUCCESS.fullmatch(lines[0]) is not None


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a text file that are not blank, without line ends."""
    with open(path, "rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 1000 * count))
        text = stream.read().decode("utf-8", errors="replace")
    lines = [line.rpartition("\r")[2] for line in text.split("\n")]
    return [line for line in lines if line.strip()][-count:]


def _head(job: Job) -> str:
    return f"# {shlex.join(job.command)}\n"


def now() -> str:
    """Return the time as logs show it."""
    return datetime.now().isoformat(timespec="seconds")
