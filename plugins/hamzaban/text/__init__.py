"""Text: tokens, token lists, and normalization."""

from typing import Any

__all__ = ["Normalizer"]


def __getattr__(name: str) -> Any:
    """Import the normalizer on first use, since tokens do not need it."""
    if name != "Normalizer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from hamzaban.text.normalizer import Normalizer

    return Normalizer
