"""Counters of the service in the text format of Prometheus."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

PREFIX = "hamzaban_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTERS = {  # name -> help, labels
    "requests_total": ("Requests by route and status.", ("route", "status")),
    "received_bytes_total": ("Bytes of files that clients sent.", ()),
    "audio_seconds_total": ("Audio that was transcribed.", ("kind",)),
    "speech_seconds_total": ("Speech in it.", ("kind",)),
    "busy_seconds_total": ("Time that the model and the search took.", ()),
    "words_total": ("Words that were recognized.", ("kind",)),
    "failures_total": ("Requests that failed, by status.", ("status",)),
}
GAUGES = {
    "files_running": "Files that are being transcribed.",
    "files_waiting": "Files that are being received, or wait.",
    "live_streams": "Live streams that are open.",
}


class Metrics:
    """Counts what the service does; safe to use from several threads."""

    def __init__(self) -> None:
        """Start at 0."""
        self._lock = threading.Lock()
        self._values: dict[str, dict[tuple[str, ...], float]] = {
            name: defaultdict(float, {} if labels else {(): 0.0})
            for name, (_, labels) in COUNTERS.items()
        }
        self._gauges = dict.fromkeys(GAUGES, 0)

    def add(self, name: str, amount: float = 1, *labels: str) -> None:
        """Add to a counter.

        Args:
            name: Key of COUNTERS.
            amount: What to add.
            labels: Values of its labels, in their order.
        """
        assert len(labels) == len(COUNTERS[name][1])
        with self._lock:
            self._values[name][labels] += amount

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Count one more of a gauge while a block runs."""
        self._move(name, 1)
        try:
            yield
        finally:
            self._move(name, -1)

    def _move(self, name: str, step: int) -> None:
        with self._lock:
            self._gauges[name] += step

    def gauge(self, name: str) -> int:
        """Return the value of a gauge."""
        return self._gauges[name]

    def render(self) -> str:
        """Return all values as text."""
        lines: list[str] = []
        with self._lock:
            for name, (text, labels) in COUNTERS.items():
                lines += _head(name, text, "counter")
                for values, number in sorted(self._values[name].items()):
                    pairs = zip(labels, values, strict=True)
                    lines.append(_line(name, dict(pairs), number))
            for name, text in GAUGES.items():
                lines += [
                    *_head(name, text, "gauge"),
                    _line(name, {}, self._gauges[name]),
                ]
        return "\n".join([*lines, ""])


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} {kind}"]


def _line(name: str, labels: dict[str, str], number: float) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    shown = f"{{{inside}}}" if inside else ""
    return f"{PREFIX}{name}{shown} {number:.10g}"
