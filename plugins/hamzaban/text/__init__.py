"""Text: tokens, token lists, and normalization."""

from typing import Any

__all__ = ["Normalizer"]


def __getattr__(name: str) -> Any:
    """Import the normalizer when it is asked for: tokens need none of it."""
    if name != "Normalizer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hamzaban.text.normalizer import Normalizer

    return Normalizer
