"""What every request passes: who may ask, ids, headers, the log, the counters."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hamzaban.serve.errors import ServeError
from hamzaban.serve.metrics import Metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROUTES = ("/", "/health", "/metrics", "/transcribe", "/live")  # of the counters
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
REQUEST_ID = "x-request-id"
_SAFE_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
log = logging.getLogger("hamzaban.serve")


class Guard:
    """An ASGI application around that of the service.

    A page on another site must not use the service through its visitor's browser: the
    host that a request names has to be an address or a known name (a site whose name
    is made to point to this machine is neither), and a request of a page has to come
    from a page of this service.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, hosts: Iterable[str]) -> None:
        """Wrap an application.

        Args:
            app: The application.
            metrics: Counts requests.
            hosts: Names of this machine that clients may use.
        """
        self._app, self._metrics = app, metrics
        self._hosts = frozenset(host.lower() for host in (*hosts, "localhost"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, a WebSocket or the life of the server."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = read_headers(scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        record = _Record(send, scope, request_id)
        try:
            error = check_origin(headers, self._hosts)
            if error is not None:
                await _refuse(error, scope, receive, record.send)
            else:
                await self._app(scope, receive, record.send)
        except Exception as error:
            record.note(error)
        finally:
            self._metrics.add("requests_total", 1, record.route, str(record.status))
            record.write()


class _Record:
    """Adds headers to the answer to a request, and logs it without any content."""

    def __init__(self, send: Send, scope: Scope, request_id: str) -> None:
        self._send, self._id, self._began = send, request_id, time.monotonic()
        self._method = scope.get("method", "WS")
        self.route = scope["path"] if scope["path"] in ROUTES else "other"
        self.status = 0
        self._size = 0

    async def send(self, message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            known = {name.lower() for name, _ in message.get("headers", ())}
            added = {**HEADERS, "X-Request-ID": self._id}
            message["headers"] = [
                *message.get("headers", ()),
                *(
                    (name.lower().encode(), value.encode())
                    for name, value in added.items()
                    if name.lower().encode() not in known
                ),
            ]
        elif message["type"] == "websocket.accept":
            self.status = 101
        self._size += len(message.get("body", b"") or message.get("text", "") or b"")
        await self._send(message)

    def note(self, error: Exception) -> None:
        """Log an error that is ours or of a connection; the server closes it."""
        name = type(error).__name__
        if name in ("ClientDisconnect", "WebSocketDisconnect", "ClientDisconnected"):
            self.status = self.status or 499
            return
        self.status = 500
        log.error("%s %s: %s", self._id, name, " ".join(str(error).split())[:300])

    def write(self) -> None:
        log.info(
            "%s %s %s %d %d bytes %.3f s",
            self._id,
            self._method if self._method.isalpha() else "?",
            self.route,
            self.status,
            self._size,
            time.monotonic() - self._began,
        )


def read_headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a request by their names in lower case; the last counts."""
    pairs = scope["headers"]
    return {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in pairs}


def check_origin(
    headers: Mapping[str, str], hosts: Collection[str]
) -> ServeError | None:
    """Return why a request is refused, or None.

    Args:
        headers: Headers by name.
        hosts: Names that clients may use, in lower case.
    """
    host = headers.get("host", "")
    name = split_host(host)
    if name is None or not (_is_address(name) or name in hosts):
        return ServeError(
            421,
            "this name is not served; start with --allow_host NAME to serve it",
        )
    origin = headers.get("origin")
    if origin is not None:
        asked = urlsplit(origin) if origin.isprintable() else None
        if asked is None or asked.netloc.lower() != host.lower():
            return ServeError(403, "a page of another site may not use this service")
        return None
    is_foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if is_foreign and headers.get("sec-fetch-mode") != "navigate":
        return ServeError(403, "a page of another site may not use this service")
    return None


def split_host(host: str) -> str | None:
    """Return the name in a Host header, in lower case, without the port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(
    error: ServeError, scope: Scope, receive: Receive, send: Send
) -> None:
    from starlette.websockets import WebSocket

    response = make_error(error)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def make_error(error: ServeError) -> Any:
    """Return the response that tells a client of an error, one line of JSON."""
    from starlette.responses import JSONResponse

    found = {"error": str(error)}
    return JSONResponse(found, status_code=error.status, headers=error.headers)
