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
    has_frames,
    make_batches,
    read_utterances,
)
from hamzaban.decode.languages import Spoken, format_spoken, log_accuracy, read_spoken
from hamzaban.decode.search_options import UTT2LANG, DecodeOptions
from hamzaban.decode.store import (
    LANGUAGES,
    EmissionStore,
    LogProbs,
    Meta,
    missing_parts,
    read_meta,
    write_meta,
    write_part,
)
from hamzaban.fileio import atomic_text, remove_leftovers
from hamzaban.launch.local import die_with_parent
from hamzaban.lm.info import hash_file
from hamzaban.progress import ItemProgress

if TYPE_CHECKING:
    from hamzaban.decode.recognizer import Recognizer

MAX_PARTS = 256
Batch = tuple[Utterance, ...]
_recognizer: Recognizer | None = None  # of a forked process, as in `run`


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
    load: Callable[[], Recognizer],
    data_dir: str | Path,
    folder: str | Path,
    options: DecodeOptions,
    model_files: Sequence[str | Path],
) -> EmissionStore:
    """Write the emissions of a data directory; go on with those begun before.

    Each process computes on one thread (or OMP_NUM_THREADS), so that the numbers are
    the same for any `nj`.

    Args:
        load: Gives the recognizer; called only if something is missing.
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
    source |= fingerprint_languages(data_dir, options.language)
    if options.dropout:
        source["dropout"] = f"{options.dropout} {options.dropout_seed}"
    meta = read_meta(folder)
    if meta is not None and meta.source == source and not missing_parts(folder, meta):
        logging.info("%s: %d emissions are there", folder, meta.num_utts)
        return EmissionStore(folder)
    _complete(load, utts, Path(data_dir), folder, options=options, source=source)
    return EmissionStore(folder)


def fingerprint_languages(data_dir: str | Path, mode: str) -> dict[str, str]:
    """Say how languages were chosen; nothing where the data do not name any."""
    path = Path(data_dir) / "utt2lang"
    if mode == UTT2LANG:
        return {"language": hash_file(path)} if path.is_file() else {}
    return {"language": mode}


def read_languages(folder: str | Path) -> dict[str, Spoken]:
    """Read the languages of a store's utterances; none if its model has no such."""
    return read_spoken(sorted(Path(folder).glob(f"*{LANGUAGES}")))


