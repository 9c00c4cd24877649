"""The WebSocket of live streams: samples in, words out."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hamzaban.config import read_dataclass
from hamzaban.serve.engine import NAME, Engine
from hamzaban.serve.errors import ServeError
from hamzaban.serve.metrics import Metrics
from hamzaban.serve.serve_options import ServeOptions
from hamzaban.transcribe.cues import CueOptions
from hamzaban.transcribe.formats import FORMATS, format_transcript
from hamzaban.transcribe.live import Heard, Listener, heard_to_json
from hamzaban.transcribe.pcm import PcmReader
from hamzaban.transcribe.pcm_format import PcmFormat
from hamzaban.transcribe.transcribe_options import FS

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

END = "end"  # the text message after the last samples
MAX_MESSAGE = 1 << 20  # bytes
LEAST_SHARE = 0.05  # of max_idle_s that a stream must bring in that time
CLOSE_CODES = {400: 1008, 408: 1008, 413: 1009, 503: 1013}  # RFC 6455, section 7.4
INTERNAL = 1011


class LiveRoute:
    """Handles the WebSockets."""

    def __init__(
        self,
        engine: Engine,
        options: ServeOptions,
        metrics: Metrics,
        threads: ThreadPoolExecutor,
    ) -> None:
        """Start with no stream."""
        self._engine, self._options = engine, options
        self._metrics, self._threads = metrics, threads
        self._is_closing = False

    def close(self) -> None:
        """End all streams at their next step."""
        self._is_closing = True

    async def handle(self, socket: WebSocket) -> None:
        """Handle one stream from its handshake on."""
        from hamzaban.serve.guard import make_error

        try:
            form, formats = read_query(socket.query_params)
            if self._metrics.gauge("live_streams") >= self._options.max_live:
                most = self._options.max_live
                raise ServeError(503, f"{most} streams are open; try again later")
        except ServeError as error:
            self._metrics.add("failures_total", 1, str(error.status))
            await socket.send_denial_response(make_error(error))
            return
        with self._metrics.during("live_streams"):
            await socket.accept()
            stream = _Stream(socket, self._engine.listen(), self._options)
            try:
                await self._serve(stream, form, formats)
            except ServeError as error:
                self._metrics.add("failures_total", 1, str(error.status))
                await stream.fail(error)

    async def _serve(
        self, stream: _Stream, form: PcmFormat, formats: tuple[str, ...]
    ) -> None:
        reader = PcmReader(form)
        await stream.send({"state": "ready"})
        async for data in stream.each_message():
            speech = reader.feed(data)
            stream.count(len(speech))
            await self._hear(stream, stream.listener.feed(speech))
        speech = reader.finish()
        await self._hear(stream, stream.listener.feed(speech))
        await self._hear(stream, stream.listener.finish())
        found = stream.listener.transcript(NAME)
        self._engine.count(found, "live")
        texts = {f: "".join(format_transcript(found, f, CueOptions())) for f in formats}
        await stream.send({"result": texts})
        await stream.close(1000)

    async def _hear(self, stream: _Stream, steps: Iterator[Heard]) -> None:
        """Run the steps in a thread, one by one; send what each brings."""
        loop = asyncio.get_running_loop()
        while True:
            if self._is_closing:
                raise ServeError(503, "the service is stopping; try again later")
            heard = await loop.run_in_executor(self._threads, next, steps, None)
            if heard is None:
                return
            await stream.send(heard_to_json(heard))


@dataclasses.dataclass
class _Stream:
    """A WebSocket and its limits.

    Attributes:
        socket: The WebSocket.
        listener: What hears it.
        options: The limits.
    """

    socket: WebSocket
    listener: Listener
    options: ServeOptions
    _count: int = 0

    def count(self, num_samples: int) -> None:
        """Count samples at 16 kHz.

        Raises:
            ServeError: They are too many.
        """
        self._count += num_samples
        if self._count > self.options.max_live_s * FS:
            most = f"{self.options.max_live_s:g} s"
            raise ServeError(413, f"more than {most} of audio; open another stream")

    async def each_message(self) -> AsyncIterator[bytes]:
        """Yield the bytes of each message up to the end.

        Raises:
            ServeError: There is another message, or none in time.
        """
        from starlette.websockets import WebSocketDisconnect

        least = LEAST_SHARE * self.options.max_idle_s * FS
        began, before = time.monotonic(), 0
        while True:
            left_s = began + self.options.max_idle_s - time.monotonic()
            try:
                async with asyncio.timeout(max(left_s, 0)):
                    message = await self.socket.receive()
            except TimeoutError:
                seconds = f"{self.options.max_idle_s:g} s"
                raise ServeError(408, f"too little audio in {seconds}") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            if message.get("text") == END:
                return
            data = message.get("bytes")
            if data is None:
                raise ServeError(400, f"text found, expected samples, or {END!r}")
            yield data
            if self._count - before >= least:
                began, before = time.monotonic(), self._count

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send JSON to a client that reads.

        Raises:
            ServeError: It does not read.
        """
        try:
            async with asyncio.timeout(self.options.max_idle_s):
                await self.socket.send_json(message)
        except TimeoutError:
            raise ServeError(408, "the client does not read") from None

    async def fail(self, error: ServeError) -> None:
        """Tell the client of an error if it listens, and close."""
        if error.status != 408 or "read" not in str(error):
            await self.send({"error": str(error), "status": error.status})
        await self.close(CLOSE_CODES.get(error.status, INTERNAL))

    async def close(self, code: int) -> None:
        """Close the WebSocket."""
        await self.socket.close(code)


def read_query(query: Mapping[str, str]) -> tuple[PcmFormat, tuple[str, ...]]:
    """Return the format of the samples and the formats of the result.

    Raises:
        ServeError: A name or value is wrong.
    """
    values: dict[str, Any] = dict(query)
    formats = tuple(filter(None, values.pop("format", "").split(",")))
    if not set(formats) <= set(FORMATS):
        raise ServeError(400, f"unknown format; known: {', '.join(FORMATS)}")
    for name in ("rate", "channels"):
        text = values.get(name, "")
        if text.isascii() and text.isdecimal() and len(text) < 8:
            values[name] = int(text)
    try:
        return read_dataclass(PcmFormat, values, "query"), formats
    except ValueError as error:
        raise ServeError(400, str(error)[:300]) from None
