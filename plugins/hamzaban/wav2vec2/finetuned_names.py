"""Names of files and parameters of a recognizer; importing this imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")

CONFIG = "config.yaml"
OWN_CONFIG = "hamzaban.yaml"  # in an archive, where config.yaml is for ESPnet alone
FRONTEND = "hamzaban_s3prl"
INSIDE = "frontend.upstream.upstream.model."  # parameters of the wav2vec 2.0 model
# Parts that only pretraining uses; a recognizer does without them.
PRETRAINING_PARTS = ("quantizer.", "project_q.", "target_glu.", "final_proj.")


def find_config(folder: Path) -> Path:
    """Return the configuration of a recognizer in its folder, ours if there are two."""
    own = folder / OWN_CONFIG
    return own if own.is_file() else folder / CONFIG


def drop_added(
    weights: Mapping[str, Value], values: Mapping[str, Any]
) -> dict[str, Value]:
    """Return weights without those that an archive has for ESPnet's classes only.

    Args:
        weights: Parameters by name.
        values: The options of train-asr, from config.yaml.
    """
    if values.get("frontend") != FRONTEND:
        return dict(weights)
    added = tuple(f"{INSIDE}{part}" for part in PRETRAINING_PARTS)
    if not (values.get("frontend_conf") or {}).get("multilayer_feature"):
        added += ("frontend.featurizer.",)
    return {n: v for n, v in weights.items() if not n.startswith(added)}
