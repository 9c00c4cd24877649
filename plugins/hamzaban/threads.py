"""Limit the time that idle OpenMP threads spin, before PyTorch loads the runtime."""

import os

# Iterations, about 50 microseconds. GNU's runtime, which is in PyTorch's wheels, spins
# for milliseconds by default. On a busy machine, threads then take the processor from
# each other. tests/bench/bench_threads.py measures it.
SPINCOUNT = "1000"
# If one of these is set (GNU, the standard, Intel and LLVM), the user has decided.
DECIDED_BY = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")


def limit_spinning() -> None:
    """Make idle threads of this process and of its children sleep early.

    This has no effect on a runtime that is loaded already.
    """
    if not any(name in os.environ for name in DECIDED_BY):
        os.environ["GOMP_SPINCOUNT"] = SPINCOUNT
