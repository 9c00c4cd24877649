"""Report an error of processes that train together in one line.

ESPnet2 starts a process for each GPU. Without this module, a process that fails prints
a traceback, the others print theirs as they lose the connection, and the first process
adds its own.
"""

import json
import multiprocessing
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing.spawn import ProcessExitedException

from hamzaban.cli import DEBUG_VARIABLE, USER_ERRORS, describe_error
from hamzaban.fileio import atomic_text
from hamzaban.out_of_memory import is_out_of_memory
from hamzaban.processes import die_with_parent
from hamzaban.train.checkpoints import replaced
from hamzaban.train.stopping import STATUS, Stopped

_LOST = re.compile(
    r"connection (?:closed by peer|reset|refused)|socket (?:closed|timeout)|gloo"
    r"|NCCL|broken pipe",
    re.IGNORECASE,
)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End processes that are started inside together with this one; raise their error.

    Raises:
        MemoryError: A process ran out of memory; the text is that of its error.
        ValueError: A process found an error of the user, was killed, lost the others,
            or failed in another way after it printed its traceback.
    """
    with tempfile.TemporaryDirectory(prefix="hamzaban-errors-") as name:
        context = partial(_Context, Path(name))
        try:
            with replaced(torch.multiprocessing, "get_context", context):
                yield
        except ProcessExitedException as error:
            if error.exit_code == STATUS:
                raise Stopped from None
            raise _find_cause(Path(name), error) from None
        except RuntimeError as error:
            if is_out_of_memory(error) or not _is_lost(error):
                raise
            raise ValueError(
                "a process that trained with this one has ended "
                f"({describe_error(error)}); see its messages"
            ) from error


def leave_group() -> None:
    """Leave the group of processes that train together, if there is one.

    ESPnet2 does not. Threads of gloo may then still hold tensors when the interpreter
    ends, and abort a process whose training has succeeded.
    """
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()  # the others would fail if one left early
        distributed.destroy_process_group()


class _Context:
    """A context of multiprocessing whose processes report their errors to a folder."""

    def __init__(self, folder: Path, method: str | None = None) -> None:
        self._folder, self._real = folder, multiprocessing.get_context(method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def Process(
        self, target: Callable[..., Any], args: tuple[Any, ...] = (), **rest: Any
    ) -> Any:
        """Return a process that calls the target, not started yet."""
        if os.environ.get(DEBUG_VARIABLE):
            return self._real.Process(target=target, args=args, **rest)  # type: ignore[attr-defined]
        words = (self._folder, target, *args)
        return self._real.Process(target=_run, args=words, **rest)  # type: ignore[attr-defined]


def _run(folder: Path, target: Callable[..., Any], *args: Any) -> None:
    """Call the target in a process; report its error and exit with status 1."""
    die_with_parent()
    try:
        target(*args)
    except Exception as error:
        is_memory = is_out_of_memory(error)
        if is_memory or isinstance(error, USER_ERRORS):
            text = str(error) if is_memory else describe_error(error)
            with atomic_text(folder / str(os.getpid())) as stream:
                json.dump({"is_memory": is_memory, "text": text}, stream)
        elif not any(folder.iterdir()):  # else it follows from the error reported there
            raise
        sys.exit(1)


def _find_cause(folder: Path, error: ProcessExitedException) -> Exception:
    """Return the first error that was reported, or what is known without a report."""
    reports = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    if reports:
        found = json.loads(reports[0].read_text(encoding="utf-8"))
        return (MemoryError if found["is_memory"] else ValueError)(found["text"])
    place = f"process {error.error_index} of training"
    if error.exit_code == -signal.SIGKILL:
        return ValueError(
            f"{place} was killed, perhaps for lack of memory on this machine; lower "
            "--num_workers or --batch_bins, or train on fewer GPUs"
        )
    return ValueError(
        f"{place} ended with status {error.exit_code}; its error stands above"
    )


def _is_lost(error: RuntimeError) -> bool:
    distributed = torch.distributed
    is_one_of_many = distributed.is_available() and distributed.is_initialized()
    return is_one_of_many and bool(_LOST.search(str(error)))
