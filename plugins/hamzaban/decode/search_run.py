"""Searching all emissions of a store, in processes."""

from __future__ import annotations

import concurrent.futures
import logging
import multiprocessing
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool

from hamzaban.decode.result import Result
from hamzaban.decode.search import Searcher
from hamzaban.decode.search_options import SearchOptions
from hamzaban.decode.store import EmissionStore
from hamzaban.launch.local import die_with_parent

MAX_CHUNK = 32
MAX_SHOWN = 20
_job: tuple[Searcher, EmissionStore] | None = None  # of a forked process

Found = dict[str, list[Result]]


class SearchPool:
    """Processes that search one store; forked once the searcher is built."""

    def __init__(self, searcher: Searcher, store: EmissionStore, nj: int) -> None:
        """Take what the processes share.

        Args:
            searcher: Of any kind; language model and lexicon are shared, not copied.
            store: The emissions.
            nj: Processes; 1 is this one.
        """
        self._searcher, self._store = searcher, store
        utt_ids = sorted(store, key=lambda utt: (-store.num_frames(utt), utt))
        size = max(1, min(MAX_CHUNK, len(utt_ids) // (8 * nj)))
        self._chunks = [utt_ids[i : i + size] for i in range(0, len(utt_ids), size)]
        self._pool: concurrent.futures.ProcessPoolExecutor | None = None
        self._nj = min(nj, len(self._chunks))

    def __enter__(self) -> SearchPool:
        """Start the processes."""
        global _job
        _job = (self._searcher, self._store)
        if self._nj > 1:
            context = multiprocessing.get_context("fork")
            self._pool = concurrent.futures.ProcessPoolExecutor(
                self._nj, context, die_with_parent, (signal.SIGKILL,)
            )
        return self

    def __exit__(self, *error: object) -> None:
        """End the processes."""
        global _job
        _job = None
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def search(self, options: SearchOptions) -> Found:
        """Search every utterance; the same for any number of processes.

        Raises:
            ValueError: A process died, or an emission is damaged.
        """
        found: Found = {}
        for chunk in self._run(options):
            found.update(chunk)
        return {utt_id: found[utt_id] for utt_id in self._store}

    def _run(self, options: SearchOptions) -> Iterator[Found]:
        if self._pool is None:
            yield from (_search((options, chunk)) for chunk in self._chunks)
            return
        try:
            yield from self._pool.map(_search, ((options, c) for c in self._chunks))
        except BrokenProcessPool as e:
            raise ValueError(
                "a searching process died, perhaps for lack of memory; give a lower "
                "--nj or beam_size"
            ) from e


def search_store(searcher: Searcher, store: EmissionStore, nj: int) -> Found:
    """Search all emissions of a store and log the speed."""
    start = time.monotonic()
    with SearchPool(searcher, store, nj) as pool:
        found = pool.search(searcher.options)
    wall_s = max(time.monotonic() - start, 1e-9)
    frames = sum(store.num_frames(utt_id) for utt_id in store)
    audio_s = max(frames * store.meta.frame_shift_s, 1e-9)
    logging.info(
        "%s: %d utterances searched in %.2f s, RTF %.5f, %.1f utterances/s",
        *(store.folder, len(store), wall_s, wall_s / audio_s, len(store) / wall_s),
    )
    log_empty(utt_id for utt_id, results in found.items() if not _has_text(results))
    return found


def log_empty(utt_ids: Iterable[str]) -> None:
    """Log which utterances have no text."""
    empty = list(utt_ids)
    if empty:
        more = f" and {len(empty) - MAX_SHOWN} more" if len(empty) > MAX_SHOWN else ""
        shown = " ".join(empty[:MAX_SHOWN]) + more
        logging.warning("%d utterances are empty: %s", len(empty), shown)


def _search(task: tuple[SearchOptions, Sequence[str]]) -> Found:
    assert _job is not None
    searcher, store = _job
    options, utt_ids = task
    if searcher.options != options:
        searcher.tune(options)
    return {utt_id: searcher.decode(store.read(utt_id)) for utt_id in utt_ids}


def _has_text(results: Sequence[Result]) -> bool:
    return bool(results and results[0].words)
