"""Learning rates that differ between the layers of a model."""

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
    """Give the factor of the learning rate of a parameter.

    The last transformer layer has 1, each one below `decay` times that of the one
    above, and what is below the first layer once more. What is not in the wav2vec 2.0
    model has 1.

    Args:
        name: Of the parameter, dotted.
        num_layers: Transformer layers, L.
        decay: In 0..1.
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
        head_scale: Factor for what is not in the wav2vec 2.0 model.

    Returns:
        Groups for an optimizer, the largest rate first.

    Raises:
        ValueError: A factor is out of range.
    """
    if not 0 < decay <= 1 or head_scale <= 0:
        raise ValueError(
            f"layer_lr_decay is {decay}, head_lr_scale {head_scale}; expected more "
            "than 0 up to 1, and more than 0"
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
