"""The lock that a process inherits from the step that runs it.

It lasts as long as the command of the step. Whatever this process starts must not hold
it: a worker that outlives a killed command would keep the step from being run again.
"""

import os
from collections.abc import Mapping

VARIABLE = "HAMZABAN_LOCK"  # environment: descriptor, device and inode of the lock file

_held: list[int] = []


def describe_lock(descriptor: int) -> dict[str, str]:
    """Return the environment variable that names its lock to a command."""
    found = os.fstat(descriptor)
    return {VARIABLE: f"{descriptor} {found.st_dev} {found.st_ino}"}


def keep_lock_from_children() -> None:
    """Close an inherited lock in all processes that this one starts or forks."""
    descriptor = _find_inherited(os.environ)
    if descriptor is None or _held:
        return
    os.set_inheritable(descriptor, False)
    _held.append(descriptor)
    os.register_at_fork(after_in_child=_close)


def _find_inherited(environment: Mapping[str, str]) -> int | None:
    """Return the descriptor of the lock; None if it was not passed on to us."""
    try:
        numbers = [int(word) for word in environment.get(VARIABLE, "").split()]
        found = os.fstat(numbers[0])
    except (IndexError, ValueError, OSError):
        return None
    return numbers[0] if [found.st_dev, found.st_ino] == numbers[1:] else None


def _close() -> None:
    while _held:
        os.close(_held.pop())
