"""Train in half precision (autocast), or with less memory (gradient checkpointing)."""

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hamzaban.train.task_options import DTYPES
from hamzaban.wav2vec2.masked_norm import MaskedGroupNorm


def run_under_autocast(model: nn.Module, dtype: str | None) -> None:
    """Make the forward pass of a model cast matrix products to a narrow type.

    Weights, gradients and the optimizer stay float32. bfloat16 has float32's range: no
    loss scaling is needed, so ESPnet2's `use_amp` stays off.

    Args:
        model: Any model; its parameters keep their names.
        dtype: `bfloat16`, or None to change nothing.

    Raises:
        ValueError: The type is unknown.
    """
    if dtype is None:
        return
    if dtype not in DTYPES:
        raise ValueError(
            f"autocast_dtype is '{dtype}', expected null or one of {', '.join(DTYPES)}"
        )
    inner = model.forward

    @functools.wraps(inner)
    def forward(*args: Any, **kwargs: Any) -> Any:
        device = next(model.parameters()).device.type
        with torch.autocast(device, dtype=getattr(torch, dtype)):
            return inner(*args, **kwargs)

    model.forward = forward


def checkpoint_wav2vec2(model: Any) -> None:
    """Make a wav2vec 2.0 model recompute activations in the backward pass.

    Only the inputs of the convolution blocks and of the transformer layers are kept,
    which saves memory and takes a third more time. Values and gradients stay the same.

    Args:
        model: S3PRL's `Wav2Vec2Model`.
    """
    for block in model.feature_extractor.conv_layers:
        _recompute(block)
    for layer in model.encoder.layers:
        _recompute(layer)


def _recompute(module: nn.Module) -> None:
    inner = module.forward
    norms = [m for m in module.modules() if isinstance(m, MaskedGroupNorm)]

    @functools.wraps(inner)
    def forward(inputs: Tensor, **options: Any) -> Any:
        if not (module.training and torch.is_grad_enabled()):
            return inner(inputs, **options)
        lengths = [norm.lengths for norm in norms]  # lost by the time of recomputing

        def run(inputs: Tensor) -> Any:
            with _lengths(norms, lengths):
                return inner(inputs, **options)

        return checkpoint(run, inputs, use_reentrant=False)

    module.forward = forward


@contextmanager
def _lengths(norms: list[MaskedGroupNorm], lengths: list) -> Iterator[None]:
    with ExitStack() as stack:
        for norm, value in zip(norms, lengths, strict=True):
            stack.callback(setattr, norm, "lengths", norm.lengths)
            norm.lengths = value
        yield
