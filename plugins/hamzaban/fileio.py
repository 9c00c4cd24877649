"""Writing files so that a reader, or a rerun, never sees half of one."""

import itertools
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_HOST = re.sub(r"[^A-Za-z0-9]+", "", socket.gethostname()) or "localhost"
_TEMPORARY = re.compile(rf".+\.tmp\.{_HOST}-(\d+)-\d+")
_count = itertools.count()


def temporary_name(path: str | Path) -> Path:
    """Return an unused name beside `path`: `<name>.tmp.<host>-<process>-<count>`."""
    path = Path(path)
    return path.with_name(f"{path.name}.tmp.{_HOST}-{os.getpid()}-{next(_count)}")


@contextmanager
def atomic_path(path: str | Path, *, sync: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; the file made there becomes `path` last.

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
        os.replace(temporary, path)
        if sync:
            _sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_text(path: str | Path, *, sync: bool = True) -> Iterator[TextIO]:
    """Open a UTF-8 text file with `\\n` line ends that appears at `path` when closed.

    Args:
        path: The file to write.
        sync: As for `atomic_path`.

    Yields:
        The open file.
    """
    with (
        atomic_path(path, sync=sync) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as stream,
    ):
        yield stream


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
            if found and not _is_alive(int(found.group(1))):
                (Path(root) / name).unlink(missing_ok=True)
                removed.append(Path(root) / name)
    return removed


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
