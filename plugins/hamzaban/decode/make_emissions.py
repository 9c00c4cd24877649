"""Running a model over a data directory into a store of emissions."""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hamzaban.decode.emissions import (
    Utterance,
    emit,
    has_frames,
    make_batches,
    read_utterances,
)
from hamzaban.decode.options import DecodeOptions
from hamzaban.decode.store import (
    EmissionStore,
    LogProbs,
    Meta,
    missing_parts,
    read_meta,
    write_meta,
    write_part,
)
from hamzaban.fileio import remove_leftovers
from hamzaban.launch.local import die_with_parent
from hamzaban.lm.info import hash_file

if TYPE_CHECKING:
    from hamzaban.decode.recogniser import Recogniser

MAX_PARTS = 256
Batch = tuple[Utterance, ...]
_recogniser: Recogniser | None = None  # of a forked process, as in `run`


def fingerprint(
    model_files: Sequence[str | Path], utts: Sequence[Utterance], batch_bins: int
) -> dict[str, str]:
    """Say what emissions are made of: of a model, and of recordings as batched."""
    rows = [
        (utt.utt_id, utt.path, utt.num_samples, os.stat(utt.path).st_size)
        for utt in utts
    ]
    text = json.dumps([batch_bins, rows])
    found = {Path(path).name: hash_file(path) for path in model_files}
    return found | {"utterances": hashlib.sha256(text.encode()).hexdigest()}


def make_emissions(
    load: Callable[[], Recogniser],
    data_dir: str | Path,
    folder: str | Path,
    options: DecodeOptions,
    model_files: Sequence[str | Path],
) -> EmissionStore:
    """Write the emissions of a data directory; go on with those begun before.

    Each process computes on one thread (or OMP_NUM_THREADS), so that the numbers are
    the same for any `nj`.

    Args:
        load: Gives the recogniser; called only if something is missing.
        data_dir: Has `wav.scp` of one mono file an utterance.
        folder: Of the store; made if missing.
        options: Numbers of jobs and samples.
        model_files: Configuration and weights; others than before begin anew.

    Returns:
        The complete store.

    Raises:
        ValueError: There is no utterance, or a process died.
    """
    folder = Path(folder)
    utts = read_utterances(data_dir)
    if not utts:
        raise ValueError(f"{data_dir}/wav.scp: no utterance found, expected some")
    source = fingerprint(model_files, utts, options.batch_bins)
    meta = read_meta(folder)
    if meta is not None and meta.source == source and not missing_parts(folder, meta):
        logging.info("%s: %d emissions are there", folder, meta.num_utts)
        return EmissionStore(folder)
    _complete(load, utts, folder, options, source)
    return EmissionStore(folder)


def _complete(
    load: Callable[[], Recogniser],
    utts: Sequence[Utterance],
    folder: Path,
    options: DecodeOptions,
    source: dict[str, str],
) -> None:
    """Write the parts of a store that are missing."""
    batches = make_batches(utts, options.batch_bins)
    size = -(-len(batches) // MAX_PARTS)
    parts = [batches[i : i + size] for i in range(0, len(batches), size)]
    start = time.monotonic()
    _set_threads()  # before a fork: it would hang in another number of threads
    recogniser = load()
    meta = _describe(recogniser, source, len(utts), len(parts))
    if meta != read_meta(folder):
        write_meta(folder, meta)
    remove_leftovers(folder, recursive=False)
    missing = missing_parts(folder, meta)
    if len(missing) < len(parts):
        logging.info("%s: %d parts are there", folder, len(parts) - len(missing))
    _run(recogniser, folder, [(i, parts[i]) for i in missing], options)
    wall_s = time.monotonic() - start
    logging.info("%s: %d emissions in %.1f s", folder, len(utts), wall_s)


def compute(recogniser: Recogniser, batch: Batch) -> Iterator[tuple[str, LogProbs]]:
    """Give utt_id and log-posteriors, shape (T, V), of a batch.

    Raises:
        ValueError: The model gives NaN.
    """
    waveforms = recogniser.read(batch)
    long = [
        i for i, wav in enumerate(waveforms) if has_frames(len(wav), recogniser.conv)
    ]
    found: dict[int, LogProbs] = {}
    if long:
        log_probs, lengths = emit(recogniser.model, [waveforms[i] for i in long])
        matrix = log_probs.float().cpu().numpy()  # (B, T, V)
        for row, i in enumerate(long):
            found[i] = matrix[row, : int(lengths[row])]
            if np.isnan(found[i]).any():
                raise ValueError(
                    f"{batch[i].utt_id}: the model's log-posteriors are NaN; decode "
                    "with another checkpoint and look at the losses in train.log"
                )
    empty = np.zeros((0, len(recogniser.tokenizer.tokens)), np.float32)
    for i, utt in enumerate(batch):
        yield utt.utt_id, found.get(i, empty)


def _describe(
    recogniser: Recogniser, source: dict[str, str], num_utts: int, num_parts: int
) -> Meta:
    shift = 1
    for _, stride in recogniser.conv:
        shift *= stride
    num_tokens = len(recogniser.tokenizer.tokens)
    return Meta(source, num_tokens, shift / recogniser.fs, num_utts, num_parts)


def _run(
    recogniser: Recogniser,
    folder: Path,
    parts: Sequence[tuple[int, Sequence[Batch]]],
    options: DecodeOptions,
) -> None:
    global _recogniser
    _recogniser = recogniser
    nj = 1 if options.ngpu else min(options.nj, len(parts))
    try:
        if nj <= 1:
            for number, batches in parts:
                _write(folder, number, batches)
            return
        context = multiprocessing.get_context("fork")
        pool = concurrent.futures.ProcessPoolExecutor(
            nj, context, die_with_parent, (signal.SIGKILL,)
        )
        with pool:
            jobs = [pool.submit(_write, folder, *part) for part in parts]
            try:
                for job in concurrent.futures.as_completed(jobs):
                    job.result()
            except BrokenProcessPool as e:
                raise ValueError(
                    "a process died, perhaps for lack of memory; give a lower --nj or "
                    "--batch_bins"
                ) from e
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    finally:
        _recogniser = None


def _write(folder: Path, number: int, batches: Sequence[Batch]) -> None:
    recogniser = _recogniser
    assert recogniser is not None
    rows = (row for batch in batches for row in compute(recogniser, batch))
    write_part(folder, number, rows)


def _set_threads() -> None:
    import torch

    threads = os.environ.get("OMP_NUM_THREADS", "")
    torch.set_num_threads(int(threads) if threads.isdecimal() and int(threads) else 1)
