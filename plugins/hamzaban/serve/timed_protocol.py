"""HTTP that does not wait for ever for a request to begin."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class TimedProtocol(H11Protocol):
    """Closes connections that do not complete the head of a request in time.

    uvicorn has a limit for the time after an answer only, so that clients that connect
    and send nothing, or a byte now and then, would occupy all connections.

    Attributes:
        max_head_s: Longest time from connecting, or from the first byte, to the end of
            the head.
    """

    max_head_s = 10.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for a request."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take data; go on waiting unless a request is being answered."""
        super().data_received(data)
        if self.transport.is_closing() or not self._is_waiting():
            self._disarm()
        elif self.transport.get_protocol() is self:
            self._arm()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Leave the connection to the protocol of WebSocket."""
        self._disarm()
        super().handle_websocket_upgrade(event)

    def _is_waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.max_head_s, self._give_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._is_waiting():
            self.transport.abort()
