"""Keeping the memory that training frees, so that each step need not ask for it again.

glibc gives large blocks back to the system when they are freed. The next step gets
fresh pages for them, and the system must clear each one: on a CPU this takes a third
of the time of a training step.
"""

import ctypes
import logging

# Parameters of mallopt(3) and their values.
_SETTINGS = {
    -4: 0,  # M_MMAP_MAX: no block is mapped, and so unmapped, by itself
    -1: -1,  # M_TRIM_THRESHOLD: the heap never shrinks
    -8: 1,  # M_ARENA_MAX: threads share one heap; others cannot hold large blocks
}


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to keep freed memory for this process.

    The process then holds its largest need of memory until it ends.

    Returns:
        Whether the allocator took the settings; False where there is no glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        logging.info("Memory is handled by the system's allocator: no mallopt here")
        return False
    return all([mallopt(name, value) for name, value in _SETTINGS.items()])
