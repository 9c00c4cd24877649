"""How long idle threads of OpenMP spin, set before PyTorch loads its runtime."""

import os

# Iterations, some 50 microseconds. By default GNU's runtime, which PyTorch's wheels
# bring, spins for milliseconds: beside other work two threads then take the processor
# from each other. tests/bench/bench_threads.py measures it.
SPINCOUNT = "1000"
# A user who has set one of these, of GNU, the standard, or Intel and LLVM, has decided.
DECIDED_BY = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")


def limit_spinning() -> None:
    """Have the threads of this process, and those it starts, sleep early.

    It has no effect on a runtime that is loaded already.
    """
    if not any(name in os.environ for name in DECIDED_BY):
        os.environ["GOMP_SPINCOUNT"] = SPINCOUNT
