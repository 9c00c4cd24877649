"""What the console shows of jobs while they run.

On a terminal it is one line that is renewed; elsewhere a line is logged every minute.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Collection
from typing import Any, TextIO

from hamzaban.launch.backends import Job
from hamzaban.progress import (
    ProgressFile,
    format_duration,
    progress_path,
    read_progress,
)

RENEW_S = 1.0  # time between two updates on a terminal
LOG_EVERY_S = 60.0  # time between two lines elsewhere
QUIET_S = 120.0  # after this long without news of a job, the line says so
WIDTH = 80  # assumed where the width of the terminal is unknown
METRICS = {"wer": "WER", "cer": "CER", "acc": "accuracy", "loss": "loss"}


class Console:
    """Shows the progress of the jobs of one launch."""

    def __init__(
        self,
        nj: int,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without a line.

        Args:
            nj: Number of jobs of the launch.
            stream: Where the line goes on a terminal; default: standard error.
            clock: Returns seconds.
        """
        self._nj, self._clock = nj, clock
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._next = clock() + (RENEW_S if self._is_terminal else LOG_EVERY_S)
        self._seen: dict[Job, tuple[dict[str, Any], float]] = {}
        self._has_line = False
        self._parent = ProgressFile(clock=clock)  # for our own launcher, if any

    def show(self, running: Collection[Job], ended: int) -> None:
        """Show the progress of the job with the most time left, if a line is due.

        Args:
            running: Jobs that run now.
            ended: Number of jobs that have ended.
        """
        now = self._clock()
        if now < self._next and not self._parent.is_due():
            return
        found = [
            (job, *self._read(job, now)) for job in running if self._look(job, now)
        ]
        if not found:
            return
        job, record, age_s = max(found, key=lambda each: each[1].get("left_s") or 0.0)
        if self._parent.is_due():
            self._parent.write(record)
        if now < self._next:
            return
        try:
            line = format_progress(record, age_s)
        except (
            KeyError,
            TypeError,
            ValueError,
        ):  # written by another version of this package
            line = f"{progress_path(job.log)}: progress in an unknown form"
        if self._nj > 1:
            line = f"job {job.number} ({ended} of {self._nj} done): {line}"
        self._next = now + (RENEW_S if self._is_terminal else LOG_EVERY_S)
        if self._is_terminal:
            self._write(line)
        else:
            logging.info("%s", line)

    def clear(self) -> None:
        """Remove the line from a terminal, so that something else can be written."""
        if self._has_line:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._has_line = False

    def _look(self, job: Job, now: float) -> bool:
        """Read the record of a job; return whether it has one."""
        record = read_progress(progress_path(job.log))
        if record is not None and (
            job not in self._seen or record != self._seen[job][0]
        ):
            self._seen[job] = record, now
        return job in self._seen

    def _read(self, job: Job, now: float) -> tuple[dict[str, Any], float]:
        """Return the record of a job and its age in seconds."""
        record, since = self._seen[job]
        return record, now - since

    def _write(self, line: str) -> None:
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns or WIDTH
        except (OSError, ValueError):
            columns = WIDTH
        self._stream.write(f"\r{line[: max(columns - 1, 1)]}\x1b[K")
        self._stream.flush()
        self._has_line = True


def format_progress(record: dict[str, Any], age_s: float = 0.0) -> str:
    """Return the record of a job as a line.

    Args:
        record: From a progress file.
        age_s: Seconds since it was written.
    """
    is_training = "epoch" in record
    parts = _describe_training(record) if is_training else _describe_items(record)
    left_s = record.get("left_s")
    if left_s is not None:
        least = is_training and not record.get("has_validated")
        word = "over " if least else ""
        parts.append(f"{word}{format_duration(max(left_s - age_s, 0.0))} left")
    if age_s >= QUIET_S:
        parts.append(f"nothing new for {format_duration(age_s)}")
    return ", ".join(parts)


def _describe_training(record: dict[str, Any]) -> list[str]:
    parts = [f"epoch {record['epoch']}/{record['max_epoch']}"]
    total = record.get("updates_total")
    parts.append(f"update {record['update']}" + (f"/{total}" if total else ""))
    if record.get("valid_batches"):
        done, num_batches = record["valid_batches"]
        parts.append(f"validating {done}/{num_batches}")
    if record.get("loss") is not None:
        parts.append(f"loss {record['loss']:.4g}")
    valid = record.get("valid") or {}
    for name, title in METRICS.items():
        if name in valid:
            value = valid[name]
            shown = f"{value:.4g}" if name == "loss" else f"{100 * value:.1f} %"
            parts.append(f"valid {title} {shown}")
            break
    return parts


def _describe_items(record: dict[str, Any]) -> list[str]:
    count = f"{record['done']} of {record['total']} {record['unit']}"
    return [f"{record['title']}: {count}"]
