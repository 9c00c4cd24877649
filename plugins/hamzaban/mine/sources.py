"""Find media files and inspect each before it is mined."""

import glob
import hashlib
import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hamzaban.audio.format_options import hash_text
from hamzaban.audio.source import UnreadableError
from hamzaban.data.meant import find_meant, hint_meant
from hamzaban.data.walk import log_leftovers, walk_files
from hamzaban.fileio import read_utf8
from hamzaban.mine.decode import Media, probe_media, read_media
from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.mining_state import VERSION, Source, load_source, save_source
from hamzaban.mine.regions import SMOOTH_FRAMES
from hamzaban.mine.vad import FRAME_SAMPLES, VoiceActivity

BOUND_WINDOW_S = 15.0  # most that a part may differ from an equal share
MAX_STEM = 48  # most letters of a file name in an id
_NOT_IN_IDS = re.compile(r"[^\w.]+")


class SourceJob(NamedTuple):
    """A file to inspect, and the folder of records."""

    path: str
    state_dir: Path
    options: MineOptions


def list_media(
    inputs: Sequence[str], lists: Sequence[Path], options: MineOptions, out_dir: Path
) -> list[str]:
    """Return the files to mine, each once, sorted.

    Args:
        inputs: Files, folders (for all files below with one of `suffixes`) and patterns
            such as `talks/**/*.mp3`.
        lists: Text files with one input per line, or a wav.scp. A missing file is
            returned as well, to be counted.
        options: Options with `suffixes`.
        out_dir: Output folder, whose files are left out.

    Raises:
        FileNotFoundError: An input does not exist.
        ValueError: Nothing was found.
    """
    found = _expand_all(inputs, lists, options)
    ours = os.path.realpath(out_dir) + os.sep
    unique: dict[str, str] = {}
    for name in sorted(os.path.normpath(name) for name in found):
        real = os.path.realpath(name)
        if not real.startswith(ours):
            unique.setdefault(real, name)
    if not unique:
        places = ", ".join([*inputs, *map(str, lists)])
        raise ValueError(
            f"{places}: no media found, expected files with suffixes "
            f"{' '.join(options.suffixes)}"
        )
    return list(unique.values())


def _expand_all(
    inputs: Sequence[str], lists: Sequence[Path], options: MineOptions
) -> list[str]:
    found = []
    for item in inputs:
        matches = list(_expand(item, options))
        if not matches and not os.path.isdir(item):
            raise FileNotFoundError(
                f"{item}: no such file or directory, and no file matches it as a "
                "pattern; correct the path"
            )
        found += matches
    for path in lists:
        meant = []
        for item in _read_list(path):
            expanded = list(_expand(item, options))
            if not expanded and len(others := find_meant(item)) == 1:
                expanded = others
                meant.append(f"{others[0]} for {item}")
            found += expanded or [item]  # counted as missing
        if meant:
            logging.warning(
                "%s: %d paths differ from the files in slashes, case or Unicode form; "
                "these files are read, the first: %s",
                path,
                len(meant),
                meant[0],
            )
    return found


def _expand(item: str, options: MineOptions) -> Iterator[str]:
    if os.path.isdir(item):
        log_leftovers(item)
        for path in walk_files(item):
            if Path(path).suffix.lower().lstrip(".") in options.suffixes:
                yield path
    elif os.path.exists(item):
        yield item
    else:
        yield from filter(os.path.isfile, glob.iglob(item, recursive=True))


def _read_list(path: Path) -> list[str]:
    """Read a list of inputs, or a wav.scp without its ids."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such list of media; expected a text file")
    text = read_utf8(path)
    items = []
    for number, line in enumerate(text.splitlines(), 1):
        item = line.strip()
        if not item:
            continue
        if path.suffix == ".scp":
            item = "".join(item.split(None, 1)[1:])
        if not item or item.endswith("|"):
            raise ValueError(
                f"{path}:{number}: '{item}', expected the path of a file; correct or "
                "remove the line"
            )
        items.append(item)
    return items


def read_source(job: SourceJob) -> Source | None:
    """Return the record of a file as it is now; None if there is no valid record."""
    record = record_path(job)
    return load_source(record) if record is not None else None


def look_at(job: SourceJob) -> Source:
    """Inspect a file for mining, and save the result as the file's record.

    Args:
        job: The file.

    Returns:
        The source, with a reason if it cannot be read.
    """
    record = record_path(job)
    source = _look(job)
    if record is not None:
        save_source(record, source)
    return source


def record_path(job: SourceJob) -> Path | None:
    """Return the path of a file's record; None if there is no such file."""
    try:
        found = os.stat(job.path)
    except OSError:
        return None
    what = (job.path, found.st_size, found.st_mtime_ns, VERSION, job.options.digest())
    return job.state_dir / "sources" / f"{hash_text(repr(what))}.json"


def rec_id_of(source: Source) -> str:
    """Return the id of a source: its file name, as ids allow it, and its digest."""
    stem = unicodedata.normalize("NFC", Path(source.path).stem)
    name = _NOT_IN_IDS.sub("_", stem).strip("_.")[:MAX_STEM]
    return f"{name or 'audio'}-{source.sha256[:12]}"


def _look(job: SourceJob) -> Source:
    sha256, num_bytes = "", 0
    if "\n" in job.path or "\r" in job.path:  # would break wav.scp
        detail = f"{job.path!r}: a line break in the file's name; rename the file"
        return Source(job.path, "", 0, None, (0,), "line_break", detail)
    try:
        with open(job.path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            num_bytes = file.tell()
        media = probe_media(Path(job.path), job.options.audio_stream)
        bounds = _choose_bounds(media, job.options)
    except UnreadableError as error:
        return Source(job.path, sha256, num_bytes, None, (0,), error.reason, str(error))
    except OSError as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        detail = f"{job.path}: {error.strerror}{hint_meant(job.path)}"
        return Source(job.path, sha256, num_bytes, None, (0,), reason, detail)
    return Source(job.path, sha256, num_bytes, media, bounds)


def _choose_bounds(media: Media, options: MineOptions) -> tuple[int, ...]:
    """Return the first samples of the parts of a file; one part if it cannot seek.

    They depend on the file and the options, not on the number of jobs.
    """
    duration_s = media.duration_s or 0.0
    num_parts = round(duration_s / options.part_s)
    if num_parts < 2 or media.first_time_s is None:
        return (0,)
    try:
        bounds = [
            _choose_pause(media, index * duration_s / num_parts, options.fs)
            for index in range(1, num_parts)
        ]
    except UnreadableError:
        return (0,)
    return (0, *bounds) if all(bounds) else (0,)


def _choose_pause(media: Media, time_s: float, fs: int) -> int:
    """Return the sample near a time where speech is least likely, or 0 for none."""
    start = round((time_s - BOUND_WINDOW_S) * fs)
    wanted = round(2 * BOUND_WINDOW_S * fs)
    parts: list[np.ndarray] = []
    for block in read_media(media, start, fs, []):
        parts.append(block)
        if sum(map(len, parts)) >= wanted:
            break
    speech = np.concatenate([*parts, np.zeros(0, np.float32)])
    count = min(len(speech), wanted) // FRAME_SAMPLES
    if count < SMOOTH_FRAMES:
        return 0
    probs = VoiceActivity()(speech[: count * FRAME_SAMPLES])
    kernel = np.full(SMOOTH_FRAMES, 1 / SMOOTH_FRAMES)
    smooth = np.convolve(probs, kernel, "valid")
    return start + (int(smooth.argmin()) + SMOOTH_FRAMES // 2) * FRAME_SAMPLES
