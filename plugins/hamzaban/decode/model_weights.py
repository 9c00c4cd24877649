"""Build the model of an experiment, with ESPnet or without, and fill it."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from hamzaban.wav2vec2.finetuned_names import drop_added


def load_model(
    args: argparse.Namespace, config: Path, model_file: Path, *, native: bool
) -> Any:
    """Build the model of an experiment and fill it.

    Args:
        args: The values of config.yaml.
        config: The file config.yaml, for messages.
        model_file: The file of weights.
        native: Do without ESPnet, which `native.why_not_native` must allow.

    Raises:
        ValueError: The files do not fit together, or there is no CTC head.
    """
    if native:
        from hamzaban.decode.native import build_native
        from hamzaban.weights.door import read_weights

        weights = drop_added(read_weights(model_file), vars(args))
        return build_native(vars(args), weights, config, model_file)
    model = _build_model(args, config)
    _load_weights(model, model_file, vars(args))
    return model


def _build_model(args: argparse.Namespace, config: Path) -> Any:
    from hamzaban import compat

    compat.prepare()
    from hamzaban.asr.task import ASRTask

    level = logging.getLogger().level
    model = ASRTask.build_model(args)
    logging.getLogger().setLevel(level)
    if getattr(model, "ctc", None) is None:
        raise ValueError(
            f"{config}: the model has no CTC head; greedy decoding needs one: train "
            "with model_conf.ctc_weight above 0"
        )
    return model


def _load_weights(model: Any, model_file: Path, values: dict[str, Any]) -> None:
    from hamzaban.weights.door import read_weights

    state = drop_added(read_weights(model_file), values)
    found = {
        name: tuple(getattr(weight, "shape", ())) for name, weight in state.items()
    }
    expected = {name: tuple(w.shape) for name, w in model.state_dict().items()}
    differ = sorted({name for name, _ in found.items() ^ expected.items()})
    if differ:
        name = differ[0]
        raise ValueError(
            f"{model_file}: its weights are not those of the model in config.yaml, "
            f"{len(differ)} differ: {name} has shape {found.get(name)}, expected "
            f"{expected.get(name)}; give the two files of one training"
        )
    model.load_state_dict(state)
