"""Describe in one line that the computer or a GPU ran out of memory."""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"out of memory|(?:not enough|can't allocate) memory"
    r"|cannot allocate memory|(?:CUDNN|CUBLAS)_STATUS_ALLOC_FAILED",
    re.IGNORECASE,
)
_ASKED = re.compile(r"tried to allocate ([\d.]+) ?(bytes|[KMGT]iB)", re.IGNORECASE)
REMEDY = "use a lower --nj, less data at once, or a computer with more memory"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of Python, NumPy or torch says that memory ran out."""
    return isinstance(error, MemoryError) or bool(_WORDS.search(str(error)))


def describe(error: BaseException) -> str:
    """Return which memory is full and, if it is known, how much more was needed."""
    text = str(error)
    is_gpu = re.search("cuda|cudnn|cublas|gpu", text, re.IGNORECASE)
    place = "the GPU's memory" if is_gpu else "the computer's memory"
    found = _ASKED.search(text)
    if not found:
        return f"{place} is full"
    number, unit = found.groups()
    if unit == "bytes":
        return f"{place} is full: it has no room for {float(number) / 2**20:.1f} MiB"
    return f"{place} is full: it has no room for {number} {unit}"
