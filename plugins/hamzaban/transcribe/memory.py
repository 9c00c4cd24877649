"""Keep the memory of a long run constant although each batch has another shape."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import Any

# oneDNN, which computes for PyTorch on CPUs, caches what it prepared for each shape of
# a batch: 1024 entries by default, each with its own memory. Few shapes occur twice.
CACHE_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
CACHE_CAPACITY = "8"


def limit_caches() -> None:
    """Limit the cache of oneDNN; call this before PyTorch computes anything."""
    os.environ.setdefault(CACHE_VARIABLE, CACHE_CAPACITY)


def release_memory() -> None:
    """Return freed memory to the system, which glibc does not do by itself."""
    trim = _find_trim()
    if trim is not None:
        trim(0)


@cache
def _find_trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
