"""One file on its way through the service: its limits, and how it is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

import numpy as np

from hamzaban.serve.errors import ServeError
from hamzaban.serve.serve_options import ServeOptions
from hamzaban.transcribe.transcript import Segment

BLOCK_BYTES = 4 * 65536
TOO_SLOW = 503
OnSegment = Callable[[Segment], None]
OnProgress = Callable[[float], None]  # seconds of audio that are done


class Job:
    """A file to transcribe.

    A thread works on it; any other may stop it.

    Attributes:
        faults: What is wrong with the file, complete when `blocks` has ended.
    """

    def __init__(
        self,
        file: IO[bytes],
        options: ServeOptions,
        *,
        channel: int | None = None,
        on_segment: OnSegment | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Start the clock.

        Args:
            file: The file; it has a descriptor.
            options: The limits.
            channel: The channel to use, from 0; None mixes all.
            on_segment: Called with each segment.
            on_progress: Called with the seconds of audio that are done.
        """
        self._file, self._options, self._channel = file, options, channel
        self.on_segment, self._on_progress = on_segment, on_progress
        self.faults: list[str] = []
        self._deadline = time.monotonic() + options.max_job_s
        self._error: ServeError | None = None
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._done_s = 0.0

    def stop(self, error: ServeError) -> None:
        """Let the thread end with an error as soon as it can."""
        with self._lock:
            self._error = self._error or error
            if self._process is not None:
                self._process.kill()

    def report(self, audio_s: float, _: float) -> None:
        """Count audio that is done.

        Raises:
            ServeError: The job was stopped, or took too long.
        """
        self.check()
        self._done_s += audio_s
        if self._on_progress is not None and audio_s:
            self._on_progress(self._done_s)

    def check(self) -> None:
        """Raise the error of a job that was stopped or took too long."""
        if self._error is not None:
            raise self._error
        if time.monotonic() > self._deadline:
            most = f"{self._options.max_job_s:g} s"
            raise ServeError(TOO_SLOW, f"not done after {most}; send a shorter file")

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples of the file at 16 kHz, float32, shape (num_samples,).

        Raises:
            ServeError: It cannot be decoded, is too long, or the job was stopped.
        """
        self._file.seek(0)
        with tempfile.TemporaryFile() as notes:
            process = self._start(notes)
            timer = threading.Timer(self._deadline - time.monotonic(), process.kill)
            timer.daemon = True
            timer.start()
            try:
                yield from _read(process)
                process.wait()
            finally:
                timer.cancel()
                process.kill()
                process.wait()
                with self._lock:
                    self._process = None
            self.check()
            notes.seek(0)
            self._read_notes(notes.read(), process.returncode)

    def _start(self, notes: IO[bytes]) -> subprocess.Popen[bytes]:
        limits = [self._options.max_audio_s, self._options.max_job_s]
        channel = -1 if self._channel is None else self._channel
        words = [*map(str, limits), str(channel)]
        places = os.pathsep.join(filter(None, sys.path))
        with self._lock:
            self.check()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hamzaban.serve.unpack", *words],
                stdin=self._file,
                stdout=subprocess.PIPE,
                stderr=notes,
                env={**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"},
            )
            return self._process

    def _read_notes(self, notes: bytes, status: int) -> None:
        last = notes.rstrip().rpartition(b"\n")[2]
        try:
            found = json.loads(last) if status == 0 else None
        except ValueError:
            found = None
        if found is None:
            raise ServeError(422, "the file is damaged: its decoder broke down")
        if "error" in found:
            raise ServeError(found["status"], found["error"])
        self.faults = found["faults"]


def _read(process: subprocess.Popen[bytes]) -> Iterator[np.ndarray]:
    assert process.stdout is not None
    with process.stdout as stream:
        while data := stream.read(BLOCK_BYTES):
            yield np.frombuffer(data[: len(data) // 4 * 4], np.float32)
