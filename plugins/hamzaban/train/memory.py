"""Keep the memory that a training step frees, for the next step.

glibc returns large freed blocks to the system. The next step then gets new pages, which
the system has to clear: on a CPU this takes a third of the time of a training step.
"""

import ctypes
import logging

# Parameters of mallopt(3) and their values.
_SETTINGS = {
    -4: 0,  # M_MMAP_MAX: no block is mapped alone, so none is unmapped
    -1: -1,  # M_TRIM_THRESHOLD: the heap never shrinks
    -8: 1,  # M_ARENA_MAX: threads share one heap; others cannot hold large blocks
}


def keep_freed_memory() -> bool:
    """Make glibc's allocator keep freed memory for this process.

    The process then keeps as much memory as it ever needed until it ends.

    Returns:
        Whether the allocator took the settings; False where there is no glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        logging.info(
            "Freed memory is not kept: the allocator of this system has no mallopt"
        )
        return False
    return all(mallopt(name, value) for name, value in _SETTINGS.items())
