"""Name recordings by the parts that tell their paths apart."""

import os
from array import array
from collections.abc import Iterable
from pathlib import PurePosixPath

import numpy as np

from hamzaban.data.meant import to_posix
from hamzaban.ingest.hashed import hash_name


class Naming:
    """Names recordings by the end of their path, without suffix and with - for /.

    A name consists of the file name and of as many folders before it as are needed to
    tell all recordings apart, except for folders that are the same for all. It depends
    neither on the order of the recordings nor on where the corpus lies.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Find the parts that tell the paths apart.

        Args:
            paths: The paths of all recordings, absolute or relative; they are iterated
                over again for each folder that is needed.
        """
        self._root: str | None = None
        self._depth, self._left_out = 1, frozenset[int]()
        whole = array("Q")
        for path in map(to_posix, paths):
            self._widen_root(path)
            whole.append(hash_name(os.path.splitext(os.path.normpath(path))[0]))
        num_names = _count(whole)
        while True:
            names, common, longest = array("Q"), dict[int, str | None](), 0
            for path in paths:
                parts = self._split(path)
                longest = max(longest, len(parts))
                names.append(hash_name("/".join(parts[-self._depth :])))
                for place in range(2, self._depth + 1):
                    part = parts[-place] if len(parts) >= place else None
                    if common.setdefault(place, part) != part:
                        common[place] = None
            if _count(names) == num_names or self._depth >= longest:
                break
            self._depth += 1
        self._left_out = frozenset(place for place, part in common.items() if part)

    def name(self, path: str) -> str:
        """Return the name of a recording.

        Two paths have the same name only if nothing but their suffix differs, or if one
        has / where the other has -.
        """
        parts = self._split(path)[-self._depth :]
        places = range(len(parts), 0, -1)
        kept = zip(places, parts, strict=True)
        return "-".join(part for place, part in kept if place not in self._left_out)

    def _widen_root(self, path: str) -> None:
        """Widen the common folder of absolute paths so that it holds another path."""
        if path.startswith(f"{self._root}/") and "/.." not in path:
            return
        if os.path.isabs(path):
            folder = os.path.dirname(os.path.normpath(path))
            self._root = os.path.commonpath([folder, self._root or folder])

    def _split(self, path: str) -> list[str]:
        path = to_posix(path)
        if os.path.isabs(path):
            path = os.path.relpath(os.path.normpath(path), self._root)
        parts = PurePosixPath(os.path.splitext(path)[0]).parts
        return [part for part in parts if part != ".."]


def _count(hashes: "array[int]") -> int:
    """Return how many different values there are."""
    return len(np.unique(np.frombuffer(hashes, np.uint64))) if hashes else 0
