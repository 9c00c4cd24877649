"""List the files of the repository, for tests that walk it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MADE_BY_RECIPES = {"data", "dump", "exp"}


def _is_ours(folder: Path) -> bool:
    if folder.parent.name in ("asr1", "ssl1") and folder.name in MADE_BY_RECIPES:
        return False
    hidden = folder.name.startswith(".") and folder.name != ".ci"
    return not (hidden or folder.name == "__pycache__" or folder.suffix == ".egg-info")


def list_files(*patterns: str) -> Iterator[Path]:
    """Return files and links written by hand whose names match a pattern, sorted."""
    for parent, folders, names in os.walk(ROOT):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if _is_ours(here / name))
        for name in sorted(names):
            if any(Path(name).match(pattern) for pattern in patterns):
                yield here / name


def list_recipes() -> list[Path]:
    """Return the folders egs2/<corpus>/asr1 except the template, sorted."""
    return sorted(
        path for path in ROOT.glob("egs2/*/asr1") if path.parent.name != "TEMPLATE"
    )


def is_own(path: Path) -> bool:
    """Return whether a recipe or page is a user's own, which git does not track."""
    words = ["git", "-C", str(ROOT), "ls-files", "--error-unmatch", str(path)]
    try:
        found = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        return False
    return "did not match" in found.stderr


def name_of(path: Path) -> str:
    """Return a file's name inside the repository, as the id of a test."""
    return path.relative_to(ROOT).as_posix()
