"""Inputs that a step discovers at run time, such as the table named in db.sh.

The environment of a step's command names a folder. Code that reads such a file leaves a
note there, and the stamp of the step keeps the notes: if the file is corrected, the
step runs again.
"""

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hamzaban.launch.many_files import Fingerprint, describe_recordings
from hamzaban.launch.stamp import fingerprint, is_same

VARIABLE = "HAMZABAN_NOTES"
RECORDINGS_SUFFIX = ".recordings"  # end of the notes' names of `note_recordings`


def note_inputs(*paths: Path) -> None:
    """Note files, before they are read, for the step that this process belongs to.

    Outside a step, nothing is done.

    Args:
        paths: Files, and folders, of which only the list of names counts. Missing ones
            are not noted: whoever reads them reports them.
    """
    folder = os.environ.get(VARIABLE)
    if not folder or not paths:
        return
    lines = b""
    for path in paths:
        with suppress(FileNotFoundError):
            stat = path.stat()
            place = os.fsencode(path.absolute())
            lines += b"%d %d %s\0" % (stat.st_size, stat.st_mtime_ns, place)
    _append(Path(folder) / _own_name(), lines)


def note_recordings(wav_scp: Path) -> None:
    """Note the files that a wav.scp names, before they are read.

    Args:
        wav_scp: The list. If it is missing, nothing is noted.
    """
    folder = os.environ.get(VARIABLE)
    if not folder or not wav_scp.is_file():
        return
    note = {_shorten(wav_scp.absolute()): describe_recordings(wav_scp)}
    path = Path(folder) / f"{_own_name()}{RECORDINGS_SUFFIX}"
    _append(path, json.dumps(note).encode() + b"\n")


def _own_name() -> str:
    """Return a name that no other process has, on this machine or another."""
    return f"{socket.gethostname().replace('.', '-')}-{os.getpid()}"


def _append(path: Path, lines: bytes) -> None:
    with (
        suppress(FileNotFoundError),
        open(path, "ab") as stream,
    ):  # no folder after a kill
        stream.write(lines)


@contextmanager
def note_folder(stamp_path: Path) -> Iterator[dict[str, str]]:
    """Make the folder for the notes of a step; remove it at the end.

    Yields:
        The variable of the environment that names it.
    """
    folder = stamp_path.with_suffix(".notes")
    shutil.rmtree(folder, ignore_errors=True)  # left by a run that was killed
    folder.mkdir(parents=True)
    try:
        yield {VARIABLE: str(folder.absolute())}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_notes(stamp_path: Path, began_ns: int) -> dict[str, Fingerprint]:
    """Return the fingerprints of the noted files that the step did not write itself.

    Args:
        stamp_path: The stamp of the step.
        began_ns: When the step began; a file that was written later is the step's own.
            If somebody else changed a file after it was read, the state when read
            counts.
    """
    noted: dict[str, Fingerprint] = {}
    for file in stamp_path.with_suffix(".notes").iterdir():
        if file.suffix == RECORDINGS_SUFFIX:
            continue
        for line in file.read_bytes().split(b"\0")[:-1]:
            size, time_ns, place = line.split(b" ", 2)
            path = Path(os.fsdecode(place))
            if path.is_dir():
                noted[_shorten(path)] = _describe_folder(path)
                continue
            seen = {"size": int(size), "mtime_ns": int(time_ns), "sha256": None}
            name = _shorten(path)
            if int(time_ns) < began_ns and name not in noted and path.is_file():
                noted[name] = _describe(name, seen)
    return noted


def read_noted_recordings(stamp_path: Path) -> dict[str, Fingerprint]:
    """Return for each noted wav.scp the fingerprint of the files that it named."""
    noted: dict[str, Fingerprint] = {}
    for file in stamp_path.with_suffix(".notes").glob(f"*{RECORDINGS_SUFFIX}"):
        for line in file.read_bytes().splitlines():
            noted |= json.loads(line)
    return noted


def list_changed_notes(stamp: dict[str, Any]) -> list[str]:
    """Return which noted files, folders and recordings have changed since the run.

    A file that is gone does not count as changed, since what was made from it remains.
    """
    noted = stamp.get("noted", {})
    changes = [
        f"{name} has changed"
        for name in sorted(noted)
        if os.path.exists(name) and not is_same(noted[name], _look_at(name, noted))
    ]
    for name, old in sorted(stamp.get("recordings", {}).items()):
        new = describe_recordings(Path(name)) if os.path.isfile(name) else old
        if new["size"] >= old["size"] and not is_same(old, new):
            changes.append(f"a recording that {name} names has changed")
    return changes


def _look_at(name: str, noted: dict[str, Fingerprint]) -> Fingerprint:
    if os.path.isdir(name):
        return _describe_folder(Path(name))
    return fingerprint([Path(name)], noted)[name]


def _describe(name: str, seen: Fingerprint) -> Fingerprint:
    now = fingerprint([Path(name)], {})[name]
    is_as_read = all(now[key] == seen[key] for key in ("size", "mtime_ns"))
    return now if is_as_read else seen


def _describe_folder(path: Path) -> Fingerprint:
    names = sorted(name for name in os.listdir(path) if not name.startswith("."))
    digest = hashlib.sha256(os.fsencode("\0".join(names))).hexdigest()
    return {"size": len(names), "mtime_ns": 0, "sha256": digest}


def _shorten(path: Path) -> str:
    """Return a path as seen from here if it lies below, so that a copy finds it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
