"""Progress through hours of audio: speech found, speed, time left."""

import logging
import sys
import time
from types import TracebackType
from typing import Any, Self

from hamzaban.processes import LOG_EVERY_S
from hamzaban.progress import format_duration, format_length


class Progress:
    """A progress bar on a terminal, or log lines elsewhere."""

    def __init__(
        self, total_s: float, done_s: float = 0.0, *, title: str = "mine"
    ) -> None:
        """Start the clock.

        Args:
            total_s: Audio to mine in seconds, as far as it is known.
            done_s: Audio that earlier runs have mined, in seconds.
            title: What is being done.
        """
        self._title = title
        self._total_s, self._before_s = total_s, done_s
        self._done_s, self._found_s = done_s, 0.0
        self._began = self._logged = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Show the bar if there is a terminal."""
        if sys.stderr.isatty():
            from tqdm import tqdm

            form = "{desc} {percentage:3.0f}%|{bar}| {postfix}"
            total = max(self._total_s, 1.0)
            self._bar = tqdm(
                total=total, initial=self._done_s, desc=self._title, bar_format=form
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bar and log what was done."""
        if self._bar is not None:
            self._bar.close()
        if error is None and self._done_s > self._before_s:
            logging.info("%s: %s", self._title, self.describe())

    def add(self, done_s: float, found_s: float) -> None:
        """Add audio mined and speech found in it, in seconds."""
        self._done_s += done_s
        self._found_s += found_s
        now = time.monotonic()
        if self._bar is not None:
            self._bar.set_postfix_str(self.describe())
            self._bar.update(done_s)
        elif now - self._logged >= LOG_EVERY_S:
            self._logged = now
            logging.info("%s: %s", self._title, self.describe())

    def describe(self) -> str:
        """Return the audio mined and found, the real-time factor and the time left."""
        mined_s = self._done_s - self._before_s
        rate = mined_s / max(time.monotonic() - self._began, 1e-3)
        left_s = max(self._total_s - self._done_s, 0.0) / max(rate, 1e-3)
        text = f"{format_length(self._done_s)} of {format_length(self._total_s)}, "
        text += f"{format_length(self._found_s)} found, {rate:.0f} times real time"
        return text + (f", {format_duration(left_s)} left" if left_s >= 1 else "")
