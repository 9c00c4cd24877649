"""Names of recordings, made of where they lie."""

import os
from collections.abc import Iterable
from pathlib import PurePosixPath


class Naming:
    """Names recordings as one word: their path without suffix.

    Of absolute paths the part below the folder in which all of them lie, so that a
    corpus that is moved keeps its names.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Find the common folder.

        Args:
            paths: Of all recordings, absolute or not.
        """
        self._root: str | None = None
        for path in paths:
            if path.startswith(f"{self._root}/") and "/.." not in path:
                continue
            if os.path.isabs(path):
                folder = os.path.dirname(os.path.normpath(path))
                folders = [folder, self._root or folder]
                self._root = os.path.commonpath(folders)

    def name(self, path: str) -> str:
        """Return the name of a recording; no other path of the corpus has it.

        Paths that differ in their suffix, or in / for -, have the same.
        """
        if os.path.isabs(path):
            path = os.path.relpath(os.path.normpath(path), self._root)
        parts = PurePosixPath(os.path.splitext(path)[0]).parts
        return "-".join(part for part in parts if part != "..")
