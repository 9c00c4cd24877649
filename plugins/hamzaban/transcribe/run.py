"""Transcribe many files in parallel; continue where an earlier run stopped."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hamzaban.audio.source import UnreadableError
from hamzaban.fileio import remove_leftovers
from hamzaban.mine.decode import probe_media
from hamzaban.mine.progress import Progress
from hamzaban.processes import Crash, run_apart
from hamzaban.progress import format_duration, format_length
from hamzaban.transcribe.acoustics import resolve_model
from hamzaban.transcribe.formats import KALDI
from hamzaban.transcribe.jobs import (
    RECORDS,
    Job,
    RunRequest,
    check_outputs,
    is_done,
    name_outputs,
    read_recordings,
    write_outputs,
    write_record,
)
from hamzaban.transcribe.kaldi import write_kaldi
from hamzaban.transcribe.loading import load_transcriber, read_search
from hamzaban.transcribe.transcriber import Report, Transcriber

MAX_NAMED = 20  # files of a kind that the log names at the end
FAILED, DAMAGED, SILENT = "failed", "damaged", "without words"


class Done(NamedTuple):
    """The outcome for a file.

    Attributes:
        path: The file.
        duration_s: Duration of its audio.
        speech_s: Duration of the speech in it.
        state: FAILED, DAMAGED, SILENT or "".
        detail: What is wrong with it.
    """

    path: str
    duration_s: float = 0.0
    speech_s: float = 0.0
    state: str = ""
    detail: str = ""


def transcribe_files(
    paths: Sequence[str], request: RunRequest, *, nj: int = 1, resume: bool = True
) -> int:
    """Transcribe files and write the outputs of each; a bad one does not end the run.

    Args:
        paths: The files.
        request: The model, and what to write where.
        nj: Number of processes; with a GPU, 1 is used.
        resume: Skip files whose outputs are there and made of the same file, model and
            options.

    Returns:
        The number of files that failed or are damaged.

    Raises:
        FileNotFoundError: The model is missing.
        ValueError: The model or the search cannot be used.
    """
    path = resolve_model(request.model.model, request.model.language)
    found = dataclasses.replace(request.model, model=str(path))
    request = dataclasses.replace(request, model=found)
    read_search(request.search.complete(path))  # report a wrong search at once
    request.output_dir.mkdir(parents=True, exist_ok=True)
    remove_leftovers(request.output_dir, recursive=False)
    remove_leftovers(request.output_dir / RECORDS)
    key = request.key(path)
    named = zip(paths, name_outputs(paths), strict=True)
    jobs = [Job(path, name, request, key) for path, name in named]
    left = [job for job in jobs if not (resume and is_done(job))]
    if len(left) < len(jobs):
        logging.info(
            "%d of %d files are done already", len(jobs) - len(left), len(jobs)
        )
    check_outputs(left)
    bad = _transcribe_all(left, nj) if left else 0
    if request.kaldi:
        data_dir = request.output_dir / KALDI
        count = write_kaldi(data_dir, read_recordings(jobs))
        logging.info("%s: %d segments", data_dir, count)
    return bad


def _transcribe_all(jobs: Sequence[Job], nj: int) -> int:
    """Transcribe files and log the totals; return the number of bad ones."""
    nj = 1 if jobs[0].request.model.ngpu else min(nj, len(jobs))
    began = time.monotonic()
    with Progress(sum(map(_stated_s, jobs)), title="transcribe") as progress:
        found = list(_log_each(_run(jobs, nj, progress.add)))
    return _summarize(found, time.monotonic() - began)


def transcribe_job(job: Job, report: Report | None = None) -> Done:
    """Transcribe one file and write its outputs; return the outcome."""
    transcriber = _load(job.request)
    try:
        found = transcriber.transcribe(job.path, report=report)
    except UnreadableError as error:
        return Done(job.path, state=FAILED, detail=str(error))
    write_outputs(job, found)
    measures = (job.path, found.duration_s, found.speech_s)
    if found.faults:
        return Done(*measures, DAMAGED, "; ".join(found.faults))
    write_record(job, found)
    return Done(*measures, "" if found.segments else SILENT)


@functools.lru_cache(maxsize=1)
def _load(request: RunRequest) -> Transcriber:
    """Return the transcriber of a process; loaded once in each."""
    from hamzaban.decode.recognizer import set_threads

    set_threads(request.num_threads)
    return load_transcriber(request.model, request.search, request.options)


def _run(jobs: Sequence[Job], nj: int, report: Report) -> Iterator[Done]:
    """Yield the outcome for each file as soon as it is done, and report it."""
    num_threads = max(len(os.sched_getaffinity(0)) // nj, 1)
    jobs = [job.with_threads(num_threads) for job in jobs]
    if nj == 1:
        for job in jobs:
            yield transcribe_job(job, report)
        return
    for found in run_apart(transcribe_job, jobs, nj):
        done = found if isinstance(found, Done) else _explain_crash(found)
        report(done.duration_s, done.speech_s)
        yield done


def _explain_crash(crash: Crash) -> Done:
    path = crash.job.path
    detail = (
        "a process died twice while reading it, perhaps for lack of memory; try --nj 1"
    )
    return Done(path, state=FAILED, detail=f"{path}: {detail}")


def _log_each(results: Iterator[Done]) -> Iterator[Done]:
    for done in results:
        if done.state:
            detail = (
                done.detail
                if done.path in done.detail
                else f"{done.path}: {done.detail}"
            )
            logging.warning("%s: %s", done.state, detail.removesuffix(": "))
        yield done


def _summarize(found: Sequence[Done], wall_s: float) -> int:
    """Log the totals and name the bad files; return their number."""
    audio_s = sum(done.duration_s for done in found)
    counts = Counter(done.state for done in found)
    states = [f"{counts[s]} {s}" for s in (FAILED, DAMAGED, SILENT) if counts[s]]
    logging.info(
        "transcribe: %d files, %s of audio, %s of speech, in %s%s%s",
        len(found),
        format_length(audio_s),
        format_length(sum(done.speech_s for done in found)),
        format_duration(wall_s),
        f", real-time factor {wall_s / audio_s:.4f}" if audio_s else "",
        "".join(f", {state}" for state in states),
    )
    for state in (FAILED, DAMAGED):
        names = [done.path for done in found if done.state == state]
        if names:
            more = (
                f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
            )
            logging.error("%s: %s%s", state, ", ".join(names[:MAX_NAMED]), more)
    return counts[FAILED] + counts[DAMAGED]


def _stated_s(job: Job) -> float:
    """Return the duration that a file states, in seconds; 0 if it states none."""
    try:
        return probe_media(Path(job.path)).duration_s or 0.0
    except UnreadableError:
        return 0.0
