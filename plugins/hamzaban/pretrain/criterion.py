"""The contrastive loss of wav2vec 2.0, without gathering the negatives' vectors.

Negatives are frames of the same utterance, so one batched matrix product over all pairs
of masked frames gives their similarities. A matrix counts how often each frame was
drawn as a negative, and the frame counts as often in the denominator. Value and
gradient equal those of cross entropy over gathered logits.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Contrast(NamedTuple):
    """Loss and accuracy over the N masked frames of a batch.

    Attributes:
        loss: Summed cross entropy in nats, a scalar.
        num_correct: Frames whose own target scores at least as high as all their
            negatives, a scalar.
    """

    loss: Tensor
    num_correct: Tensor


def similarity(context: Tensor, targets: Tensor, logit_temp: float) -> Tensor:
    """Return the cosine similarities of an utterance's context vectors and targets.

    Args:
        context: Projected context vectors, shape (B, M, D), zero where padded.
        targets: Projected targets, shape (B, M, D), zero where padded.
        logit_temp: Temperature that divides the similarity.

    Returns:
        Scores in float32, shape (B, M, M): context frame first, target frame second.
    """
    context = F.normalize(context.float(), dim=-1, eps=1e-8)
    targets = F.normalize(targets.float(), dim=-1, eps=1e-8)
    return torch.bmm(context, targets.transpose(1, 2)) / logit_temp


def drop_equal_targets(counts: Tensor, codes: Tensor) -> Tensor:
    """Drop negatives that equal the positive (Baevski et al. 2020, eq. 3).

    Args:
        counts: How often each frame is a negative of another, shape (B, M, M).
        codes: Code of each frame and group, shape (B, M, G).

    Returns:
        Counts of the same shape, 0 where both frames have the same codes.
    """
    equal = (codes.unsqueeze(2) == codes.unsqueeze(1)).all(-1)  # (B, M, M)
    return counts.masked_fill(equal, 0)


def contrast(scores: Tensor, counts: Tensor, valid: Tensor) -> Contrast:
    """Return the cross entropy of each masked frame's target against its negatives.

    Args:
        scores: Similarities over temperature, shape (B, M, M).
        counts: How often frame j is a negative of frame i at [b, i, j], 0 on the
            diagonal and in padded rows, shape (B, M, M).
        valid: True where a masked frame is real, shape (B, M).

    Returns:
        The summed loss and the number of correct frames.
    """
    positive = scores.diagonal(dim1=1, dim2=2)  # (B, M)
    counts = counts + torch.eye(scores.size(1), device=scores.device)
    total = torch.logsumexp(scores + torch.log(counts), dim=2)  # (B, M)
    loss = torch.where(valid, total - positive, 0.0).sum()
    with torch.no_grad():
        best = scores.masked_fill(counts == 0, -torch.inf).amax(2)  # (B, M)
        num_correct = ((positive >= best) & valid).sum()
    return Contrast(loss, num_correct)
