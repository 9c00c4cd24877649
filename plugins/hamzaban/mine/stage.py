"""Mining: write the speech of media files as an unlabelled data directory."""

import logging
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from hamzaban.fileio import atomic_path, keep_time, remove_leftovers
from hamzaban.mine.duplicates import Voice, find_duplicates
from hamzaban.mine.language import load_filter
from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.mining_state import Source, load_part
from hamzaban.mine.output import (
    Heard,
    Tally,
    each_chunk,
    name_duplicates,
    write_output,
)
from hamzaban.mine.part_jobs import CRASHED, Mined, mine_parts, plan_parts
from hamzaban.mine.part_mining import chunk_path, utt_id_of
from hamzaban.mine.report import write_report
from hamzaban.mine.sources import (
    SourceJob,
    list_media,
    look_at,
    read_source,
    record_path,
)
from hamzaban.mine.vad import FRAME_SAMPLES, find_weights
from hamzaban.processes import Crash, run_apart, show_progress

MAX_MESSAGES = 20
TIMED = ("wav.scp", "utt2spk")  # copied to state/ before a run, to keep their times
_OURS = re.compile(r".+-[0-9a-f]{12}")  # folders in data/: see `rec_id_of`
PARTS_HELD = 64  # parts whose fingerprints are cached during the search for duplicates


def mine(
    inputs: Sequence[str],
    lists: Sequence[Path],
    out_dir: Path,
    options: MineOptions,
    *,
    nj: int = 1,
) -> str:
    """Find speech in media and write it as a data directory.

    The output does not depend on `nj`. After a kill, a rerun keeps what is complete and
    still valid.

    Args:
        inputs, lists: Media; see `list_media`.
        out_dir: Receives the data directory, {provenance,dropped,sources}.jsonl,
            mining.md, images/mining.png, and state/, which reruns use.
        options: The values of conf/mine.yaml.
        nj: Number of processes.

    Returns:
        The table of mining.md.

    Raises:
        FileNotFoundError: An input or silero-vad is missing.
        ValueError: No media or no speech was found.
    """
    paths = list_media(inputs, lists, options, out_dir)
    prepare(out_dir, options)
    sources = look_at_all(paths, out_dir, options, nj)
    planned = plan_parts(sources, out_dir, options)
    mined = mine_parts(planned, out_dir, options, nj)
    heard = _list_heard(mined, options)
    if _forget_broken(mined, heard):
        mined = mine_parts(planned, out_dir, options, nj)
    _warn(mined)
    tally = _write(mined, heard, out_dir, options)
    records = _list_records(paths, planned, out_dir, options)
    _remove_strays(mined, heard, records, out_dir)
    return write_report(out_dir, tally)


def prepare(out_dir: Path, options: MineOptions) -> None:
    """Check the requirements and make the folders."""
    find_weights()
    if options.language_filter is not None:
        load_filter(options.language_filter)
    (out_dir / "state").mkdir(parents=True, exist_ok=True)
    remove_leftovers(out_dir)


def _write(
    mined: Sequence[Mined],
    heard: dict[tuple[Path, int], Heard],
    out_dir: Path,
    options: MineOptions,
) -> Tally:
    """Write the output; an unchanged table keeps its time, even after a kill.

    The tables of the last run remain until the new ones are complete.
    """
    for name in TIMED:
        if (out_dir / name).is_file():
            with atomic_path(out_dir / "state" / name) as temporary:
                shutil.copy2(out_dir / name, temporary)
    tally = write_output(mined, heard, out_dir, options)
    for name in TIMED:
        keep_time(out_dir / name, out_dir / "state" / name)
    return tally


def look_at_all(
    paths: Sequence[str], out_dir: Path, options: MineOptions, nj: int
) -> list[Source]:
    """Return the sources of the files, in order."""
    jobs = [SourceJob(path, out_dir / "state", options) for path in paths]
    known = {job.path: read_source(job) for job in jobs}
    found = {path: source for path, source in known.items() if source is not None}
    jobs = [job for job in jobs if job.path not in found]
    done = run_apart(look_at, jobs, min(nj, len(jobs)))
    for source in show_progress(done, len(jobs), "inspect media", "files"):
        if isinstance(source, Crash):
            path = source.job.path
            reason, detail = CRASHED
            source = Source(path, "", 0, None, (0,), reason, f"{path}: {detail}")
        found[source.path] = source
    return [found[path] for path in paths]


