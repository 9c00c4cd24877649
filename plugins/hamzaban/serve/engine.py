"""The model of the service: loaded once, used by one thread, fed by many."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from hamzaban.decode.path import LogProbs
from hamzaban.decode.result import Result
from hamzaban.decode.search import Decoder
from hamzaban.serve.job import Job
from hamzaban.serve.metrics import Metrics
from hamzaban.transcribe.acoustics import Acoustics
from hamzaban.transcribe.live import Listener
from hamzaban.transcribe.live_options import LiveOptions
from hamzaban.transcribe.pieces import Piece
from hamzaban.transcribe.transcribe_options import FS
from hamzaban.transcribe.transcriber import Transcriber
from hamzaban.transcribe.transcript import Transcript

NAME = "audio"  # of every recording: clients' names of files are not used
T = TypeVar("T")


class Engine:
    """Transcribes files and streams.

    The model and the search run in one thread, in the order of calls, so that a long
    file and a live stream get their turns. Decoding and the detection of speech run in
    the threads of the callers.
    """

    def __init__(
        self, model: Transcriber, metrics: Metrics, live: LiveOptions | None = None
    ) -> None:
        """Take over a model."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._metrics, self._live = metrics, live or LiveOptions()
        acoustics, decoder = model.parts
        self._model = Transcriber(
            _AcousticsInTurn(acoustics, self._call),
            _DecoderInTurn(decoder, self._call),
            model.options,
        )

    @property
    def channel(self) -> int | None:
        """Return the channel of files that is used, from 0; None mixes all."""
        return self._model.options.channel_number

    def warm_up(self) -> None:
        """Run the model once, so that the first client does not wait for libraries."""
        noise = np.random.default_rng(0).normal(0, 0.01, FS).astype(np.float32)
        self._model.emit_pieces([Piece(0, noise, len(noise), joins=False)])

    def transcribe(self, job: Job) -> Transcript:
        """Transcribe a file.

        Raises:
            ServeError: It cannot be decoded, is too long, or the job was stopped.
        """
        found = self._model.transcribe_blocks(
            job.blocks(), NAME, report=job.report, on_segment=job.on_segment
        )
        self.count(found, "file")
        return dataclasses.replace(found, faults=tuple(job.faults))

    def listen(self) -> Listener:
        """Return a listener for a live stream."""
        return Listener(self._model, self._live)

    def count(self, found: Transcript, kind: str) -> None:
        """Count a transcript in the metrics; `kind` is `file` or `live`."""
        self._metrics.add("audio_seconds_total", found.duration_s, kind)
        self._metrics.add("speech_seconds_total", found.speech_s, kind)
        self._metrics.add("words_total", len(found.words), kind)

    def close(self) -> None:
        """Drop what waits for the model."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _call(self, function: Callable[..., T], *words: Any) -> T:
        return self._thread.submit(self._measure, function, *words).result()

    def _measure(self, function: Callable[..., T], *words: Any) -> T:
        began = time.monotonic()
        try:
            return function(*words)
        finally:
            self._metrics.add("busy_seconds_total", time.monotonic() - began)


class _AcousticsInTurn:
    """A model whose calls run in one thread; see `acoustics.Acoustics`."""

    def __init__(self, model: Acoustics, call: Callable[..., Any]) -> None:
        self._model, self._call = model, call
        self.tokenizer, self.fs, self.conv = model.tokenizer, model.fs, model.conv

    def emit(self, waveforms: Sequence[np.ndarray]) -> list[tuple[LogProbs, str]]:
        found: list[tuple[LogProbs, str]] = self._call(self._model.emit, waveforms)
        return found


class _DecoderInTurn:
    """A search whose calls run in one thread; see `decode.search.Decoder`."""

    def __init__(self, decoder: Decoder, call: Callable[..., Any]) -> None:
        self._decoder, self._call = decoder, call
        self.options = decoder.options

    def tune(self, options: Any) -> None:
        self._call(self._decoder.tune, options)

    def decode(self, log_probs: LogProbs) -> list[Result]:
        found: list[Result] = self._call(self._decoder.decode, log_probs)
        return found
