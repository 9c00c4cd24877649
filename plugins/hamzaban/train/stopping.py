"""End a training when a scheduler asks for it, with its state saved.

Slurm sends SIGUSR2 before the time limit of a job, and SIGTERM before preemption. The
training writes partial.pth after the update that is under way and exits with a status
of its own. Started again, it continues from there.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch

STATUS = 75  # EX_TEMPFAIL of sysexits.h: try again
IN_SLURM = "SLURM_JOB_ID"  # environment of a job

_asked: list[int] = []  # signals received


class Stopped(SystemExit):
    """The training has saved its state and ends."""

    def __init__(self) -> None:
        """Exit with STATUS."""
        super().__init__(STATUS)


@contextmanager
def heeded() -> Iterator[None]:
    """Note the signals that ask a training to end, in place of ending at once.

    SIGTERM is among them in a job of Slurm only. Outside the main thread, nothing is
    done.
    """
    _asked.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, _: FrameType | None) -> None:
        _asked.append(number)

    numbers = [signal.SIGUSR2]
    if IN_SLURM in os.environ:
        numbers.append(signal.SIGTERM)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_asked() -> bool:
    """Return whether a process of this training was asked to end.

    In a job of Slurm, all processes of the training call this together, after the same
    update, and all get the same answer. Elsewhere each knows of its own signals only.
    """
    world = torch.distributed
    is_one_of_many = world.is_available() and world.is_initialized()
    if not is_one_of_many or IN_SLURM not in os.environ:
        return bool(_asked)
    device = "cuda" if world.get_backend() == "nccl" else "cpu"
    count = torch.tensor([len(_asked)], device=device)
    world.all_reduce(count)
    return bool(count.item())
