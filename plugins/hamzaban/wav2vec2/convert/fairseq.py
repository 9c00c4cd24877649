"""wav2vec 2.0, XLSR-53 and XLS-R as fairseq publishes them: `.pt` files.

Two layouts exist. Old: `args`, an argparse.Namespace with all options of the run. New:
`cfg`, nested (omegaconf or plain), with `model` and `task`; `args` is then None. Both
hold the parameters in `model`, by the names that S3PRL's copy of the model uses.
"""

import ast
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s3prl.upstream.wav2vec2.wav2vec2_model import (
    AudioPretrainingConfig,
    Wav2Vec2Config,
)

from hamzaban.wav2vec2.checkpoint import Checkpoint
from hamzaban.wav2vec2.config import (
    TRAINING_ONLY,
    known_fields,
    make_model_cfg,
    make_task_cfg,
)
from hamzaban.wav2vec2.convert.names import strip_wrappers
from hamzaban.wav2vec2.convert.relatives import advise_fairseq
from hamzaban.weights.restricted import to_plain
from hamzaban.weights.values import check_finite


def is_fairseq(state: Any) -> bool:
    """Return whether the object of a file is a fairseq checkpoint."""
    return isinstance(state, Mapping) and "model" in state and bool(_configs(state))


def read_fairseq(state: Mapping[str, Any], place: str) -> Checkpoint:
    """Convert a checkpoint read by `weights.door`.

    Args:
        state: The object in the file.
        place: The file, for messages.

    Returns:
        The model; all parameters of the file are kept.

    Raises:
        ValueError: It is not a pretrained wav2vec 2.0 model, or one that S3PRL's class
            cannot hold, or one whose weights are not finite.
    """
    model, task = _configs(state) or ({}, {})
    name = model.get("_name") or model.get("arch") or task.get("arch") or "wav2vec2"
    if not str(name).startswith("wav2vec2") or "w2v_path" in model:
        raise ValueError(
            f"{place}: found a fairseq model '{name}', expected wav2vec2 as "
            f"pretraining leaves it; {advise_fairseq(str(name), model)}"
        )
    values = known_fields(Wav2Vec2Config, model)
    if isinstance(values.get("latent_temp"), str):
        values["latent_temp"] = ast.literal_eval(values["latent_temp"])
    for field, expected in TRAINING_ONLY.items():
        if values.get(field, expected) != expected:
            logging.warning(
                f"{place}: {field} {values[field]} becomes {expected}: it is not part "
                "of the model and not supported in training"
            )
            values[field] = expected
    values = {field: value for field, value in values.items() if value is not None}
    task_values = known_fields(AudioPretrainingConfig, task)
    check_finite(state["model"], place)
    return Checkpoint(
        make_task_cfg(task_values, f"{place}: task"),
        make_model_cfg(values, f"{place}: model"),
        strip_wrappers(state["model"]),
    )


def _configs(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the options of model and task, or None if there are none."""
    cfg = to_plain(state.get("cfg"))
    if isinstance(cfg, dict) and isinstance(cfg.get("model"), dict):
        task = cfg.get("task")
        return cfg["model"], task if isinstance(task, dict) else {}
    args = to_plain(state.get("args"))
    if isinstance(args, dict) and args:
        return args, args
    return None


def describe_layout(state: Mapping[str, Any], path: str | Path) -> str:
    """Return a description of a fairseq checkpoint's layout, for a report."""
    layout = "cfg" if isinstance(to_plain(state.get("cfg")), dict) else "args"
    return f"fairseq checkpoint ({layout} layout) {path}"
