"""Labels of all emissions of a store, in processes, part by part on disk."""

from __future__ import annotations

import concurrent.futures
import json
import logging
import multiprocessing
import signal
import time
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from hamzaban.decode.store import EmissionStore
from hamzaban.fileio import atomic_text, remove_leftovers
from hamzaban.launch.local import die_with_parent
from hamzaban.pseudo.label import Labeller, write_labels

PART_UTTS = 500
META = "meta.json"
_job: tuple[Labeller, EmissionStore, Path] | None = None  # of a forked process

Part = tuple[int, Sequence[str]]


def label_store(
    search: tuple[Labeller, EmissionStore],
    folder: Path,
    source: Mapping[str, str],
    nj: int = 1,
) -> list[Path]:
    """Label all utterances of a store; what is there is not made again.

    The labels are the same for any `nj`, and for any number of kills and restarts.

    Args:
        search: The search, and the emissions it goes through.
        folder: Gets parts of JSON lines and `meta.json`.
        source: Fingerprint of all that decides the labels; parts of another are
            removed.
        nj: Processes.

    Returns:
        The parts, in the order of utt_ids.

    Raises:
        ValueError: A process died, or an emission is damaged.
    """
    global _job
    start = time.monotonic()
    _prepare(folder, dict(source))
    parts = _divide(list(search[1]))
    paths = [_part(folder, number) for number, _ in parts]
    missing = [part for part in parts if not paths[part[0]].is_file()]
    _job = (*search, folder)
    try:
        _run(missing, min(nj, len(missing)))
    finally:
        _job = None
    logging.info(
        "%s: %d of %d parts labelled, %d were there, %.1f s",
        *(folder, len(missing), len(paths), len(paths) - len(missing)),
        time.monotonic() - start,
    )
    return paths


def _divide(utt_ids: Sequence[str]) -> list[Part]:
    firsts = range(0, len(utt_ids), PART_UTTS)
    return [(i, utt_ids[k : k + PART_UTTS]) for i, k in enumerate(firsts)]


def _prepare(folder: Path, source: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    text = json.dumps(source, indent=1, sort_keys=True, ensure_ascii=False)
    path = folder / META
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    for part in folder.glob("*.jsonl"):
        part.unlink()
    with atomic_text(path) as f:
        f.write(text)


def _run(parts: Sequence[Part], nj: int) -> None:
    if nj <= 1:
        for part in parts:
            _label_part(part)
        return
    context = multiprocessing.get_context("fork")
    pool = concurrent.futures.ProcessPoolExecutor(
        nj, context, die_with_parent, (signal.SIGKILL,)
    )
    with pool:
        jobs = [pool.submit(_label_part, part) for part in parts]
        try:
            for job in concurrent.futures.as_completed(jobs):
                job.result()
        except BrokenProcessPool as e:
            raise ValueError(
                "a labelling process died, perhaps for lack of memory; give a lower "
                "--nj or beam_size"
            ) from e
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _label_part(part: Part) -> None:
    assert _job is not None
    labeller, store, folder = _job
    number, utt_ids = part
    found = (labeller.label(utt_id, store.read(utt_id)) for utt_id in utt_ids)
    write_labels(found, _part(folder, number))


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.jsonl"
