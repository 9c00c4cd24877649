"""The routes of the service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from hamzaban import __version__
from hamzaban.serve.engine import Engine
from hamzaban.serve.errors import ServeError
from hamzaban.serve.gate import Gate
from hamzaban.serve.guard import Guard, make_error
from hamzaban.serve.job import Job
from hamzaban.serve.live_socket import LiveRoute
from hamzaban.serve.metrics import CONTENT_TYPE, Metrics
from hamzaban.serve.page import POLICY, render_page
from hamzaban.serve.serve_options import ServeOptions
from hamzaban.serve.upload import check_head, receive_file
from hamzaban.transcribe.cues import CueOptions
from hamzaban.transcribe.formats import FORMATS, format_transcript
from hamzaban.transcribe.transcript import Segment, Transcript, segment_to_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

EVENTS = "application/x-ndjson"
FAULTS = "X-Faults"  # header: how many places of the file could not be read
TYPES = {
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "tsv": "text/tab-separated-values",
}


class Service:
    """What the routes share.

    Attributes:
        options: The limits.
        metrics: The counters.
    """

    def __init__(self, engine: Engine, options: ServeOptions, metrics: Metrics) -> None:
        """Take over the engine."""
        self.options, self.metrics = options, metrics
        self._engine, self._cues = engine, CueOptions()
        self._gate = Gate(options, metrics)
        self._threads = ThreadPoolExecutor(
            options.max_parallel + options.max_live, thread_name_prefix="work"
        )
        self._jobs: set[Job] = set()
        self.live = LiveRoute(engine, options, metrics, self._threads)

    def close(self) -> None:
        """Stop all work."""
        for job in self._jobs:
            job.stop(ServeError(503, "the service is stopping; try again later"))
        self.live.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.close()

    async def transcribe(self, request: Request) -> Response:
        """POST /transcribe: a file in, its words out."""
        formats = read_formats(request.query_params.get("format", "json"))
        check_head(request, self.options)
        if EVENTS in request.headers.get("accept", ""):
            events = self._each_event(request, formats)
            first = await anext(events)  # raises what is wrong with the request
            response: Response = make_event_response(first, events)
            return response
        async with self._gate.enter(), receive_file(request, self.options) as file:
            self._count_bytes(file)
            job = Job(file, self.options, channel=self._engine.channel)
            async with self._gate.run():
                found = await self._run(job, request)
        return self._answer(found, formats)

    async def _each_event(
        self, request: Request, formats: tuple[str, ...]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield what happens to a file: `state`, `done_s`, `segment`, `result`."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

        def put(event: dict[str, Any] | None) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        def put_segment(segment: Segment) -> None:
            put({"segment": segment_to_json(segment)})

        async with self._gate.enter(), receive_file(request, self.options) as file:
            self._count_bytes(file)
            yield {"state": "waiting"}
            job = Job(
                file,
                self.options,
                channel=self._engine.channel,
                on_segment=put_segment,
                on_progress=lambda done_s: put({"done_s": round(done_s, 2)}),
            )
            async with self._gate.run():
                yield {"state": "running"}
                task = asyncio.create_task(self._run(job))
                task.add_done_callback(lambda _: events.put_nowait(None))
                try:
                    while (event := await events.get()) is not None:
                        yield event
                    yield {"result": self._format(task.result(), formats)}
                except ServeError as error:
                    self.metrics.add("failures_total", 1, str(error.status))
                    yield {"error": str(error), "status": error.status}
                finally:
                    job.stop(ServeError(499, "the client has gone"))
                    await asyncio.wait([task])

    async def _run(self, job: Job, request: Request | None = None) -> Transcript:
        """Run a job in a thread; stop it if the client goes away."""
        loop = asyncio.get_running_loop()
        self._jobs.add(job)
        work = loop.run_in_executor(self._threads, self._engine.transcribe, job)
        watch = None if request is None else asyncio.create_task(_wait_gone(request))
        try:
            awaited: list[asyncio.Future[Any]] = [work]
            awaited += [] if watch is None else [watch]
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                job.stop(ServeError(499, "the client has gone"))
            return await work
        finally:
            job.stop(ServeError(503, "the service is stopping; try again later"))
            self._jobs.discard(job)
            if watch is not None:
                watch.cancel()
            await asyncio.wait([work])

    def _count_bytes(self, file: Any) -> None:
        file.seek(0, 2)
        self.metrics.add("received_bytes_total", file.tell())

    def _format(self, found: Transcript, formats: tuple[str, ...]) -> dict[str, Any]:
        return {f: "".join(format_transcript(found, f, self._cues)) for f in formats}

    def _answer(self, found: Transcript, formats: tuple[str, ...]) -> Response:
        from starlette.responses import JSONResponse, Response

        texts = self._format(found, formats)
        headers = {FAULTS: str(len(found.faults))}
        if len(texts) > 1:
            return JSONResponse(texts, headers=headers)
        [(form, text)] = texts.items()
        kind = TYPES.get(form, "text/plain")
        return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


def read_formats(text: str) -> tuple[str, ...]:
    """Return the formats that a client wants, each once.

    Raises:
        ServeError: One is unknown.
    """
    names = tuple(dict.fromkeys(text.split(",")))
    if not set(names) <= set(FORMATS):
        raise ServeError(400, f"unknown format; known: {', '.join(FORMATS)}")
    return names


def make_app(service: Service, hosts: Iterable[str]) -> ASGIApp:
    """Return the ASGI application.

    Args:
        service: What the routes share.
        hosts: Names of this machine that clients may use.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Route, WebSocketRoute

    async def tell(_: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            error = ServeError(error.status_code, str(error.detail))
        assert isinstance(error, ServeError)
        service.metrics.add("failures_total", 1, str(error.status))
        response: Response = make_error(error)
        return response

    @asynccontextmanager
    async def live_span(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            service.close()

    app = Starlette(
        routes=[
            *list_views(service),
            Route("/transcribe", service.transcribe, methods=["POST"]),
            WebSocketRoute("/live", service.live.handle),
        ],
        exception_handlers={ServeError: tell, HTTPException: tell},
        lifespan=live_span,
    )
    return Guard(app, service.metrics, hosts)


def list_views(service: Service) -> list[BaseRoute]:
    """Return the routes that show something: the page, health and metrics."""
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route

    page = render_page(service.options)

    async def show_page(_: Request) -> Response:
        return HTMLResponse(page.html, headers={POLICY: page.policy})

    async def show_health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def show_metrics(_: Request) -> Response:
        return Response(service.metrics.render(), media_type=CONTENT_TYPE)

    return [
        Route("/", show_page),
        Route("/health", show_health),
        Route("/metrics", show_metrics),
    ]


def make_event_response(
    first: dict[str, Any], rest: AsyncGenerator[dict[str, Any], None]
) -> Any:
    """Return a response of a line of JSON for each event.

    The events are closed as soon as the client goes away.
    """
    from starlette.responses import StreamingResponse

    class EventResponse(StreamingResponse):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async with aclosing(rest):
                await super().__call__(scope, receive, send)

    async def each_line() -> AsyncIterator[str]:
        yield json.dumps(first, ensure_ascii=False) + "\n"
        async for event in rest:
            yield json.dumps(event, ensure_ascii=False) + "\n"

    return EventResponse(each_line(), media_type=EVENTS)


async def _wait_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
