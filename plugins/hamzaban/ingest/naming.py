"""Names of recordings, made from their paths."""

import os
from collections.abc import Iterable
from pathlib import PurePosixPath

from hamzaban.data.meant import to_posix


class Naming:
    """Names recordings by their path, without suffix and with - for /.

    Absolute paths are shortened to the part below their common folder, so that a corpus
    keeps its names when it is moved.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Find the common folder of absolute paths.

        Args:
            paths: The paths of all recordings, absolute or not.
        """
        self._root: str | None = None
        for path in map(to_posix, paths):
            if path.startswith(f"{self._root}/") and "/.." not in path:
                continue
            if os.path.isabs(path):
                folder = os.path.dirname(os.path.normpath(path))
                folders = [folder, self._root or folder]
                self._root = os.path.commonpath(folders)

    def name(self, path: str) -> str:
        """Return the name of a recording.

        Two paths have the same name only if they differ in nothing but their suffix, or
        in / and -.
        """
        path = to_posix(path)
        if os.path.isabs(path):
            path = os.path.relpath(os.path.normpath(path), self._root)
        parts = PurePosixPath(os.path.splitext(path)[0]).parts
        return "-".join(part for part in parts if part != "..")
