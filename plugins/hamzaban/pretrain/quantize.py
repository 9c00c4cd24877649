"""Quantized targets, from the parameters of S3PRL's Gumbel vector quantizer.

S3PRL multiplies one-hot codes with the codebook by an elementwise product over all
entries, frames and channels; here each group takes one matrix product. The random
numbers are drawn in the same order, so both give the same codes from the same seed.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Quantized(NamedTuple):
    """N frames after quantization with G groups of V codes.

    Attributes:
        vectors: Quantized vectors, shape (N, D).
        codes: Chosen entry of each group, shape (N, G), each in 0..V-1.
        code_perplexity: Perplexity of the codes chosen without noise, shape (G,).
        prob_perplexity: Perplexity of the mean softmax, shape (G,), differentiable.
    """

    vectors: Tensor
    codes: Tensor
    code_perplexity: Tensor
    prob_perplexity: Tensor


def quantize(quantizer: Any, frames: Tensor) -> Quantized:
    """Quantize frames: straight-through Gumbel softmax in training, argmax otherwise.

    Args:
        quantizer: S3PRL's `GumbelVectorQuantizer` (combine_groups off).
        frames: Features, shape (N, C).

    Returns:
        The quantized frames; statistics are over all N of them.
    """
    groups, entries = quantizer.groups, quantizer.num_vars
    logits = quantizer.weight_proj(frames).view(-1, entries).float()  # (N * G, V)
    best = logits.argmax(-1)  # (N * G,)
    by_group = logits.view(-1, groups, entries)
    chosen = F.one_hot(best, entries).view(-1, groups, entries).float()
    probs = torch.softmax(by_group, -1)
    if quantizer.training:
        choice = F.gumbel_softmax(logits, tau=quantizer.curr_temp, hard=True)
        codes = choice.detach().argmax(-1)
    else:
        choice, codes = chosen.view(-1, entries), best
    choice = choice.view(-1, groups, entries).to(frames.dtype)
    codebook = quantizer.vars.view(groups, entries, -1)  # (G, V, D / G)
    vectors = torch.einsum("ngv,gvd->ngd", choice, codebook)
    return Quantized(
        vectors.flatten(1),
        codes.view(-1, groups),
        _perplexity(chosen.mean(0)),
        _perplexity(probs.mean(0)),
    )


def _perplexity(probs: Tensor) -> Tensor:
    """Return the exponential of the entropy over the last axis, in 1..V."""
    return torch.exp(-torch.sum(probs * torch.log(probs + 1e-7), dim=-1))
