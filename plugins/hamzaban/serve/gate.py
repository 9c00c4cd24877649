"""How much work is let in at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hamzaban.serve.errors import ServeError
from hamzaban.serve.metrics import Metrics
from hamzaban.serve.serve_options import ServeOptions


class Gate:
    """Lets some files be transcribed, lets some wait, and sends the others away."""

    def __init__(self, options: ServeOptions, metrics: Metrics) -> None:
        """Start with nothing inside."""
        self._options, self._metrics = options, metrics
        self._slots = asyncio.Semaphore(options.max_parallel)
        self._inside = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Take a place for a file, from its first byte to the answer.

        Raises:
            ServeError: All places are taken.
        """
        most = self._options.max_parallel + self._options.max_queue
        if self._inside >= most:
            raise ServeError(503, f"{most} files are in work already; try again later")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Wait for a slot, and hold it."""
        with self._metrics.during("files_waiting"):
            await self._slots.acquire()
        try:
            with self._metrics.during("files_running"):
                yield
        finally:
            self._slots.release()
