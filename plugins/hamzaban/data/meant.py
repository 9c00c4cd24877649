"""Find the file that a path means although the path is spelled differently.

Paths in lists differ from the files on disk if either came from another system:
backslashes and drives of Windows, `A9.WAV` for `A9.wav`, letters with marks as one
character or as two (NFC or NFD, which look the same), marks of writing direction, and
the folders of another machine.
"""

import functools
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

_DRIVE = re.compile(r"(?:[A-Za-z]:|\\\\[^\\/]+\\[^\\/]+)[\\/]+|file://(?=/)")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
MAX_FOLDERS = 10_000  # folders whose listings are held in memory


def to_posix(path: str) -> str:
    """Return a path with slashes and without a drive.

    Examples:
        >>> to_posix("D:\\\\corpus\\\\wavs\\\\a.wav")
        '/corpus/wavs/a.wav'
        >>> to_posix("wavs/a.wav")
        'wavs/a.wav'
    """
    found = _DRIVE.match(path)
    if found:
        path = "/" + path[found.end() :].lstrip("/\\")
    return path.replace("\\", "/")


def fold(name: str) -> str:
    """Return a file name in a form that is the same on all systems."""
    name = unicodedata.normalize("NFC", _INVISIBLE.sub("", name))
    return unicodedata.normalize("NFC", name.casefold()).strip()


class MeantFinder:
    """Finds files by paths that are spelled differently; caches folder listings."""

    def __init__(self, suffixes: Sequence[str] = ()) -> None:
        """Set the suffixes that may be missing.

        Args:
            suffixes: Suffixes, in lower case, that a path may lack.
        """
        self._suffixes = frozenset(suffixes)
        self._names: dict[Path, tuple[int, dict[str, list[str]]]] = {}

    def find(self, path: str, folders: Sequence[Path] = (Path(),)) -> list[str]:
        """Return the files that a path may mean; several if it is not clear which.

        Args:
            path: A path for which there is no such file.
            folders: Folders that it may be relative to.
        """
        for spelling in _spell(path):
            found: dict[str, str] = {}
            for folder in folders:
                for file in self._resolve(folder / spelling):
                    found.setdefault(os.path.realpath(file), file)
            if found:
                return sorted(found.values())
        return []

    def _resolve(self, path: Path) -> list[str]:
        places = [Path(path.anchor)]
        parts = path.parts[1:] if path.anchor else path.parts
        if not parts:
            return []
        for part in parts[:-1]:
            places = [file for place in places for file in self._match(place, part)]
        files = [f for place in places for f in self._match(place, parts[-1], True)]
        return [str(file) for file in files if file.is_file()]

    def _match(self, folder: Path, name: str, is_file: bool = False) -> list[Path]:
        """Return the entries of a folder that a name may mean, or the exact match."""
        if name == "..":
            return [folder / name]
        names = self._list(folder).get(fold(name), [])
        if name in names:
            names = [name]
        elif is_file and not names:
            found = (self._list(folder).get(fold(name + s), []) for s in self._suffixes)
            names = [name for some in found for name in some]
        return [folder / name for name in names]

    def _list(self, folder: Path) -> dict[str, list[str]]:
        """Return the entries of a folder by their folded names."""
        try:
            time_ns = folder.stat().st_mtime_ns
            if folder in self._names and self._names[folder][0] == time_ns:
                return self._names[folder][1]
            entries = sorted(path.name for path in folder.iterdir())
        except OSError:
            return {}
        if len(self._names) >= MAX_FOLDERS:
            self._names.clear()
        names: dict[str, list[str]] = {}
        for entry in entries:
            names.setdefault(fold(entry), []).append(entry)
        self._names[folder] = (time_ns, names)
        return names


def _spell(path: str) -> Iterator[str]:
    """Yield a path as it is, with slashes, and without the folders it begins with.

    Only paths that are absolute or have backslashes come from elsewhere.
    """
    posix = to_posix(path).strip()
    yield posix
    if posix != path.strip() or posix.startswith("/"):
        parts = [part for part in posix.split("/") if part]
        yield from ("/".join(parts[n:]) for n in range(len(parts)))


@functools.cache
def _shared_finder() -> MeantFinder:
    return MeantFinder()


def find_meant(path: str | Path) -> list[str]:
    """Return the files that a path of a missing file may mean (see `MeantFinder`)."""
    return _shared_finder().find(str(path))


def hint_meant(path: str | Path) -> str:
    """Return "; FILE is there" if a missing path may mean another file, else ""."""
    found = find_meant(path)[:3]
    return (
        f"; {' and '.join(found)} {'are' if found[1:] else 'is'} there" if found else ""
    )
