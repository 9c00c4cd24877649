"""Recognize a wav2vec 2.0 checkpoint in the first second, without importing torch.

Only the names in a file are looked at, and nothing of it is run. Whether its weights
are whole and fit is checked when they are loaded.
"""

import pickle
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hamzaban.weights.kind import is_zip, name_stranger

KEYS = ("task_cfg", "model_cfg", "model_weight")
_EXPECTED = "expected a Hugging Face directory, a fairseq .pt or a wav2vec2.pt"
_MAX_PICKLES = 4  # in an old file of torch.save, the fourth holds the object
_MAX_BYTES = 2**26  # of a pickle in a zip file; the weights are beside it


def check_wav2vec2(path: str | Path, option: str) -> None:
    """Check that a file or folder may be a wav2vec 2.0 model of a known form.

    Args:
        path: A Hugging Face directory, a fairseq `.pt`, a file of ours, or a folder
            with `wav2vec2.pt`; see `wav2vec2.convert.source`, which reads them.
        option: The option that names it, for messages.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is a file or folder of another kind.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{option} {path}: no such file; correct the option")
    found = _name_folder(path) if path.is_dir() else _name_file(path)
    if found is not None:
        what, remedy = found
        raise ValueError(f"{option} {path}: found {what}, {_EXPECTED}; {remedy}")


def _name_folder(path: Path) -> tuple[str, str] | None:
    """Return what a folder is and what to do; None if it may hold such a model."""
    if any((path / name).is_file() for name in ("wav2vec2.pt", "config.json")):
        return None
    return "a folder without config.json or wav2vec2.pt", "give the folder of a model"


def _name_file(path: Path) -> tuple[str, str] | None:
    """Return what a file is and what to do; None if it may be such a checkpoint."""
    if found := name_stranger(path):
        return found
    try:
        names = _list_names(path)
    except (zipfile.BadZipFile, EOFError, ValueError, IndexError, OSError):
        return "a damaged file", "copy or download it again"
    if names is None:
        return "a file of another program", "give the model file itself"
    if names.issuperset(KEYS) or ("model" in names and names & {"cfg", "args"}):
        return None
    missing = ", ".join(key for key in KEYS if key not in names)
    return f"a torch file without {missing}", "give a model that was only pretrained"


def _list_names(path: Path) -> set[str] | None:
    """Return all strings in the object of a torch file; None if it is none.

    Raises:
        Exception: The file is damaged; see `_name_file`.
    """
    if is_zip(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith("/data.pkl"):
                    if member.file_size > _MAX_BYTES:
                        return set(KEYS)  # looked at when it is loaded
                    with archive.open(member) as stream:
                        return set(_read_strings(stream))
        return set()
    with open(path, "rb") as stream:
        if stream.read(1) != pickle.PROTO:
            return None
        stream.seek(0)
        names: set[str] = set()
        for _ in range(_MAX_PICKLES):
            names.update(_read_strings(stream))
        return names


def _read_strings(stream: IO[bytes]) -> Iterator[str]:
    """Yield the strings of a pickle, of which nothing is run, and stop at its end."""
    for code, value, _ in pickletools.genops(stream):
        if isinstance(value, str) and "UNICODE" in code.name:
            yield value
