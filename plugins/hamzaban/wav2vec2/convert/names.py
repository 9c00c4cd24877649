"""Names of the same parameter in transformers' wav2vec 2.0 and in S3PRL's (fairseq's).

`#` stands for the number of a layer. The first rule that fits decides.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

PREFIX = "wav2vec2."  # of the encoder inside Wav2Vec2ForPreTraining and the like

# (transformers, S3PRL)
_NORMS = {
    "layer_norm": "feature_extractor.conv_layers.#.2.1.",
    "default": "feature_extractor.conv_layers.#.2.",
}
_ENCODER = (
    ("feature_extractor.conv_layers.#.conv.", "feature_extractor.conv_layers.#.0."),
    ("feature_projection.layer_norm.", "layer_norm."),
    ("feature_projection.projection.", "post_extract_proj."),
    ("masked_spec_embed", "mask_emb"),
    ("encoder.pos_conv_embed.conv.weight_g", "encoder.pos_conv.0.weight_g"),
    ("encoder.pos_conv_embed.conv.weight_v", "encoder.pos_conv.0.weight_v"),
    (
        "encoder.pos_conv_embed.conv.parametrizations.weight.original0",
        "encoder.pos_conv.0.weight_g",
    ),
    (
        "encoder.pos_conv_embed.conv.parametrizations.weight.original1",
        "encoder.pos_conv.0.weight_v",
    ),
    ("encoder.pos_conv_embed.conv.bias", "encoder.pos_conv.0.bias"),
    ("encoder.layer_norm.", "encoder.layer_norm."),
    ("encoder.layers.#.attention.", "encoder.layers.#.self_attn."),
    ("encoder.layers.#.layer_norm.", "encoder.layers.#.self_attn_layer_norm."),
    ("encoder.layers.#.feed_forward.intermediate_dense.", "encoder.layers.#.fc1."),
    ("encoder.layers.#.feed_forward.output_dense.", "encoder.layers.#.fc2."),
    ("encoder.layers.#.final_layer_norm.", "encoder.layers.#.final_layer_norm."),
)
_HEADS = (
    ("quantizer.codevectors", "quantizer.vars"),
    ("quantizer.weight_proj.", "quantizer.weight_proj."),
    ("project_q.", "project_q."),
    ("project_hid.", "final_proj."),
)

Value = TypeVar("Value")

# Names of wrappers around a model that was trained on several devices, compiled, or
# saved from a trainer.
_OUTER = ("module", "model", "wav2vec2")  # at the start of most names
_INSIDE = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")


def strip_wrappers(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Remove the names of wrappers from the names of parameters.

    Args:
        weights: Parameters by name, such as `module._orig_mod.encoder.layer_norm.bias`.

    Returns:
        The same parameters, such as `encoder.layer_norm.bias`.
    """
    names = {
        name: [part for part in name.split(".") if part not in _INSIDE] or [name]
        for name in map(str, weights)
    }
    for outer in _OUTER * 2:
        if 2 * sum(parts[0] == outer for parts in names.values()) > len(names):
            names = {n: p[1:] if p[0] == outer else p for n, p in names.items()}
    stripped = {".".join(parts): weights[name] for name, parts in names.items()}
    return stripped if len(stripped) == len(weights) else dict(weights)


def from_transformers(
    weights: Mapping[str, Value], extractor_mode: str
) -> dict[str, Value]:
    """Rename parameters of a transformers model.

    Args:
        weights: Parameters by name, of `Wav2Vec2Model` or a model around it.
        extractor_mode: `default` (group norm) or `layer_norm`.

    Returns:
        The same parameters by S3PRL's names; names no rule knows stay as they are.
    """
    rules = [*_rules(extractor_mode), *_HEADS]
    return {
        _rename(name.removeprefix(PREFIX), rules) or name: value
        for name, value in strip_wrappers(weights).items()
    }


def to_transformers(
    weights: Mapping[str, Value], extractor_mode: str
) -> dict[str, Value]:
    """Rename parameters of S3PRL's model to those of `Wav2Vec2ForPreTraining`.

    Args:
        weights: Parameters by name.
        extractor_mode: `default` (group norm) or `layer_norm`.

    Returns:
        The same parameters by transformers' names.

    Raises:
        ValueError: transformers has no such parameter.
    """
    encoder = [(ours, theirs) for theirs, ours in _rules(extractor_mode)]
    heads = [(ours, theirs) for theirs, ours in _HEADS]
    renamed = {}
    for name, value in weights.items():
        inner = _rename(name, encoder)
        new = PREFIX + inner if inner else _rename(name, heads)
        if new is None:
            raise ValueError(
                f"{name}: transformers' Wav2Vec2ForPreTraining has no such parameter; "
                "expected a wav2vec 2.0 model with transformer layers"
            )
        renamed[new] = value
    return renamed


def _rules(extractor_mode: str) -> list[tuple[str, str]]:
    norm = "feature_extractor.conv_layers.#.layer_norm."
    return [*_ENCODER, (norm, _NORMS[extractor_mode])]


def _rename(name: str, rules: Sequence[tuple[str, str]]) -> str | None:
    for before, after in rules:
        pattern = re.escape(before).replace(r"\#", r"(\d+)")
        end = "" if before.endswith(".") else "$"
        found = re.match(pattern + end, name)
        if found:
            number = found[1] if found.groups() else ""
            return after.replace("#", number) + name[found.end() :]
    return None
