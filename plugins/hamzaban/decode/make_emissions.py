"""Run a model over a data directory and write its emissions to a store."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hamzaban.decode.decode_options import UTT2LANG, DecodeOptions
from hamzaban.decode.emissions import (
    Utterance,
    has_frames,
    make_batches,
    read_utterances,
    report_other_forms,
)
from hamzaban.decode.languages import Spoken, format_spoken, log_accuracy, read_spoken
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
from hamzaban.lm.info import hash_file
from hamzaban.processes import run_on_forks
from hamzaban.progress import ItemProgress

if TYPE_CHECKING:
    from torch import Tensor

    from hamzaban.decode.recognizer import Recognizer

MAX_PARTS = 256
Batch = tuple[Utterance, ...]


def fingerprint(
    model_files: Sequence[str | Path], utts: Sequence[Utterance], batch_bins: int
) -> dict[str, str]:
    """Return hashes of the model and of the recordings as they are batched.

    Emissions with the same hashes need not be made again.
    """
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
    """Write the emissions of a data directory, except those that are there already.

    Each process computes on one thread (or OMP_NUM_THREADS), so that the numbers are
    the same for any `nj`.

    Args:
        load: Returns the recognizer; called only if emissions are missing.
        data_dir: Data directory whose `wav.scp` names one mono file per utterance.
        folder: Folder of the store; made if missing.
        options: Options of decoding.
        model_files: Files of configuration and weights; where they have changed, all
            emissions are made again.

    Returns:
        The complete store.

    Raises:
        ValueError: There is no utterance, the model gives NaN, or a process died.
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
        logging.info("%s: all %d emissions are there already", folder, meta.num_utts)
        return EmissionStore(folder)
    _complete(load, utts, Path(data_dir), folder, options=options, source=source)
    return EmissionStore(folder)


def fingerprint_languages(data_dir: str | Path, mode: str) -> dict[str, str]:
    """Return what the choice of languages depends on; empty if it depends on
    nothing."""
    path = Path(data_dir) / "utt2lang"
    if mode == UTT2LANG:
        return {"language": hash_file(path)} if path.is_file() else {}
    return {"language": mode}


def read_languages(folder: str | Path) -> dict[str, Spoken]:
    """Return the language of each utterance of a store; empty for other models."""
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
    """Write the missing parts of a store."""
    batches = make_batches(utts, options.batch_bins)
    size = -(-len(batches) // MAX_PARTS)
    parts = [batches[i : i + size] for i in range(0, len(batches), size)]
    from hamzaban.decode.recognizer import set_threads

    start = time.monotonic()
    set_threads(1)  # forked from a process with more threads, a child would hang
    recognizer = load().route(data_dir, options.language)
    report_other_forms(utts, recognizer.fs)
    if options.dropout:
        recognizer = recognizer.drop_out(options.dropout, options.dropout_seed)
    meta = _describe(recognizer, source, len(utts), len(parts))
    if meta != read_meta(folder):
        write_meta(folder, meta)
    remove_leftovers(folder, recursive=False)
    missing = missing_parts(folder, meta)
    if len(missing) < len(parts):
        num_done = len(parts) - len(missing)
        logging.info(
            "%s: %d of %d parts are there already", folder, num_done, len(parts)
        )
    nj = 1 if options.ngpu else options.nj
    jobs = [(i, parts[i]) for i in missing]
    num_utts = sum(len(batch) for _, batches in jobs for batch in batches)
    progress = ItemProgress("log-posteriors", num_utts, "utterances")
    for count in run_on_forks(_write, (recognizer, folder), jobs, nj):
        progress.add(count)
    wall_s = time.monotonic() - start
    logging.info("%s: %d emissions made in %.1f s", folder, num_utts, wall_s)
    if recognizer.routing is not None:
        log_accuracy(read_languages(folder), recognizer.routing.truth, data_dir)


def compute_batches(
    recognizer: Recognizer, batches: Sequence[Batch]
) -> Iterator[tuple[str, LogProbs, Spoken]]:
    """Run a model on batches; read the next batch while it computes.

    Yields:
        utt_id, log-posteriors, shape (T, V), and language of each utterance; T is 0
        for an utterance that is too short for a frame.

    Raises:
        ValueError: Audio cannot be read, or the model gives NaN.
    """
    with ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(recognizer.read, batches[0])
        for i, batch in enumerate(batches):
            waveforms = waiting.result()
            if i + 1 < len(batches):
                waiting = reader.submit(recognizer.read, batches[i + 1])
            yield from _compute(recognizer, batch, waveforms)


def _compute(
    recognizer: Recognizer, batch: Batch, waveforms: Sequence[Tensor]
) -> Iterator[tuple[str, LogProbs, Spoken]]:
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
    num_tokens = len(recognizer.tokenizer.tokens)
    return Meta(source, num_tokens, recognizer.frame_shift_s, num_utts, num_parts)


def _write(shared: tuple[Recognizer, Path], part: tuple[int, Sequence[Batch]]) -> int:
    """Write a part and return its number of utterances."""
    recognizer, folder = shared
    number, batches = part
    write_part(folder, number, _compute_part(recognizer, folder, number, batches))
    return sum(len(batch) for batch in batches)


def _compute_part(
    recognizer: Recognizer, folder: Path, number: int, batches: Sequence[Batch]
) -> Iterator[tuple[str, LogProbs]]:
    """Yield the emissions of a part and write their languages after the last."""
    lines = []
    if recognizer.dropout_seed is not None:  # makes a part the same for any nj
        import torch

        torch.manual_seed(recognizer.dropout_seed * MAX_PARTS + number)
    for utt_id, log_probs, spoken in compute_batches(recognizer, batches):
        lines.append(format_spoken(utt_id, spoken))
        yield utt_id, log_probs
    if recognizer.routing is not None:
        with atomic_text(folder / f"{number:05d}{LANGUAGES}") as f:
            f.writelines(lines)
