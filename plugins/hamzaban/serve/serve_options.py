"""Options of the service: its limits."""

from __future__ import annotations

import dataclasses

from hamzaban.config import check_options, option

MB = 1_000_000  # bytes
FRAMING_BYTES = 64_000  # of a request around its file, at most


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """What clients may ask for.

    Attributes:
        max_upload_mb: Largest file, in MB (10^6 bytes).
        max_audio_s: Longest recording, in seconds.
        max_upload_s: Longest time in which a file may arrive.
        max_job_s: Longest time that a file may take, waiting included.
        max_parallel: Files that are transcribed at once.
        max_queue: Files that may wait beside those.
        max_live: Live streams at once.
        max_live_s: Longest live stream, in seconds of audio.
        max_idle_s: Longest time in which a live stream may bring nothing.
        max_connections: Connections at once.
        max_head_s: Longest time until a connection has sent the head of a request.
    """

    max_upload_mb: float = option(200.0, above=0)
    max_audio_s: float = option(7200.0, above=0)
    max_upload_s: float = option(300.0, above=0)
    max_job_s: float = option(1800.0, above=0)
    max_parallel: int = option(2, at_least=1)
    max_queue: int = option(8, at_least=0)
    max_live: int = option(4, at_least=0)
    max_live_s: float = option(7200.0, above=0)
    max_idle_s: float = option(30.0, above=0)
    max_connections: int = option(100, at_least=1)
    max_head_s: float = option(10.0, above=0)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is out of range.
        """
        check_options(self, "--")

    @property
    def max_body(self) -> int:
        """Return the largest body of a request, in bytes."""
        return round(self.max_upload_mb * MB) + FRAMING_BYTES
