"""Read and write `{task_cfg, model_cfg, model_weight}` files, the form of S3PRL."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hamzaban.fileio import atomic_path
from hamzaban.wav2vec2.config import known_fields, make_model_cfg, make_task_cfg
from hamzaban.wav2vec2.convert.names import strip_wrappers
from hamzaban.weights.door import read_file
from hamzaban.weights.peek import KEYS
from hamzaban.weights.values import check_finite

MIN_SHARE = 0.5  # least share of a model's weights that a checkpoint must have
_SHOWN = 8  # most names of each kind in a message


class Checkpoint(NamedTuple):
    """A wav2vec 2.0 model in a file.

    Attributes:
        task_cfg: How waveforms are prepared; all fields of `AudioPretrainingConfig`.
        model_cfg: The architecture; all fields of `Wav2Vec2Config`.
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
        ValueError: The file is not such a checkpoint, or its weights are not finite.
    """
    return parse_checkpoint(read_file(path), path)


def parse_checkpoint(state: Any, path: str | Path) -> Checkpoint:
    """Check the object that a file holds, as `read_checkpoint` does."""
    from s3prl.upstream.wav2vec2.wav2vec2_model import (
        AudioPretrainingConfig,
        Wav2Vec2Config,
    )

    if not isinstance(state, Mapping):
        raise ValueError(
            f"{path}: found {type(state).__name__}, expected a dictionary with "
            f"{', '.join(KEYS)}; give a file such as wav2vec2.pt of train-ssl"
        )
    missing = [key for key in KEYS if not isinstance(state.get(key), Mapping)]
    if missing:
        raise ValueError(
            f"{path}: no {', '.join(missing)}; found {_some(state)}; expected a file "
            f"with {', '.join(KEYS)}, such as wav2vec2.pt of train-ssl"
        )
    check_finite(state["model_weight"], path)
    model_cfg = known_fields(Wav2Vec2Config, state["model_cfg"])
    task_cfg = known_fields(AudioPretrainingConfig, state["task_cfg"])
    return Checkpoint(
        make_task_cfg(task_cfg, f"{path}: task_cfg"),
        make_model_cfg(model_cfg, f"{path}: model_cfg"),
        strip_wrappers(state["model_weight"]),
    )


def write_checkpoint(
    path: str | Path, checkpoint: Checkpoint, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a checkpoint file atomically.

    Args:
        path: The file.
        checkpoint: What to write.
        dtype: Type of the floating point parameters in the file.

    Raises:
        ValueError: A parameter is not finite, or not finite in this type.
    """
    weight = {
        name: value.detach().cpu().to(dtype) if value.is_floating_point() else value
        for name, value in checkpoint.model_weight.items()
    }
    check_finite(weight, path)
    state = {**checkpoint._asdict(), "model_weight": weight}
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        torch.save(state, stream)  # torch writes a file's name into its bytes


def load_weights(
    model: nn.Module, weights: Mapping[str, Tensor], place: str, *, strict: bool = True
) -> None:
    """Copy parameters into a model that must have exactly these parameters.

    Args:
        model: Model to fill.
        weights: Parameters by name.
        place: Where they come from, for messages.
        strict: Missing and unexpected parameters are an error; otherwise they are
            listed in the log, and the missing ones keep the model's values.

    Raises:
        ValueError: Names or shapes differ, and the message lists them; or, strict or
            not, less than `MIN_SHARE` of the model's weights are there.
    """
    own = model.state_dict()
    check_share(own, weights, place)
    wrong, is_shape_wrong = compare_weights(own, weights)
    if wrong and (strict or is_shape_wrong):
        raise ValueError(
            f"{place}: parameters do not fit the model ({'; '.join(wrong)}); use a "
            "checkpoint of pretraining with the same model_cfg, or --init_strict false"
        )
    if wrong:
        logging.warning(f"{place}: not all parameters fit: {'; '.join(wrong)}")
    known = {name: value for name, value in weights.items() if name in own}
    model.load_state_dict(known, strict=strict)


def check_share(
    own: Mapping[str, Tensor], weights: Mapping[str, Tensor], place: str | Path
) -> None:
    """Check that a file has at least `MIN_SHARE` of a model's weights.

    Args:
        own: The model's parameters by name; only their shapes are used.
        weights: The file's parameters by name.
        place: Where they come from, for messages.

    Raises:
        ValueError: The file has less, so most of the model would stay random.
    """
    total = sum(value.numel() for value in own.values())
    found = sum(own[name].numel() for name in own.keys() & weights.keys())
    if found < MIN_SHARE * total:
        raise ValueError(
            f"{place}: {found / max(total, 1):.0%} of the model's weights are in the "
            f"file, expected {MIN_SHARE:.0%} at least; the file has "
            f"{_some(sorted(weights), 3)}, the model {_some(sorted(own), 3)}; give a "
            "checkpoint of the same kind of model"
        )


def compare_weights(
    own: Mapping[str, Tensor], weights: Mapping[str, Tensor], shown: int = _SHOWN
) -> tuple[list[str], bool]:
    """Compare the parameters of a model with those of a file.

    Args:
        own: The model's parameters by name; only their shapes are used.
        weights: The file's parameters by name.
        shown: Most names to list of each kind.

    Returns:
        The differences found, each as `missing: ...`, `unexpected: ...` or
        `of another shape: ...`; and whether a shape differs.
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


def _some(names: Any, shown: int = _SHOWN) -> str:
    names = list(names)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(map(str, names[:shown])) + more
