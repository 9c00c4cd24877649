"""Keep the memory of a long run flat, though each batch has another shape."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import Any

# oneDNN, which computes for PyTorch on CPUs, keeps what it made for each shape of a
# batch, 1024 of them by default, with memory of their own. Shapes hardly come twice.
CACHE_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
CACHE_CAPACITY = "8"


def limit_caches() -> None:
    """Limit the cache of oneDNN; to be called before PyTorch computes anything."""
    os.environ.setdefault(CACHE_VARIABLE, CACHE_CAPACITY)


def release_memory() -> None:
    """Give freed memory back to the system, which glibc does not do by itself."""
    trim = _find_trim()
    if trim is not None:
        trim(0)


@cache
def _find_trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
