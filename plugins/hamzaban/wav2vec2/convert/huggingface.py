"""Read transformers' wav2vec 2.0 directories: config.json, weights, preprocessor."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hamzaban.wav2vec2.checkpoint import Checkpoint
from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg
from hamzaban.wav2vec2.convert.names import from_transformers
from hamzaban.wav2vec2.convert.relatives import advise_relative
from hamzaban.weights.door import read_safetensors, read_weights
from hamzaban.weights.values import check_finite

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
PROCESSOR = "processor_config.json"  # transformers 5 writes it instead
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")

# transformers' field -> S3PRL's, of equal meaning
SAME_FIELDS = {
    "num_hidden_layers": "encoder_layers",
    "hidden_size": "encoder_embed_dim",
    "intermediate_size": "encoder_ffn_embed_dim",
    "num_attention_heads": "encoder_attention_heads",
    "hidden_dropout": "dropout",
    "attention_dropout": "attention_dropout",
    "activation_dropout": "activation_dropout",
    "layerdrop": "encoder_layerdrop",
    "feat_proj_dropout": "dropout_input",
    "feat_quantizer_dropout": "dropout_features",
    "do_stable_layer_norm": "layer_norm_first",
    "conv_bias": "conv_bias",
    "num_conv_pos_embeddings": "conv_pos",
    "num_conv_pos_embedding_groups": "conv_pos_groups",
    "mask_time_length": "mask_length",
    "num_codevectors_per_group": "latent_vars",
    "num_codevector_groups": "latent_groups",
    "codevector_dim": "latent_dim",
    "proj_codevector_dim": "final_dim",
    "contrastive_logits_temperature": "logit_temp",
    "num_negatives": "num_negatives",
}
EXTRACTORS = {"group": "default", "layer": "layer_norm"}
ACTIVATIONS = {"gelu": "gelu", "relu": "relu", "gelu_new": "gelu_accurate"}
_DEFAULTS: dict[
    str, Any
] = {  # transformers' defaults, for fields that config.json lacks
    "num_hidden_layers": 12,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "codevector_dim": 256,
    "proj_codevector_dim": 256,
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "feat_extract_norm": "group",
    "hidden_act": "gelu",
    "activation_dropout": 0.1,
    "layerdrop": 0.1,
}
# Values that S3PRL's class has built in.
_FIXED = {"feat_extract_activation": "gelu", "layer_norm_eps": 1e-5}
_OFF = ("add_adapter", "adapter_attn_dim")


def read_huggingface(folder: str | Path) -> Checkpoint:
    """Read a directory that `save_pretrained` wrote or the hub serves.

    Args:
        folder: Holds config.json and model.safetensors or pytorch_model.bin, whole or
            in pieces with an index.

    Returns:
        The model by S3PRL's names. `mask_prob` is the default of pretraining, since the
        file's own value is for fine-tuning.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: It is another model, has parts S3PRL's class does not have, or
            weights that are not finite.
    """
    folder = Path(folder)
    config = {**_DEFAULTS, **read_json(folder / CONFIG)}
    place = str(folder / CONFIG)
    model_cfg = _read_model_cfg(config, place)
    task_cfg = make_task_cfg({"normalize": _read_normalize(folder)}, place)
    stored = read_pieces(folder)
    check_finite(stored, folder)
    weights = from_transformers(stored, model_cfg["extractor_mode"])
    _drop_identity(weights, model_cfg, str(folder))
    return Checkpoint(task_cfg, model_cfg, weights)


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


def _read_model_cfg(config: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return our configuration of the model that config.json describes."""
    try:
        _check_config(config, place)
        values = _convert_config(config)
    except (TypeError, KeyError, AttributeError, OverflowError, ValueError) as error:
        if place in str(error):
            raise
        raise ValueError(
            f"{place}: a value of a wrong type ({error}); expected the configuration "
            "of a wav2vec 2.0 model; download it again"
        ) from None
    return make_model_cfg(values, place)


def _check_config(config: Mapping[str, Any], place: str) -> None:
    if config.get("model_type", "wav2vec2") != "wav2vec2":
        kind = config["model_type"]
        raise ValueError(
            f"{place}: model_type is {kind}, expected wav2vec2; "
            f"{advise_relative(str(kind))}"
        )
    wrong = {k: config[k] for k, v in _FIXED.items() if config.get(k, v) != v}
    wrong |= {name: config[name] for name in _OFF if config.get(name)}
    for name, known in (
        ("feat_extract_norm", EXTRACTORS),
        ("hidden_act", ACTIVATIONS),
    ):
        if config[name] not in known:
            wrong[name] = config[name]
    if wrong:
        raise ValueError(
            f"{place}: {wrong} found, which the S3PRL model does not have; expected "
            f"{_FIXED}, no {', no '.join(_OFF)}; use a model of pretraining"
        )


def _convert_config(config: Mapping[str, Any]) -> dict[str, Any]:
    layers = zip(
        config["conv_dim"], config["conv_kernel"], config["conv_stride"], strict=True
    )
    values = {ours: config[k] for k, ours in SAME_FIELDS.items() if k in config}
    return {
        **values,
        "conv_feature_layers": str([tuple(map(int, layer)) for layer in layers]),
        "extractor_mode": EXTRACTORS[config["feat_extract_norm"]],
        "activation_fn": ACTIVATIONS[config["hidden_act"]],
    }


def _read_normalize(folder: Path) -> bool:
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


def _drop_identity(
    weights: dict[str, Tensor], model_cfg: Mapping[str, Any], place: str
) -> None:
    """Drop a projection that changes nothing; S3PRL has none between equal widths."""
    width = int(model_cfg["encoder_embed_dim"])
    weight = weights.get("post_extract_proj.weight")
    if weight is None or weight.shape[1] != width:
        return
    bias = weights.get("post_extract_proj.bias", torch.zeros(width))
    if bias.any() or not torch.equal(weight.float(), torch.eye(width)):
        raise ValueError(
            f"{place}: feature_projection maps {width} channels to {width}, which "
            "S3PRL's model cannot; expected an identity or other widths"
        )
    for name in ("weight", "bias"):
        weights.pop(f"post_extract_proj.{name}", None)
