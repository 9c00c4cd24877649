"""Read the wav2vec 2.0 model of a recognizer that train-asr wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hamzaban.config import load_mapping
from hamzaban.wav2vec2.checkpoint import Checkpoint
from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg
from hamzaban.wav2vec2.convert.source import fill_missing
from hamzaban.wav2vec2.finetuned_names import (
    FRONTEND,
    INSIDE,
    PRETRAINING_PARTS,
    find_config,
)
from hamzaban.weights.door import read_weights
from hamzaban.weights.values import check_finite


def find_finetuned(path: Path, asr_model: str) -> tuple[Path, Path] | None:
    """Return configuration and weights of a recognizer; None if the path is none.

    Args:
        path: Folder that train-asr wrote, or a file of weights in it.
        asr_model: Name of the file of weights in a folder.

    Raises:
        FileNotFoundError: A folder of train-asr has no such file.
    """
    folder = path if path.is_dir() else path.parent
    config = find_config(folder)
    if not config.is_file() or (path.is_file() and path.suffix != ".pth"):
        return None
    weights = folder / asr_model if path.is_dir() else path
    if not weights.is_file():
        there = ", ".join(sorted(file.name for file in folder.glob("*.pth")))
        raise FileNotFoundError(
            f"{weights}: missing; there: {there or 'no .pth file'}; give one with "
            "--asr_model"
        )
    return config, weights


def read_finetuned(config: Path, weights: Path) -> Checkpoint:
    """Read the wav2vec 2.0 model of a recognizer, without its output layer.

    Args:
        config: config.yaml of train-asr.
        weights: A file of weights of the same training.

    Returns:
        The model, without the parts that only pretraining uses.

    Raises:
        ValueError: The recognizer has no such model, or its files do not fit.
    """
    values = load_mapping(config)
    conf: Any = values.get("frontend_conf") or {}
    if values.get("frontend") != FRONTEND or not conf.get("model_cfg"):
        raise ValueError(
            f"{config}: frontend {values.get('frontend')} found, expected {FRONTEND} "
            "with its model_cfg, as `hamzaban train-asr` writes it"
        )
    state = read_weights(weights)
    found = {
        name.removeprefix(INSIDE): value
        for name, value in state.items()
        if name.startswith(INSIDE)
        and not name.removeprefix(INSIDE).startswith(PRETRAINING_PARTS)
    }
    check_finite(found, weights)
    checkpoint = Checkpoint(
        make_task_cfg(conf.get("task_cfg") or {}, f"{config}: frontend_conf: task_cfg"),
        make_model_cfg(conf["model_cfg"], f"{config}: frontend_conf: model_cfg"),
        found,
    )
    complete, _ = fill_missing(checkpoint, place=weights)
    own = {n for n in complete.model_weight if not n.startswith(PRETRAINING_PARTS)}
    if differ := sorted(own ^ found.keys()):
        raise ValueError(
            f"{weights}: {len(differ)} parameters are not those of the model in "
            f"{config}, such as {differ[0]}; give two files of one training"
        )
    return checkpoint
