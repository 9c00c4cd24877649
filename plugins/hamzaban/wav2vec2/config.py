"""The two dictionaries of a pretraining configuration: `model_cfg` and `task_cfg`.

They hold the fields of S3PRL's `Wav2Vec2Config` and `AudioPretrainingConfig`. A YAML,
the checkpoint written and the model that S3PRL builds from it therefore agree.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from hamzaban.config import read_dataclass
from hamzaban.wav2vec2.frames import parse_conv_layers

# Features that pretraining does not support; no published wav2vec 2.0 model uses them.
TRAINING_ONLY: dict[str, Any] = {  # options of a run, not of the model
    "negatives_from_everywhere": False,
    "cross_sample_negatives": 0,
    "codebook_negatives": 0,
    "no_mask_overlap": False,
    "mask_channel_prob": 0.0,
    "crop_seq_to_multiple": 1,
    "checkpoint_activations": False,
}
_UNSUPPORTED = {"quantize_input": False, **TRAINING_ONLY}

# Fields that a run may change when it continues from a checkpoint.
TRAINING_FIELDS = frozenset(
    (
        "dropout",
        "attention_dropout",
        "activation_dropout",
        "encoder_layerdrop",
        "dropout_input",
        "dropout_features",
        "feature_grad_mult",
        "logit_temp",
        "latent_temp",
        "num_negatives",
        "mask_prob",
        "mask_length",
        "mask_selection",
        "mask_other",
        "mask_dropout",
        "require_same_masks",
        "required_seq_len_multiple",
    )
)


def make_model_cfg(values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Complete and check the architecture values of a model.

    Args:
        values: Fields of `Wav2Vec2Config`; the others take S3PRL's defaults, except
            `quantize_targets` (true) and `require_same_masks` (false).
        place: Where the values come from, for messages.

    Returns:
        All fields as plain values, fit for YAML and `torch.load(weights_only=True)`.

    Raises:
        ValueError: A field is unknown, of the wrong type, or asks for something that
            pretraining does not do.
    """
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config

    ours = {"quantize_targets": True, "require_same_masks": False}
    cfg = _fill(Wav2Vec2Config, {**ours, **values}, place)
    _check_temperature(cfg["latent_temp"], place)
    parse_conv_layers(cfg["conv_feature_layers"])  # S3PRL evaluates it as Python
    if not cfg["quantize_targets"]:
        raise ValueError(
            f"{place}: quantize_targets is {cfg['quantize_targets']}, expected true; "
            "pretraining needs the quantizer"
        )
    for name, expected in _UNSUPPORTED.items():
        if cfg[name] != expected:
            raise ValueError(
                f"{place}: {name} is {cfg[name]}, expected {expected}; "
                "pretraining supports no other value, so remove the line"
            )
    return cfg


def make_task_cfg(values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Complete and check how waveforms are prepared.

    Args:
        values: Fields of `AudioPretrainingConfig`: `normalize`, `sample_rate` in Hz,
            `max_sample_size` and `min_sample_size` in samples.
        place: Where the values come from, for messages.

    Returns:
        All fields as plain values.

    Raises:
        ValueError: A field is unknown or of the wrong type.
    """
    from s3prl.upstream.wav2vec2.wav2vec2_model import AudioPretrainingConfig

    return _fill(AudioPretrainingConfig, values, place)


def merge_model_cfg(
    stored: Mapping[str, Any], wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Join a checkpoint's model configuration with the one a run asks for.

    Args:
        stored: Complete configuration of the checkpoint, which decides all shapes.
        wanted: What the YAML says; it decides `TRAINING_FIELDS`.

    Returns:
        The configuration to use, and the checkpoint's values that replace different
        values of the YAML.
    """
    merged = dict(stored)
    merged.update({k: v for k, v in wanted.items() if k in TRAINING_FIELDS})
    differs = {k: merged[k] for k, v in wanted.items() if merged[k] != v}
    return merged, differs


def known_fields(schema: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values for which the dataclass `schema` has a field."""
    names = {field.name for field in dataclasses.fields(schema)}
    return {name: value for name, value in values.items() if name in names}


def _fill(schema: type, values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return all fields of S3PRL's dataclass as plain values, defaults included."""
    cfg = dataclasses.asdict(read_dataclass(schema, values, place))
    return {name: str(v) if isinstance(v, str) else v for name, v in cfg.items()}


def _check_temperature(value: tuple[float, float, float], place: str) -> None:
    """Check a temperature, given as (start, end, decay of each update)."""
    start, end, decay = value
    if not (start >= end > 0 and 0 < decay <= 1):
        raise ValueError(
            f"{place}: latent_temp: {list(value)} found, expected start >= end > 0 and "
            "0 < decay of each update <= 1, such as [2.0, 0.5, 0.999995]"
        )
