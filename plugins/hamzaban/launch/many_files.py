"""One fingerprint for many files, from their names, sizes and times alone.

Audio files are too large to be read again at each check, and a million fingerprints are
too many for a stamp. `tests/bench/bench_stamp.py` measures what a check costs.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of a file: size (bytes), mtime_ns, sha256 (None for a big file).
# Of many files: size (their number), mtime_ns (of the newest in a folder, else 0),
# sha256 (of the list of them).
Fingerprint = dict[str, Any]

_TEMPORARY = re.compile(r".+\.tmp\.[^.]+")
_ARK = re.compile(r"(.+):\d+")  # Kaldi's `path:offset`


def is_lasting(name: str) -> bool:
    """Return whether a file is neither hidden nor temporary."""
    return name[0] != "." and (".tmp." not in name or not _TEMPORARY.fullmatch(name))


def describe_folder(folder: str | Path) -> Fingerprint:
    """Return the fingerprint of the files in a folder: their names and sizes.

    The digest does not depend on times, so that a copy of an experiment is still up to
    date; see `count_newer` for those that were written again.
    """
    return _scan(folder)[0]


def count_newer(folder: str | Path, old: Fingerprint, new: Fingerprint) -> int:
    """Return how many files in a folder are newer than all files of the old state.

    Args:
        folder: The folder.
        old: Its earlier fingerprint; one of a stamp of an older version has no time,
            and the result is 0.
        new: Its fingerprint now.
    """
    if not 0 < old["mtime_ns"] < new["mtime_ns"]:
        return 0
    with os.scandir(folder) as entries:
        return sum(
            entry.stat().st_mtime_ns > old["mtime_ns"]
            for entry in entries
            if is_lasting(entry.name) and entry.is_file()
        )


def describe_below(folder: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of each folder below a folder that has files.

    The names end with a slash, which distinguishes them from names of files.
    """
    described = {}
    _, waiting = _scan(folder)
    while waiting:
        found, below = _scan(waiting[0])
        if found["size"]:
            described[f"{waiting[0]}/"] = found
        waiting = below + waiting[1:]
    return described


def _scan(folder: str | Path) -> tuple[Fingerprint, list[str]]:
    """Return the fingerprint of the files in a folder, and the folders in it."""
    sizes: dict[str, int] = {}
    below, newest_ns = [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_lasting(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif entry.is_file():
                stat = entry.stat()
                sizes[entry.name] = stat.st_size
                newest_ns = max(newest_ns, stat.st_mtime_ns)
    listing = "".join(f"{name}\0{sizes[name]}\0" for name in sorted(sizes))
    digest = hashlib.sha256(os.fsencode(listing)).hexdigest()
    return {"size": len(sizes), "mtime_ns": newest_ns, "sha256": digest}, sorted(below)


def describe_recordings(wav_scp: Path) -> Fingerprint:
    """Return the fingerprint of the files that a wav.scp names: with sizes and times.

    Recordings that are missing, and commands, do not count.
    """
    digest = hashlib.sha256()
    count = 0
    for source in _read_sources(wav_scp):
        try:
            stat = os.stat(source)
        except (OSError, ValueError):
            continue
        count += 1
        line = f"{source}\0{stat.st_size}\0{stat.st_mtime_ns}\0"
        digest.update(os.fsencode(line))
    return {"size": count, "mtime_ns": 0, "sha256": digest.hexdigest()}


def _read_sources(wav_scp: Path) -> Iterator[str]:
    """Yield the path of each line of a wav.scp, without the offset in an archive."""
    with open(wav_scp, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            source = line.rstrip("\n").partition(" ")[2].strip()
            found = _ARK.fullmatch(source)
            yield found[1] if found and not Path(source).exists() else source
