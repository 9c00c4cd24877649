"""One fingerprint for many files, from their names, sizes and times alone.

Audio is too much to be read again at each check, and a million fingerprints are too
much for a stamp. `tests/bench/bench_stamp.py` measures what a check costs.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of a file: size (bytes), mtime_ns, sha256 (None for a big file).
# Of many files: size (their number), mtime_ns (0), sha256 (of the list of them).
Fingerprint = dict[str, Any]

_TEMPORARY = re.compile(r".+\.tmp\.[^.]+")
_ARK = re.compile(r"(.+):\d+")  # Kaldi's `path:offset`


def is_lasting(name: str) -> bool:
    """Return whether a file is neither hidden nor temporary."""
    return not name.startswith(".") and not _TEMPORARY.fullmatch(name)


def describe_folder(folder: str | Path) -> Fingerprint:
    """Return the fingerprint of the files in a folder: their names and sizes.

    Times do not count, so that a copy of an experiment is still up to date.
    """
    with os.scandir(folder) as entries:
        found = sorted(
            (entry.name, entry.stat().st_size)
            for entry in entries
            if is_lasting(entry.name) and entry.is_file()
        )
    digest = hashlib.sha256()
    for name, size in found:
        digest.update(b"%s\0%d\0" % (os.fsencode(name), size))
    return {"size": len(found), "mtime_ns": 0, "sha256": digest.hexdigest()}


def describe_below(folder: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of each folder below a folder that has files.

    The names end with a slash, which tells them from those of files.
    """
    described = {}
    for root, below, _ in os.walk(folder):
        below[:] = sorted(filter(is_lasting, below))
        if root != str(folder):
            found = describe_folder(root)
            if found["size"]:
                described[f"{root}/"] = found
    return described


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
