"""Export `wav2vec2.pt` to a directory that transformers loads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.wav2vec2.checkpoint import Checkpoint
from hamzaban.wav2vec2.convert.directory import CONFIG, PREPROCESSOR, WEIGHT_FILES
from hamzaban.wav2vec2.convert.huggingface import (
    ACTIVATIONS,
    EXTRACTORS,
    SAME_FIELDS,
)
from hamzaban.wav2vec2.convert.names import to_transformers
from hamzaban.wav2vec2.frames import parse_conv

# Features that transformers' model lacks, with the values that switch them off.
_WITHOUT = {
    "layer_type": "transformer",
    "target_glu": False,
    "quantizer_depth": 1,
    "pos_conv_depth": 1,
}


def write_huggingface(
    checkpoint: Checkpoint, folder: str | Path, place: str, *, is_whole: bool = True
) -> None:
    """Write config.json, model.safetensors and preprocessor_config.json.

    The model is a `Wav2Vec2ForPreTraining`, or a `Wav2Vec2Model` without the parts of
    pretraining; config.json, written last, marks the directory as complete.
    `mask_time_prob` keeps transformers' default, since it is for
    fine-tuning there.

    Args:
        checkpoint: The model.
        folder: Folder to write to; made if missing.
        place: Where the model comes from, for messages.
        is_whole: Whether the model has the parts that only pretraining uses.

    Raises:
        ValueError: transformers has no such model.
    """
    config = make_config(checkpoint.model_cfg, place)
    if not is_whole:
        config["architectures"] = ["Wav2Vec2Model"]
    folder = Path(folder)
    write_weights(folder, make_weights(checkpoint))
    write_json(make_preprocessor(checkpoint), folder / PREPROCESSOR)
    write_json(config, folder / CONFIG)


def write_weights(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Write model.safetensors with parameters as float32."""
    from safetensors.torch import save_file

    stored = {
        name: value.detach().float().contiguous().clone()
        for name, value in weights.items()
    }
    with atomic_path(folder / WEIGHT_FILES[0]) as temporary:
        save_file(stored, temporary, metadata={"format": "pt"})
        temporary.chmod(0o644)  # safetensors lets only the owner read it


def make_preprocessor(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the content of preprocessor_config.json."""
    return {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "do_normalize": bool(checkpoint.task_cfg["normalize"]),
        "feature_size": 1,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": checkpoint.model_cfg["extractor_mode"] == "layer_norm",
        "sampling_rate": int(checkpoint.task_cfg["sample_rate"]),
    }


def make_config(model_cfg: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Make the content of config.json.

    Args:
        model_cfg: All fields of S3PRL's `Wav2Vec2Config`.
        place: Where they come from, for messages.

    Raises:
        ValueError: transformers has no such model.
    """
    activations = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
    wrong = {k: model_cfg[k] for k, v in _WITHOUT.items() if model_cfg[k] != v}
    if model_cfg["activation_fn"] not in activations:
        wrong["activation_fn"] = model_cfg["activation_fn"]
    if wrong:
        raise ValueError(
            f"{place}: {wrong} found, which transformers' Wav2Vec2ForPreTraining does "
            f"not have; expected {_WITHOUT}; keep such a model as wav2vec2.pt"
        )
    layers = parse_conv(model_cfg["conv_feature_layers"])
    extractors = {ours: theirs for theirs, ours in EXTRACTORS.items()}
    final_dim = model_cfg["final_dim"] or model_cfg["encoder_embed_dim"]
    config = {theirs: model_cfg[ours] for theirs, ours in SAME_FIELDS.items()}
    return {
        "architectures": ["Wav2Vec2ForPreTraining"],
        "model_type": "wav2vec2",
        **config,
        "proj_codevector_dim": final_dim,
        "codevector_dim": model_cfg["latent_dim"] or final_dim,
        "conv_dim": [channels for channels, _, _ in layers],
        "conv_kernel": [kernel for _, kernel, _ in layers],
        "conv_stride": [stride for _, _, stride in layers],
        "feat_extract_norm": extractors[model_cfg["extractor_mode"]],
        "feat_extract_activation": "gelu",
        "hidden_act": activations[model_cfg["activation_fn"]],
        "layer_norm_eps": 1e-5,
    }


def make_weights(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Return the parameters by the names of transformers."""
    weights = dict(checkpoint.model_weight)
    if "post_extract_proj.weight" not in weights:
        width = int(checkpoint.model_cfg["encoder_embed_dim"])
        weights["post_extract_proj.weight"] = torch.eye(width)
        weights["post_extract_proj.bias"] = torch.zeros(width)
    return to_transformers(weights, checkpoint.model_cfg["extractor_mode"])


def write_json(values: Mapping[str, Any], path: Path) -> None:
    """Write a dictionary as indented JSON, whole or not at all."""
    with atomic_text(path) as stream:
        stream.write(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
