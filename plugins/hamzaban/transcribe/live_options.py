"""Options of live transcription."""

from __future__ import annotations

import dataclasses

from hamzaban.config import check_options, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How much the model hears at a time.

    Attributes:
        chunk_s: New audio in each step; rounded to a multiple of 32 ms.
        look_ahead_s: Audio that the model has heard after a frame before the frame is
            kept.
        left_context_s: Audio before the first frame that is not kept yet.
    """

    chunk_s: float = option(0.48, at_least=0.032, at_most=10)
    look_ahead_s: float = option(0.48, at_least=0, at_most=10)
    left_context_s: float = option(8.0, at_least=0, at_most=60)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is out of range.
        """
        check_options(self, "--")
