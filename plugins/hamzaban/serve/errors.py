"""The one class of errors that clients get."""

from __future__ import annotations

RETRY_AFTER_S = 5  # what a client that comes too early is told


class ServeError(Exception):
    """A request that is refused, or that fails.

    Attributes:
        status: Status of HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        """Set the status and the message, one line."""
        super().__init__(" ".join(message.split()))
        self.status = status

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of HTTP that belong to the status."""
        is_early = self.status in (429, 503)
        return {"Retry-After": str(RETRY_AFTER_S)} if is_early else {}
