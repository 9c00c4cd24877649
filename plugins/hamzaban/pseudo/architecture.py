"""Copy the architecture of a trained model into the config of its successor."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hamzaban.config import read_config

FRONTEND = "hamzaban_s3prl"
JOINT = "hamzaban_joint_ctc"
PARTS = ("frontend", "normalize", "preencoder", "encoder", "postencoder")
# The keys of frontend_conf that decide on the architecture and not on the training.
SHAPES = ("model_cfg", "task_cfg", "frontend_conf", "multilayer_feature", "layer")

Values = dict[str, Any]


def read_source(asr_exp: Path) -> Values:
    """Read the config.yaml of a trained model.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: train-asr did not write it, or the model has a CTC head for each
            language.
    """
    path = asr_exp / "config.yaml"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: missing; {asr_exp} is not a directory that train-asr wrote"
        )
    values, _ = read_config(path)
    if values.get("frontend") is None:
        raise ValueError(
            f"{path}: no frontend found, expected a model that reads waveforms; give "
            "an experiment of train-asr"
        )
    conf = values.get("model_conf") or {}
    if values.get("model") == JOINT and conf.get("heads", "language") == "language":
        raise ValueError(
            f"{path}: the model has a CTC head for each of "
            f"{', '.join(conf.get('languages') or ['its languages'])}, expected one "
            "head; train it with one for all (model_conf.heads: shared), or a plain "
            "model on the languages' data combined"
        )
    return values


def take_architecture(values: Values, source: Values) -> Values:
    """Return a config whose model has the architecture of a trained one.

    Args:
        values: A config of train-asr. Its options for training our frontend (masks,
            dropout, freezing) are kept; other parts are replaced as a whole.
        source: The config that `read_source` returned.

    Returns:
        The config, with the parts and sizes of `source`.
    """
    fitted = dict(values)
    for part in PARTS:
        conf = f"{part}_conf"
        own = values.get(part, FRONTEND if part == "frontend" else None)
        if own != source.get(part):
            fitted[part] = source.get(part)
        if source.get(part) is None:
            fitted.pop(conf, None)
        elif own == source[part] == FRONTEND:
            fitted[conf] = _take_shapes(values.get(conf) or {}, source.get(conf) or {})
        else:
            fitted[conf] = source.get(conf) or {}
    changed = [name for name, value in fitted.items() if value != values.get(name)]
    if changed:
        logging.info(
            f"Copied from the config of the trained model: {', '.join(changed)}"
        )
    return fitted


def _take_shapes(own: Mapping[str, Any], source: Mapping[str, Any]) -> Values:
    kept = {name: value for name, value in own.items() if name not in SHAPES}
    return kept | {name: source[name] for name in SHAPES if name in source}
