"""Read transformers' wav2vec 2.0 directories: config.json, weights, preprocessor."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hamzaban.wav2vec2.checkpoint import Checkpoint
from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg
from hamzaban.wav2vec2.convert.directory import (
    CONFIG,
    read_json,
    read_normalize,
    read_pieces,
)
from hamzaban.wav2vec2.convert.names import from_transformers
from hamzaban.wav2vec2.convert.relatives import advise_relative
from hamzaban.weights.values import check_finite

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
HEAD = "lm_head."  # the output layer of a CTC model
_ADAPTERS = (
    "an adapter, as in MMS, has a nonlinearity and cannot be folded into its layer: "
    "start from the model of pretraining, such as facebook/mms-300m, or from a CTC "
    "model without adapters"
)


def read_huggingface(folder: str | Path) -> Checkpoint:
    """Read a directory that `save_pretrained` wrote or the hub serves.

    Args:
        folder: Holds config.json and model.safetensors or pytorch_model.bin, whole or
            in pieces with an index.

    Returns:
        The model by S3PRL's names, without the output layer of a CTC model, which
        `read_head` reads. `mask_prob` is the default of pretraining, since the
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
    task_cfg = make_task_cfg({"normalize": read_normalize(folder)}, place)
    stored = read_pieces(folder)
    check_finite(stored, folder)
    weights = from_transformers(stored, model_cfg["extractor_mode"])
    weights = {n: v for n, v in weights.items() if not n.startswith(HEAD)}
    _drop_identity(weights, model_cfg, str(folder))
    return Checkpoint(task_cfg, model_cfg, weights)


def read_head(folder: str | Path) -> tuple[Tensor, Tensor] | None:
    """Return weight (V, D) and bias (V,) of a CTC model's output layer; None for none.

    Raises:
        FileNotFoundError: The weights are missing.
        ValueError: A file is damaged.
    """
    stored = read_pieces(Path(folder))
    if not {f"{HEAD}weight", f"{HEAD}bias"} <= stored.keys():
        return None
    return stored[f"{HEAD}weight"].float(), stored[f"{HEAD}bias"].float()


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
        if set(wrong) == {"adapter_attn_dim"}:
            raise ValueError(f"{place}: {wrong} found; {_ADAPTERS}")
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
