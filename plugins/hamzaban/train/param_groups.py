"""Group the parameters of a model by learning rate, which may differ by layer."""

import logging
import re
from collections.abc import Iterable
from typing import Any

from torch import nn

_LAYER = re.compile(r"(?:^|\.)encoder\.layers\.(\d+)\.")
_BELOW = (
    "feature_extractor.",
    "post_extract_proj.",
    "mask_emb",
    "encoder.pos_conv.",
)


def compute_scale(name: str, num_layers: int, decay: float, inside: str) -> float:
    """Return the factor of the learning rate of a parameter.

    It is 1 for the last transformer layer and is multiplied by `decay` for each layer
    further down, the parts below the first layer counting as one more layer. It is 1
    for parameters outside the wav2vec 2.0 model.

    Args:
        name: Dotted name of the parameter.
        num_layers: Number of transformer layers.
        decay: Factor from a layer to the one below, in 0..1.
        inside: Prefix of the names of the wav2vec 2.0 model.
    """
    if not name.startswith(inside):
        return 1.0
    inner = name[len(inside) :]
    found = _LAYER.search(f".{inner}")
    if found:
        return decay ** (num_layers - 1 - int(found[1]))
    if inner.startswith(_BELOW) or inner.startswith("layer_norm."):
        return decay**num_layers
    return 1.0


def make_groups(
    parameters: Iterable[tuple[str, nn.Parameter]],
    lr: float,
    *,
    num_layers: int,
    decay: float,
    inside: str,
    head_scale: float = 1.0,
) -> list[dict[str, Any]]:
    """Group trained parameters by learning rate.

    Args:
        parameters: Names and parameters.
        lr: Learning rate of the last transformer layer.
        num_layers: As for `compute_scale`.
        decay: As for `compute_scale`.
        inside: As for `compute_scale`.
        head_scale: Factor for parameters outside the wav2vec 2.0 model.

    Returns:
        Groups for an optimizer, the largest rate first.

    Raises:
        ValueError: A factor is out of range.
    """
    if not 0 < decay <= 1 or head_scale <= 0:
        raise ValueError(
            f"layer_lr_decay is {decay}, head_lr_scale is {head_scale}; expected "
            "layer_lr_decay above 0 and at most 1, and head_lr_scale above 0"
        )
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in parameters:
        if parameter.requires_grad:
            is_head = not name.startswith(inside)
            scale = (
                head_scale
                if is_head
                else compute_scale(name, num_layers, decay, inside)
            )
            groups.setdefault(scale, []).append(parameter)
    ordered = sorted(groups.items(), key=lambda item: -item[0])
    shown = ", ".join(f"{lr * scale:.3g} for {len(p)}" for scale, p in ordered)
    logging.info(f"Learning rates and numbers of parameters: {shown}")
    return [{"params": p, "lr": lr * scale} for scale, p in ordered]