def _list_heard(
    mined: Sequence[Mined], options: MineOptions
) -> dict[tuple[Path, int], Heard]:
    """Return the chunks that are duplicates of others."""
    if not options.find_duplicates:
        return {}
    voices, keys, utt_ids, firsts = [], [], [], []
    for number, source in enumerate(mined):
        first, record = 0, None
        for job, index, chunk in each_chunk(source):
            first = first if job.record == record else 0
            record = job.record
            if chunk.is_kept:
                frame = round(chunk.start / FRAME_SAMPLES)
                voices.append(Voice(number, frame, chunk.num_numbers))
                keys.append((job.record, index))
                utt_ids.append(utt_id_of(source.rec_id, chunk, options.fs))
                firsts.append(first)
            first += chunk.num_numbers

    @lru_cache(PARTS_HELD)
    def load_numbers(record: Path) -> np.ndarray:
        part = load_part(record, with_numbers=True)
        assert part is not None, record
        return part.numbers

    def load(number: int) -> np.ndarray:
        numbers = load_numbers(keys[number][0])
        return numbers[firsts[number] : firsts[number] + voices[number].length]

    found = find_duplicates(voices, load, options)
    return name_duplicates(found, keys, utt_ids)


def _forget_broken(
    mined: Sequence[Mined], heard: dict[tuple[Path, int], Heard]
) -> bool:
    """Remove the records of parts with damaged files; return whether there are any."""
    broken = set()
    for source in mined:
        for job, number, chunk in each_chunk(source):
            is_wanted = chunk.is_kept and (job.record, number) not in heard
            if is_wanted and job.options.writes_audio:
                path = chunk_path(job, chunk)
                if not path.is_file() or path.stat().st_size != chunk.num_bytes:
                    broken.add(job.record)
    for record in broken:
        record.unlink()
    return bool(broken)


def _warn(mined: Sequence[Mined]) -> None:
    """Log the files that could not be read."""
    unread = [source for source in mined if source.reason not in ("", "same_file")]
    for source in unread[:MAX_MESSAGES]:
        logging.warning("%s: %s", source.reason, source.detail)
    if len(unread) > MAX_MESSAGES:
        counts = Counter(source.reason for source in unread)
        logging.warning("%d files could not be read: %s", len(unread), dict(counts))


def _list_records(
    paths: Sequence[str], planned: Sequence[Mined], out_dir: Path, options: MineOptions
) -> set[Path]:
    """Return the files of state/ that the next run can use."""
    jobs = (SourceJob(path, out_dir / "state", options) for path in paths)
    records = {record for record in map(record_path, jobs) if record is not None}
    return records | {job.record for source in planned for job in source.jobs}


def _remove_strays(
    mined: Sequence[Mined],
    heard: dict[tuple[Path, int], Heard],
    records: set[Path],
    out_dir: Path,
) -> None:
    """Remove audio and records whose chunk or file no longer exists.

    Args:
        mined: All sources.
        heard: The duplicates.
        records: Records to keep.
        out_dir: The output folder.
    """
    wanted = records | {job.record for source in mined for job in source.jobs}
    for source in mined:
        for job, number, chunk in each_chunk(source):
            if chunk.is_kept and (job.record, number) not in heard:
                wanted.add(chunk_path(job, chunk))
    found = list((out_dir / "state").glob("*/*"))
    for folder in (out_dir / "data").glob("*"):
        if _OURS.fullmatch(folder.name):
            found += folder.glob("*.flac")
    for file in found:
        if file not in wanted:
            file.unlink()
            if file.suffix == ".flac" and not any(file.parent.iterdir()):
                file.parent.rmdir()
