"""Run the jobs of all parts that have no valid record."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hamzaban.audio.format_options import hash_text
from hamzaban.audio.source import UnreadableError
from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.mining_state import VERSION, Source, load_part
from hamzaban.mine.part_mining import PartJob, mine_part
from hamzaban.mine.progress import Progress
from hamzaban.mine.sources import rec_id_of
from hamzaban.processes import Crash, run_apart

SEAM_DB = 0.5  # largest median difference of levels where two parts meet
AUDIBLE = 1e-7  # mean square, -70 dB
CRASHED = ("crashed", "the process died, for lack of memory or in a decoder")


@dataclass(frozen=True)
class Mined:
    """A source and the jobs of its parts.

    Attributes:
        source: The file.
        rec_id: Its id; "" if it could not be read.
        jobs: The jobs of its parts; none if there is a reason.
        reason: One word that says why nothing was mined; "" otherwise.
        detail: The message for the reason, or the path of the identical file.
    """

    source: Source
    rec_id: str
    jobs: tuple[PartJob, ...]
    reason: str = ""
    detail: str = ""


class PartDone(NamedTuple):
    """The result of a job: audio decoded and kept, s, or why it failed."""

    record: Path
    done_s: float
    found_s: float
    reason: str = ""
    detail: str = ""


def plan_parts(
    sources: Sequence[Source], out_dir: Path, options: MineOptions
) -> list[Mined]:
    """Return the jobs of each source; identical files are mined once."""
    first: dict[str, str] = {}
    planned = []
    for source in sources:
        if source.media is None:
            planned.append(Mined(source, "", (), source.reason, source.detail))
        elif source.sha256 in first:
            same = first[source.sha256]
            planned.append(
                Mined(source, rec_id_of(source), (), "same_file", f"same as {same}")
            )
        else:
            first[source.sha256] = source.path
            ends = (*source.bounds[1:], None)
            spans = list(zip(source.bounds, ends, strict=True))
            rec_id = rec_id_of(source)
            jobs = _make_jobs(source, spans, out_dir, options)
            planned.append(Mined(source, rec_id, jobs))
    return planned


def mine_parts(
    planned: Sequence[Mined], out_dir: Path, options: MineOptions, nj: int
) -> list[Mined]:
    """Run the missing jobs; mine a file as one part if its parts do not fit together.

    Returns:
        The sources, each with its jobs or a reason.
    """
    failed = _run_missing((job for mined in planned for job in mined.jobs), nj)
    settled = []
    for mined in planned:
        is_failed = any(job.record in failed for job in mined.jobs)
        if len(mined.jobs) > 1 and (is_failed or not _fit(mined.jobs)):
            logging.warning(
                "%s: seeking is inexact, so it is mined as one part", mined.source.path
            )
            jobs = _make_jobs(mined.source, [(0, None)], out_dir, options)
            mined = replace(mined, jobs=jobs)
        settled.append(mined)
    failed |= _run_missing((job for mined in settled for job in mined.jobs), nj)
    for index, mined in enumerate(settled):
        for job in mined.jobs:
            if job.record in failed:
                reason, detail = failed[job.record]
                settled[index] = replace(mined, jobs=(), reason=reason, detail=detail)
    return settled


def _make_jobs(
    source: Source,
    spans: Sequence[tuple[int, int | None]],
    out_dir: Path,
    options: MineOptions,
) -> tuple[PartJob, ...]:
    assert source.media is not None
    rec_id = rec_id_of(source)
    jobs = []
    for start, end in spans:
        what = (rec_id, source.sha256, start, end, VERSION, options.digest())
        record = out_dir / "state" / "parts" / f"{hash_text(repr(what))}.npz"
        folder = out_dir / "data" / rec_id
        job = PartJob(source.media, rec_id, start, end, record, folder, options)
        jobs.append(job)
    return tuple(jobs)


def _run_missing(jobs: Iterable[PartJob], nj: int) -> dict[Path, tuple[str, str]]:
    """Run jobs without a valid record; return the reasons of those that failed."""
    jobs = list(jobs)
    missing = [job for job in jobs if load_part(job.record, with_numbers=True) is None]
    if not missing:
        return {}
    total_s = sum(map(_duration_s, jobs))
    failed = {}
    nj = min(nj, len(missing))
    with Progress(total_s, total_s - sum(map(_duration_s, missing))) as progress:
        for done in run_apart(run_part, missing, nj):
            if isinstance(done, Crash):
                failed[done.job.record] = CRASHED
                progress.add(_duration_s(done.job), 0.0)
                continue
            if done.reason:
                failed[done.record] = (done.reason, done.detail)
            progress.add(done.done_s, done.found_s)
    return failed


def run_part(job: PartJob) -> PartDone:
    """Mine a part in a worker process; return a reason if it cannot be read."""
    try:
        part = mine_part(job)
    except UnreadableError as error:
        duration_s = _duration_s(job)
        return PartDone(job.record, duration_s, 0.0, error.reason, str(error))
    fs = job.options.fs
    kept = sum(chunk.end - chunk.start for chunk in part.chunks if chunk.is_kept)
    return PartDone(job.record, part.num_samples / fs, kept / fs)


def _duration_s(job: PartJob) -> float:
    if job.end is not None:
        return (job.end - job.start) / job.options.fs
    return max((job.media.duration_s or 0.0) - job.start / job.options.fs, 0.0)


def _fit(jobs: Sequence[PartJob]) -> bool:
    """Return whether the parts of a file, each found by seeking, fit together."""
    parts = [load_part(job.record) for job in jobs]
    for part, following in pairwise(parts):
        if part is None or following is None or part.is_short or part.faults:
            return False
        count = min(len(part.tail), len(following.head))
        tail, head = part.tail[:count], following.head[:count]
        audible = (tail > AUDIBLE) & (head > AUDIBLE)
        if count == 0 or not audible.any():
            continue
        differ_db = np.abs(10 * np.log10(tail[audible] / head[audible]))
        if np.median(differ_db) > SEAM_DB:
            return False
    return True
