"""Walks through folders of a user's files."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

# Files and folders that macOS, Windows and file servers leave among a user's files.
_LEFTOVERS = frozenset(
    (
        *("__macosx", ".ds_store", "thumbs.db", "desktop.ini", "@eadir"),
        *("$recycle.bin", "system volume information"),
    )
)


def is_leftover(name: str) -> bool:
    """Return whether a file or folder was left by macOS, Windows or a file server."""
    return name.startswith("._") or name.lower() in _LEFTOVERS


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden or was left by a system."""
    return name.startswith(".") or is_leftover(name)


def walk_files(folder: str | Path) -> Iterator[str]:
    """Yield the paths of the files in and below a folder, sorted in each folder.

    Links to folders are followed, and a folder that can be reached in several ways is
    read once. Hidden files and folders (see `is_hidden`) are skipped.
    """
    seen: set[tuple[int, int]] = set()
    for root, below, names in os.walk(folder, followlinks=True):
        if not seen:
            seen.add(_identify(root))
        below[:] = sorted(name for name in below if not is_hidden(name))
        below[:] = [name for name in below if _is_first(os.path.join(root, name), seen)]
        yield from (
            os.path.join(root, name) for name in sorted(names) if not is_hidden(name)
        )


def log_leftovers(folder: str | Path) -> None:
    """Log how many files `walk_files` skips because a system left them."""
    found = []
    for root, below, names in os.walk(folder):
        below.sort()
        inside = any(map(is_leftover, Path(root).relative_to(folder).parts))
        kept = sorted(names if inside else filter(is_leftover, names))
        found += [os.path.join(root, name) for name in kept]
    if found:
        logging.warning(
            "%s: %d files that macOS or Windows left are skipped, such as %s",
            folder,
            len(found),
            found[0],
        )


def _is_first(folder: str, seen: set[tuple[int, int]]) -> bool:
    """Return whether a folder is new, and remember it."""
    found = _identify(folder)
    is_new = found not in seen
    seen.add(found)
    return is_new


def _identify(folder: str) -> tuple[int, int]:
    stat = os.stat(folder)
    return stat.st_dev, stat.st_ino
