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
FOREIGN = ("a Hugging Face directory", "a fairseq checkpoint")
_OURS = "expected a file such as wav2vec2.pt of train-ssl or import-ssl"
_MAX_PICKLES = 4  # in an old file of torch.save, the fourth holds the object
_MAX_BYTES = 2**26  # of a pickle in a zip file; the weights are beside it


def check_wav2vec2(path: str | Path, option: str, *, any_form: bool = False) -> None:
    """Check that a file may be a wav2vec 2.0 checkpoint.

    Args:
        path: The checkpoint.
        option: The option that names it, for messages.
        any_form: Whether a Hugging Face directory or a fairseq file will do as well as
            S3PRL's form.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is a file or folder of another kind.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{option} {path}: no such file; correct the option")
    found = _name_folder(path) if path.is_dir() else _name_file(path)
    if found is not None and not (any_form and found[0] in FOREIGN):
        what, remedy = found
        raise ValueError(f"{option} {path}: found {what}, {_OURS}; {remedy}")


def _name_folder(path: Path) -> tuple[str, str]:
    if (path / "wav2vec2.pt").is_file():
        return "a folder", f"give {path / 'wav2vec2.pt'}"
    if (path / "config.json").is_file():
        return FOREIGN[0], _convert(path)
    return "a folder without a model", "give the file itself"


def _convert(path: Path) -> str:
    return f"run `hamzaban import-ssl {path} --output wav2vec2.pt` and give wav2vec2.pt"


def _name_file(path: Path) -> tuple[str, str] | None:
    """Return what a file is and what to do; None if it may be such a checkpoint."""
    if found := name_stranger(path):
        if found[0] == "safetensors":
            return found[0], _convert(path.parent)
        return found
    try:
        names = _list_names(path)
    except (zipfile.BadZipFile, EOFError, ValueError, IndexError, OSError):
        return "a damaged file", "copy or download it again"
    if names is None:
        return "a file of another program", "give the model file itself"
    if names.issuperset(KEYS):
        return None
    if "model" in names and names & {"cfg", "args"}:
        return FOREIGN[1], _convert(path)
    missing = ", ".join(key for key in KEYS if key not in names)
    return f"a torch file without {missing}", "give the model that was pretrained"


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
