"""Running jobs on several processes, and telling how far they are."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import Any, NamedTuple, TypeVar

J = TypeVar("J")
D = TypeVar("D")
S = TypeVar("S")
BATCHES_AHEAD = 4  # a process, so that none waits and few results are held
LOG_EVERY_S = 10.0
_shared: Any = None  # of a fork: what it took over from its parent


def run_on_processes(
    function: Callable[[J], D],
    jobs: Iterable[J],
    nj: int,
    *,
    batch_size: int = 1,
    start_pool: Callable[[int], ProcessPoolExecutor] | None = None,
) -> Iterator[D]:
    """Run jobs on `nj` processes; with one, in this process.

    Args:
        function: Of a module, so that another process finds it.
        jobs: Taken as they are needed.
        nj: Number of processes.
        batch_size: Jobs sent to a process at once.
        start_pool: Starts so many processes; default: new ones, which import anew.

    Yields:
        What the function returned, in no certain order.

    Raises:
        ValueError: A process died, for want of memory or in a decoder.
    """
    if nj == 1:
        yield from map(function, jobs)
        return
    batches = _batch(jobs, batch_size)
    with (start_pool or _start_pool)(nj) as pool:
        running: set[Future[list[D]]] = set()
        try:
            while True:
                for batch in islice(batches, nj * BATCHES_AHEAD - len(running)):
                    running.add(pool.submit(_run_batch, function, batch))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield from future.result()
        except BrokenProcessPool:
            raise ValueError(
                "a process died without a word; it was killed, perhaps for memory, or "
                "a decoder crashed: run again with a smaller --nj (1 shows the place)"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def run_on_forks(
    function: Callable[[S, J], D], shared: S, jobs: Sequence[J], nj: int
) -> Iterator[D]:
    """Run jobs on forks of this process; with one, in this process.

    A fork starts in milliseconds and has its parent's memory: the way for a model or a
    lexicon that takes long to load. The parent must not have computed on threads yet.

    Args:
        function: Of a module; it gets `shared` and a job.
        shared: What all jobs need; it is neither pickled nor copied.
        jobs: All of them.
        nj: Number of processes, at most.

    Yields:
        What the function returned, in no certain order.

    Raises:
        ValueError: A process died.
    """
    nj = min(nj, len(jobs))
    if nj <= 1:
        yield from (function(shared, job) for job in jobs)
        return
    start_pool = partial(_start_forks, shared)
    call = partial(_call_with_shared, function)
    yield from run_on_processes(call, jobs, nj, start_pool=start_pool)


class Crash(NamedTuple):
    """The job whose process died, twice: for want of memory, or in a decoder."""

    job: Any


def run_apart(
    function: Callable[[J], D], jobs: Iterable[J], nj: int
) -> Iterator[D | Crash]:
    """Run jobs on `nj` processes; one that dies costs its own job alone.

    Args:
        function: Of a module, so that another process finds it.
        jobs: Taken as they are needed.
        nj: Number of processes.

    Yields:
        What the function returned, or the job that cannot be done, in no certain order.
    """
    waiting = ((job, False) for job in jobs)
    again: list[tuple[J, bool]] = []
    idle = [_start_pool() for _ in range(nj)]
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
                idle.append(_start_pool() if is_dead else pool)
                if not is_dead:
                    yield future.result()
                elif has_died:
                    yield Crash(job)
                else:
                    again.append((job, True))
    finally:
        for pool in [*idle, *(pool for pool, _, _ in running.values())]:
            pool.shutdown(wait=False, cancel_futures=True)


def _start_pool(nj: int = 1) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # a fork would copy our threads
    return ProcessPoolExecutor(nj, context, initializer=_start_process)


def _start_forks(shared: object, nj: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(nj, context, _start_fork, (shared,))


def _start_fork(shared: object) -> None:
    global _shared
    _shared = shared
    _start_process()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a fork's job may be long


def _call_with_shared(function: Callable[[Any, J], D], job: J) -> D:
    return function(_shared, job)


def _batch(jobs: Iterable[J], size: int) -> Iterator[list[J]]:
    jobs = iter(jobs)
    while batch := list(islice(jobs, size)):
        yield batch


def _run_batch(function: Callable[[J], D], batch: list[J]) -> list[D]:
    return [function(job) for job in batch]


def _start_process() -> None:
    """Leave interrupts to the parent, and end with it, even when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True)
        watch.start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def show_progress(items: Iterable[D], total: int, title: str, unit: str) -> Iterator[D]:
    """Pass items on; show a bar on a terminal, elsewhere a log line now and then.

    Args:
        items: What is counted.
        total: How many there will be.
        title: What is being done.
        unit: What an item is, in the plural.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=title, total=total, unit=f" {unit}", leave=False)
        return
    began = last = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= LOG_EVERY_S:
            last = now
            left_s = (now - began) * (total - count) / count
            logging.info(
                "%s: %d of %d %s, about %.0f s left", title, count, total, unit, left_s
            )
