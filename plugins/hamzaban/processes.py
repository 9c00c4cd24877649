"""Run jobs on several processes and show their progress."""

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import Any, NamedTuple, TypeVar

from hamzaban.progress import ItemProgress, format_duration

J = TypeVar("J")
D = TypeVar("D")
S = TypeVar("S")
BATCHES_AHEAD = 4  # per process: enough to keep it busy, few to hold
LOG_EVERY_S = 10.0
DIED = "a process died: it was killed, perhaps for lack of memory, or a library crashed"
REMEDY = "give a lower --nj (with 1 the error names its place)"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_shared: Any = None  # what a fork received from its parent


def run_on_processes(
    function: Callable[[J], D],
    jobs: Iterable[J],
    nj: int,
    *,
    batch_size: int = 1,
    in_order: bool = False,
    by_fork: bool = False,
    setup: Callable[[], object] | None = None,
    remedy: str = REMEDY,
) -> Iterator[D]:
    """Run jobs on `nj` processes that end with this one; if it is 1, in this process.

    Args:
        function: A function of a module, so that another process can import it.
        jobs: Read as they are needed.
        nj: Number of processes.
        batch_size: Number of jobs sent to a process at once.
        in_order: Yield in the order of the jobs, not as they finish.
        by_fork: Fork this process, to share what it holds, such as a model. A fork
            inherits open files, and may hang if there are threads. Otherwise new
            processes are started.
        setup: Called once in each process; not called if `nj` is 1.
        remedy: What the user can do if a process dies.

    Yields:
        The results of the function.

    Raises:
        ValueError: A process died.
    """
    if nj == 1:
        yield from map(function, jobs)
        return
    pool = _start_pool(nj, by_fork=by_fork, setup=setup)
    work = partial(_run_batch, function)
    try:
        for done in _run_batches(pool, work, _batch(jobs, batch_size), nj, in_order):
            yield from done
    except BrokenProcessPool:
        raise ValueError(f"{DIED}; {remedy}") from None


def _run_batches(
    pool: ProcessPoolExecutor,
    work: Callable[[list[J]], list[D]],
    batches: Iterator[list[J]],
    nj: int,
    in_order: bool,
) -> Iterator[list[D]]:
    """Yield the results of batches of jobs; end the pool after the last one."""
    waiting: deque[Future[list[D]]] = deque()
    with pool:
        try:
            while True:
                for batch in islice(batches, nj * BATCHES_AHEAD - len(waiting)):
                    waiting.append(pool.submit(work, batch))
                if not waiting:
                    return
                yield _pop_done(waiting, in_order=in_order).result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _pop_done(waiting: deque[Future[D]], *, in_order: bool) -> Future[D]:
    """Remove and return the first future, or the first that is done."""
    if in_order:
        return waiting.popleft()
    wait(waiting, return_when=FIRST_COMPLETED)
    done = next(future for future in waiting if future.done())
    waiting.remove(done)
    return done


def run_on_forks(
    function: Callable[[S, J], D], shared: S, jobs: Sequence[J], nj: int
) -> Iterator[D]:
    """Run jobs on forks of this process, or in this process if one is enough.

    A fork starts fast and shares its parent's memory, so it suits a model or a lexicon
    that takes long to load. The parent must not have used threads before.

    Args:
        function: A function of a module; its arguments are `shared` and a job.
        shared: What all jobs need; it is neither pickled nor copied.
        jobs: All jobs.
        nj: Highest number of processes.

    Yields:
        The results of the function, in any order.

    Raises:
        ValueError: A process died.
    """
    nj = min(nj, len(jobs))
    if nj <= 1:
        yield from (function(shared, job) for job in jobs)
        return
    setup = partial(_set_shared, shared)
    call = partial(_call_with_shared, function)
    yield from run_on_processes(call, jobs, nj, by_fork=True, setup=setup)


class Crash(NamedTuple):
    """A job whose process died twice, for lack of memory or in a decoder."""

    job: Any


def run_apart(
    function: Callable[[J], D], jobs: Iterable[J], nj: int
) -> Iterator[D | Crash]:
    """Run jobs on `nj` processes; if one dies, only its own job is lost.

    Args:
        function: A function of a module, so that another process can import it.
        jobs: Read as they are needed.
        nj: Number of processes.

    Yields:
        The results of the function, or a `Crash` for a job that failed, in any order.
    """
    waiting = ((job, False) for job in jobs)
    again: list[tuple[J, bool]] = []
    idle = [_start_pool(1) for _ in range(nj)]
    running: dict[Future[D], tuple[ProcessPoolExecutor, J, bool]] = {}
    try:
        while True:
            while idle and (task := again.pop() if again else next(waiting, None)):
                pool = idle.pop()
                running[pool.submit(function, task[0])] = (pool, *task)
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                pool, job, has_died = running.pop(future)
                is_dead = isinstance(future.exception(), BrokenProcessPool)
                idle.append(_start_pool(1) if is_dead else pool)
                if not is_dead:
                    yield future.result()
                elif has_died:
                    yield Crash(job)
                else:
                    again.append((job, True))
    finally:
        for pool in [*idle, *(pool for pool, _, _ in running.values())]:
            pool.shutdown(wait=False, cancel_futures=True)


def _start_pool(
    nj: int, *, by_fork: bool = False, setup: Callable[[], object] | None = None
) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("fork" if by_fork else "spawn")
    start = (os.getpid() if by_fork else 0, setup)
    return ProcessPoolExecutor(nj, context, initializer=_start_process, initargs=start)


def _set_shared(shared: object) -> None:
    global _shared
    _shared = shared


def _call_with_shared(function: Callable[[Any, J], D], job: J) -> D:
    return function(_shared, job)


def _batch(jobs: Iterable[J], size: int) -> Iterator[list[J]]:
    jobs = iter(jobs)
    while batch := list(islice(jobs, size)):
        yield batch


def _run_batch(function: Callable[[J], D], batch: list[J]) -> list[D]:
    return [function(job) for job in batch]


def _start_process(forked_by: int, setup: Callable[[], object] | None) -> None:
    """Ignore interrupts, which the parent handles, and end when the parent ends.

    Args:
        forked_by: Process id of the parent; 0 if this process was not forked.
        setup: Called last.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if forked_by:  # forks do not notice the end of their parent otherwise
        die_with_parent(signal.SIGKILL)
        if os.getppid() != forked_by:
            os._exit(1)
    elif (parent := multiprocessing.parent_process()) is not None:
        watch = threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True)
        watch.start()
    if setup is not None:
        setup()


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Have the kernel signal this process when its parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def show_progress(items: Iterable[D], total: int, title: str, unit: str) -> Iterator[D]:
    """Yield items with a progress bar on a terminal, or with log lines elsewhere.

    Args:
        items: What is counted.
        total: Number of items.
        title: Name of the task.
        unit: Name of the items, in the plural.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=title, total=total, unit=f" {unit}", leave=False)
        return
    progress = ItemProgress(title, total, unit)
    last = time.monotonic()
    for item in items:
        yield item
        progress.add()
        now = time.monotonic()
        if now - last >= LOG_EVERY_S:
            last = now
            done, left = progress.done, format_duration(progress.left_s())
            logging.info(
                "%s: %d of %d %s, about %s left", title, done, total, unit, left
            )
