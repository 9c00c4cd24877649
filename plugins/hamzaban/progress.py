"""The progress of a long job: a small JSON file beside its log, shown by the launcher.

The launcher names the file in the environment of a job. A job that no launcher started
finds no name and writes nothing.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_text

VARIABLE = "HAMZABAN_PROGRESS"  # environment: path of the file
WRITE_EVERY_S = 2.0
Record = Mapping[str, Any]


def progress_path(log: Path) -> Path:
    """Return the path of the progress of a job: a hidden file beside its log."""
    return log.with_name(f".{log.name}.progress")


def read_progress(path: Path) -> dict[str, Any] | None:
    """Return the record of a job; None if it has written none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


class ProgressFile:
    """The file in which a job reports how far it is, renewed every few seconds."""

    def __init__(
        self,
        path: str | Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without a record.

        Args:
            path: The file; None: that of the environment. If neither names a file,
                nothing is written.
            clock: Returns seconds.
        """
        found = path or os.environ.get(VARIABLE)
        self._path = Path(found) if found else None
        self._clock = clock
        self._due = float("-inf")

    def is_due(self) -> bool:
        """Return whether it is time to write another record."""
        return self._path is not None and self._clock() >= self._due

    def write(self, record: Record) -> None:
        """Replace the record. If that fails, warn once and write no more."""
        if self._path is None:
            return
        try:
            with atomic_text(self._path, sync=False) as stream:
                json.dump(record, stream, ensure_ascii=False)
        except OSError as error:
            logging.warning("progress is no longer reported: %s", error)
            self._path = None
        self._due = self._clock() + WRITE_EVERY_S


class ItemProgress:
    """Counts items that are done and reports them with an estimate of the time left."""

    def __init__(
        self,
        title: str,
        total: int,
        unit: str,
        *,
        file: ProgressFile | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start to count and to measure time.

        Args:
            title: What is being done.
            total: How many items there are.
            unit: What an item is, in the plural.
            file: Where to report; by default the file of the environment.
            clock: Returns seconds.
        """
        self._fixed = {"title": title, "total": total, "unit": unit}
        self._file = file or ProgressFile(clock=clock)
        self._clock = clock
        self._began = clock()
        self.done = 0

    def add(self, count: int = 1) -> None:
        """Count items that are done."""
        self.done += count
        if self._file.is_due():
            record = {**self._fixed, "done": self.done, "left_s": self.left_s()}
            self._file.write(record)

    def left_s(self) -> float:
        """Return the seconds left at the mean speed so far."""
        total = self._fixed["total"]
        assert isinstance(total, int)
        elapsed_s = self._clock() - self._began
        return elapsed_s * max(total - self.done, 0) / max(self.done, 1)


def format_duration(duration_s: float) -> str:
    """Return a duration in its two largest units: 45 s, 12 min, 1 h 05 min, 2 d 3 h."""
    seconds = round(duration_s)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(duration_s / 60)
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def format_length(audio_s: float) -> str:
    """Return a length of audio in one unit: 8.0 s, 12.5 min, 2.3 h, 1204 h."""
    for unit, unit_s in (("h", 3600), ("min", 60)):
        if round(audio_s, 1) >= unit_s:
            value = audio_s / unit_s
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{audio_s:.1f} s"
