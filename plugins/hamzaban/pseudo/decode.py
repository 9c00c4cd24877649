"""Label all utterances of a store of emissions, in parts that survive a kill."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hamzaban.decode.store import EmissionStore
from hamzaban.fileio import atomic_text, remove_leftovers
from hamzaban.processes import run_on_forks
from hamzaban.pseudo.label import Labeller, write_labels

PART_UTTS = 500
META = "meta.json"

Part = tuple[int, Sequence[str]]


def label_store(
    search: tuple[Labeller, EmissionStore],
    folder: Path,
    source: Mapping[str, str],
    nj: int = 1,
) -> list[Path]:
    """Label all utterances of a store; keep the parts that an earlier run wrote.

    The labels do not depend on `nj`, nor on how often the run was killed and restarted.

    Args:
        search: The labeller, and the emissions that it decodes.
        folder: Folder to write: parts of JSON lines, and `meta.json`.
        source: Fingerprints of everything that decides the labels; parts with other
            fingerprints are removed.
        nj: Number of processes.

    Returns:
        The files of the parts, in the order of utt_ids.

    Raises:
        ValueError: A process died, or an emission is damaged.
    """
    start = time.monotonic()
    _prepare(folder, dict(source))
    parts = _divide(list(search[1]))
    paths = [_part(folder, number) for number, _ in parts]
    missing = [part for part in parts if not paths[part[0]].is_file()]
    for _ in run_on_forks(_label_part, (*search, folder), missing, nj):
        pass
    logging.info(
        "%s: labelled %d of %d parts in %.1f s; %d were there",
        folder,
        len(missing),
        len(paths),
        time.monotonic() - start,
        len(paths) - len(missing),
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


def _label_part(shared: tuple[Labeller, EmissionStore, Path], part: Part) -> None:
    labeller, store, folder = shared
    number, utt_ids = part
    found = (labeller.label(utt_id, store.read(utt_id)) for utt_id in utt_ids)
    write_labels(found, _part(folder, number))


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.jsonl"
