"""Write files so that neither a reader nor a rerun ever sees half of one."""

import errno
import filecmp
import itertools
import json
import logging
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from hamzaban.utf8 import read_utf8_lines

_HOST = re.sub(r"[^A-Za-z0-9]+", "", socket.gethostname())[-40:] or "localhost"
_TEMPORARY = re.compile(rf".+\.tmp\.{_HOST}-(\d+)-(\d+)-\d+")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a failed write names no path
_PF_EXITING = 0x4  # linux/sched.h
_count = itertools.count()


def temporary_name(path: str | Path) -> Path:
    """Return an unused name beside `path`: `<name>.tmp.<host>-<process>-<count>`.

    <process> is the number of the process and its start time, since numbers are reused
    after a restart.
    """
    path = Path(path)
    process = f"{os.getpid()}-{_start_of(os.getpid()) or 0}"
    return path.with_name(f"{path.name}.tmp.{_HOST}-{process}-{next(_count)}")


@contextmanager
def atomic_path(path: str | Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary name beside `path`; the file made there becomes `path` last.

    Missing folders are made. After an error the temporary file is removed and what
    stood at `path` before is untouched.

    Args:
        path: The file to write.
        sync: Wait until the bytes are on the disk before renaming. False is for many
            small files whose index is written, with True, after them.

    Yields:
        The temporary name, in the folder of `path`; the body must create a file there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        if sync:
            _sync(temporary)
        temporary.replace(path)
        if sync:
            _sync(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in FULL and not error.filename:
            error.filename = str(path)
        raise


@contextmanager
def atomic_text(path: str | Path, *, sync: bool = True) -> Iterator[TextIO]:
    """Open a UTF-8 text file with `\\n` line ends that appears at `path` when closed.

    Args:
        path: The file to write.
        sync: As for `atomic_path`.

    Yields:
        The open file.

    Examples:
        >>> with atomic_text("out/text") as stream:
        ...     _ = stream.write("utt1 salaam")
        ...     Path("out/text").exists()
        False
        >>> Path("out/text").read_text(encoding="utf-8")
        'utt1 salaam'
    """
    with (
        atomic_path(path, sync=sync) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as stream,
    ):
        yield stream


def copy_file(source: Path, target: Path) -> None:
    """Copy the content of a file, whole or not at all."""
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def read_record(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file of this package holds, a mapping; None if there is none.

    A damaged file is named in the log and counts as none, so that it is made again.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        warn_of_damage(path, str(error))
        return None
    if not isinstance(values, dict):
        warn_of_damage(path, f"{type(values).__name__} found, expected a mapping")
        return None
    return values


def read_utf8(path: Path) -> str:
    """Return a text file of the user, without a byte order mark.

    Raises:
        ValueError: It is not UTF-8, nor marked as UTF-16 or UTF-32.
    """
    return "".join(read_utf8_lines(path))


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Return the content of a JSON file of this package that no step makes again.

    Args:
        path: The file.
        remedy: How to make it again.

    Raises:
        ValueError: It is damaged, or holds no mapping.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: damaged ({error}); {remedy}") from error
    if not isinstance(values, dict):
        name = type(values).__name__
        raise ValueError(f"{path}: damaged ({name} found); {remedy}")
    return values


def warn_of_damage(path: Path, reason: str) -> None:
    """Log that a file of this package is damaged and that it will be made again."""
    shown = " ".join(reason.split())[:200]
    logging.warning("%s: damaged (%s); it will be made again", path, shown)


def keep_time(new: Path, old: Path) -> None:
    """Copy the modification time of an identical older file.

    Steps compare big inputs by size and time only, so they see no change.

    Args:
        new: The new file; it keeps its own time if the bytes differ.
        old: The older file; need not exist.
    """
    if old.is_file() and filecmp.cmp(new, old, shallow=False):
        stat = old.stat()
        os.utime(new, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def remove_leftovers(folder: str | Path, *, recursive: bool = True) -> list[Path]:
    """Remove temporary files that processes of this host, now dead, left in `folder`.

    Args:
        folder: Where to look; need not exist.
        recursive: Look in all folders below it, too.

    Returns:
        The files removed.
    """
    removed = []
    for root, below, names in os.walk(folder):
        if not recursive:
            below.clear()
        for name in names:
            found = _TEMPORARY.fullmatch(name)
            if found and _start_of(int(found[1])) not in (int(found[2]), 0):
                (Path(root) / name).unlink(missing_ok=True)
                removed.append(Path(root) / name)
    return removed


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _start_of(process: int) -> int | None:
    """Return when a running process started, in clock ticks; 0 if that is unknown.

    Return None for a process that has ended. A killed process stays listed until its
    parent asks for its status.
    """
    try:
        stat = Path(f"/proc/{process}/stat").read_bytes()  # proc(5)
    except OSError:
        return 0 if _is_listed(process) else None
    state, *numbers = stat.rpartition(b")")[2].split()
    is_ending = state in (b"Z", b"X") or int(numbers[5]) & _PF_EXITING
    return None if is_ending else int(numbers[18])


def _is_listed(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
