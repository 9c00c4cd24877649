"""Reading and writing `{task_cfg, model_cfg, model_weight}` files, S3PRL's form."""

import logging
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from s3prl.upstream.wav2vec2.wav2vec2_model import (
    AudioPretrainingConfig,
    Wav2Vec2Config,
)
from torch import Tensor, nn

from hamzaban.fileio import atomic_path
from hamzaban.wav2vec2.config import known_fields, make_model_cfg, make_task_cfg

KEYS = ("task_cfg", "model_cfg", "model_weight")
_SHOWN = 8  # names shown of each kind in a message


class Checkpoint(NamedTuple):
    """A wav2vec 2.0 model in a file.

    Attributes:
        task_cfg: How waveforms are prepared, all fields of `AudioPretrainingConfig`.
        model_cfg: The architecture, all fields of `Wav2Vec2Config`.
        model_weight: Parameters by name, of any floating point type.
    """

    task_cfg: dict[str, Any]
    model_cfg: dict[str, Any]
    model_weight: dict[str, Tensor]


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint file.

    Args:
        path: File with the keys `task_cfg`, `model_cfg` and `model_weight`. Fields of
            the configurations that S3PRL does not have are left out, as S3PRL does.

    Returns:
        Its content.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not such a checkpoint.
    """
    state = _load(path)
    missing = [key for key in KEYS if not isinstance(state.get(key), Mapping)]
    if missing:
        raise ValueError(
            f"{path}: no {', '.join(missing)}; found {_some(state)}; expected a file "
            f"with {', '.join(KEYS)}, such as wav2vec2.pt of train-ssl"
        )
    model_cfg = known_fields(Wav2Vec2Config, state["model_cfg"])
    task_cfg = known_fields(AudioPretrainingConfig, state["task_cfg"])
    return Checkpoint(
        make_task_cfg(task_cfg, f"{path}: task_cfg"),
        make_model_cfg(model_cfg, f"{path}: model_cfg"),
        dict(state["model_weight"]),
    )


def write_checkpoint(
    path: str | Path, checkpoint: Checkpoint, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a checkpoint file atomically.

    Args:
        path: The file.
        checkpoint: What to write.
        dtype: Type of the floating point parameters in the file.
    """
    weight = {
        name: value.detach().cpu().to(dtype) if value.is_floating_point() else value
        for name, value in checkpoint.model_weight.items()
    }
    state = {**checkpoint._asdict(), "model_weight": weight}
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        torch.save(state, stream)  # a file name would become part of its bytes


def load_weights(
    model: nn.Module, weights: Mapping[str, Tensor], place: str, *, strict: bool = True
) -> None:
    """Copy parameters into a model that must have exactly these.

    Args:
        model: Model to fill.
        weights: Parameters by name.
        place: Where they come from, for messages.
        strict: Missing and unexpected parameters are an error; otherwise they are
            listed in the log, and the missing ones keep the model's values.

    Raises:
        ValueError: Names or shapes differ; the message lists them.
    """
    own = model.state_dict()
    wrong, is_shape_wrong = compare_weights(own, weights)
    if wrong and (strict or is_shape_wrong):
        raise ValueError(
            f"{place}: parameters do not fit the model ({'; '.join(wrong)}); use a "
            "checkpoint of pretraining with the same model_cfg, or --init_strict false"
        )
    if wrong:
        logging.warning(f"{place}: parameters do not fit all: {'; '.join(wrong)}")
    known = {name: value for name, value in weights.items() if name in own}
    model.load_state_dict(known, strict=strict)


def compare_weights(
    own: Mapping[str, Tensor], weights: Mapping[str, Tensor], shown: int = _SHOWN
) -> tuple[list[str], bool]:
    """Compare the parameters of a model with those of a file.

    Args:
        own: The model's by name; only shapes are looked at.
        weights: The file's by name.
        shown: Names listed of each kind, at most.

    Returns:
        `missing: ...`, `unexpected: ...` and `of another shape: ...`, those that are;
        and whether a shape differs.
    """
    shapes = {
        f"{name} {tuple(weights[name].shape)} for {tuple(own[name].shape)}": None
        for name in own.keys() & weights.keys()
        if own[name].shape != weights[name].shape
    }
    kinds = {
        "missing": own.keys() - weights.keys(),
        "unexpected": weights.keys() - own.keys(),
        "of another shape": shapes.keys(),
    }
    wrong = [f"{kind}: {_some(sorted(n), shown)}" for kind, n in kinds.items() if n]
    return wrong, bool(shapes)


def _load(path: str | Path) -> Mapping[str, Any]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file; give an existing checkpoint")
    try:
        mmap = zipfile.is_zipfile(path)  # tensors are read when they are used
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:120]
        raise ValueError(
            f"{path}: not a checkpoint that can be read safely ({reason}); expected a "
            f"torch file with {', '.join(KEYS)} holding tensors and plain values"
        ) from None
    if not isinstance(state, Mapping):
        raise ValueError(
            f"{path}: found {type(state).__name__}, expected a dictionary with "
            f"{', '.join(KEYS)}; give a file such as wav2vec2.pt of train-ssl"
        )
    return state


def _some(names: Any, shown: int = _SHOWN) -> str:
    names = list(names)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(map(str, names[:shown])) + more
