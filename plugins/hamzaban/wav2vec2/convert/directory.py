"""Files of a directory that transformers saves, read without S3PRL or transformers."""

import json
import logging
from pathlib import Path
from typing import Any

from torch import Tensor

from hamzaban.weights.door import read_safetensors, read_weights

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
PROCESSOR = "processor_config.json"  # transformers 5 writes it instead
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON dictionary; anything else is a ValueError or FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; give a directory as transformers saves it"
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is not JSON: {error}; download it again") from None
    if not isinstance(values, dict):
        raise ValueError(
            f"{path}: found {type(values).__name__}, expected a dictionary; download "
            "it again"
        )
    return values


def read_pieces(folder: Path) -> dict[str, Tensor]:
    """Read all parameters of a directory, safetensors first, without running code.

    Raises:
        FileNotFoundError: There are none, or a piece is missing.
        ValueError: A file is damaged.
    """
    for name in WEIGHT_FILES:
        index = folder / f"{name}.index.json"
        if index.is_file():
            pieces = _list_pieces(index)
            return {
                key: value
                for piece in pieces
                for key, value in _read_piece(folder / piece).items()
            }
        if (folder / name).is_file():
            return _read_piece(folder / name)
    raise FileNotFoundError(
        f"{folder}: no {' and no '.join(WEIGHT_FILES)}; download the weights, too"
    )


def _list_pieces(index: Path) -> list[str]:
    """Return the names of the files that an index lists, all beside it."""
    names = read_json(index).get("weight_map")
    if (
        not isinstance(names, dict)
        or not names
        or not all(isinstance(n, str) and Path(n).name == n for n in names.values())
    ):
        raise ValueError(
            f"{index}: weight_map is not a dictionary of files beside it; download the "
            "model again"
        )
    return sorted(set(names.values()))


def _read_piece(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; a piece of the model is missing"
        )
    return (read_safetensors if path.suffix == ".safetensors" else read_weights)(path)


def read_normalize(folder: Path) -> bool:
    """Return whether waveforms are scaled to unit variance, as the directory says."""
    for name in (PREPROCESSOR, PROCESSOR):
        if not (folder / name).is_file():
            continue
        values = read_json(folder / name)
        inner = values.get("feature_extractor")
        for found in (values, inner if isinstance(inner, dict) else {}):
            if "do_normalize" not in found:
                continue
            if not isinstance(found["do_normalize"], bool):
                raise ValueError(
                    f"{folder / name}: do_normalize is {found['do_normalize']!r}, "
                    "expected true or false; correct it"
                )
            return found["do_normalize"]
    logging.warning(
        f"{folder}: do_normalize is in neither {PREPROCESSOR} nor {PROCESSOR}; "
        "task_cfg.normalize is set to True, the default of transformers; download "
        "these files, too, to be sure"
    )
    return True