def _complete(
    load: Callable[[], Recognizer],
    utts: Sequence[Utterance],
    data_dir: Path,
    folder: Path,
    *,
    options: DecodeOptions,
    source: dict[str, str],
) -> None:
    """Write the parts of a store that are missing."""
    batches = make_batches(utts, options.batch_bins)
    size = -(-len(batches) // MAX_PARTS)
    parts = [batches[i : i + size] for i in range(0, len(batches), size)]
    start = time.monotonic()
    _set_threads()  # before a fork: it would hang in another number of threads
    recognizer = load().route(data_dir, options.language)
    if options.dropout:
        recognizer = recognizer.drop_out(options.dropout, options.dropout_seed)
    meta = _describe(recognizer, source, len(utts), len(parts))
    if meta != read_meta(folder):
        write_meta(folder, meta)
    remove_leftovers(folder, recursive=False)
    missing = missing_parts(folder, meta)
    if len(missing) < len(parts):
        logging.info("%s: %d parts are there", folder, len(parts) - len(missing))
    _run(recognizer, folder, [(i, parts[i]) for i in missing], options)
    wall_s = time.monotonic() - start
    logging.info("%s: %d emissions in %.1f s", folder, len(utts), wall_s)
    if recognizer.routing is not None:
        log_accuracy(read_languages(folder), recognizer.routing.truth, data_dir)


def compute(
    recognizer: Recognizer, batch: Batch
) -> Iterator[tuple[str, LogProbs, Spoken]]:
    """Give utt_id, log-posteriors, shape (T, V), and languages of a batch.

    Raises:
        ValueError: The model gives NaN.
    """
    waveforms = recognizer.read(batch)
    long = [
        i for i, wav in enumerate(waveforms) if has_frames(len(wav), recognizer.conv)
    ]
    found: dict[int, LogProbs] = {}
    languages: dict[int, Spoken] = {}
    if long:
        log_probs, lengths, spoken = recognizer.emit(
            [waveforms[i] for i in long], [batch[i].utt_id for i in long]
        )
        languages = dict(zip(long, spoken, strict=True))
        matrix = log_probs.float().cpu().numpy()  # (B, T, V)
        for row, i in enumerate(long):
            found[i] = matrix[row, : int(lengths[row])]
            if np.isnan(found[i]).any():
                raise ValueError(
                    f"{batch[i].utt_id}: the model's log-posteriors are NaN; decode "
                    "with another checkpoint and look at the losses in train.log"
                )
    empty = np.zeros((0, len(recognizer.tokenizer.tokens)), np.float32)
    for i, utt in enumerate(batch):
        yield utt.utt_id, found.get(i, empty), languages.get(i, Spoken())


def _describe(
    recognizer: Recognizer, source: dict[str, str], num_utts: int, num_parts: int
) -> Meta:
    shift = 1
    for _, stride in recognizer.conv:
        shift *= stride
    num_tokens = len(recognizer.tokenizer.tokens)
    return Meta(source, num_tokens, shift / recognizer.fs, num_utts, num_parts)


def _run(
    recognizer: Recognizer,
    folder: Path,
    parts: Sequence[tuple[int, Sequence[Batch]]],
    options: DecodeOptions,
) -> None:
    global _recognizer
    _recognizer = recognizer
    nj = 1 if options.ngpu else min(options.nj, len(parts))
    sizes = [sum(len(batch) for batch in batches) for _, batches in parts]
    progress = ItemProgress("log-posteriors", sum(sizes), "utterances")
    try:
        if nj <= 1:
            for (number, batches), size in zip(parts, sizes, strict=True):
                _write(folder, number, batches)
                progress.add(size)
            return
        context = multiprocessing.get_context("fork")
        pool = concurrent.futures.ProcessPoolExecutor(
            nj, context, die_with_parent, (signal.SIGKILL,)
        )
        with pool:
            jobs = {
                pool.submit(_write, folder, *part): size
                for part, size in zip(parts, sizes, strict=True)
            }
            try:
                for job in concurrent.futures.as_completed(jobs):
                    job.result()
                    progress.add(jobs[job])
            except BrokenProcessPool as e:
                raise ValueError(
                    "a process died, perhaps for lack of memory; give a lower --nj or "
                    "--batch_bins"
                ) from e
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
    finally:
        _recognizer = None


def _write(folder: Path, number: int, batches: Sequence[Batch]) -> None:
    recognizer = _recognizer
    assert recognizer is not None
    write_part(folder, number, _compute_part(recognizer, folder, number, batches))


def _compute_part(
    recognizer: Recognizer, folder: Path, number: int, batches: Sequence[Batch]
) -> Iterator[tuple[str, LogProbs]]:
    """Give the emissions of a part; its languages are written before it is complete."""
    lines = []
    if recognizer.dropout_seed is not None:  # the same in any order, for any nj
        import torch

        torch.manual_seed(recognizer.dropout_seed * MAX_PARTS + number)
    for batch in batches:
        for utt_id, log_probs, spoken in compute(recognizer, batch):
            lines.append(format_spoken(utt_id, spoken))
            yield utt_id, log_probs
    if recognizer.routing is not None:
        with atomic_text(folder / f"{number:05d}{LANGUAGES}") as f:
            f.writelines(lines)


def _set_threads() -> None:
    import torch

    threads = os.environ.get("OMP_NUM_THREADS", "")
    torch.set_num_threads(int(threads) if threads.isdecimal() and int(threads) else 1)
