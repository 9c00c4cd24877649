"""The masked frames of a batch and their negatives, as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class MaskedBatch:
    """Masked frames and negatives of a batch; an utterance has at most M of them.

    Attributes:
        mask: True where a frame is masked, shape (B, T).
        frames: Flat position in (B, T) of each masked frame, shape (N,).
        slots: Flat position in (B, M) of each masked frame, shape (N,).
        valid: True where (B, M) holds a frame, shape (B, M).
        counts: Times that frame j is a negative of frame i, shape (B, M, M).
        num_valid: Valid frames of the batch, masked or not.
    """

    mask: Tensor
    frames: Tensor
    slots: Tensor
    valid: Tensor
    counts: Tensor
    num_valid: int


def build_masked_batch(
    masks: Sequence[np.ndarray],
    negatives: Sequence[np.ndarray],
    *,
    num_frames: Sequence[int],
    total: int,
    device: torch.device,
) -> MaskedBatch:
    """Arrange masked frames and negatives of B utterances as tensors.

    Args:
        masks: Indices of the masked frames of each utterance.
        negatives: Negatives of each masked frame, as positions among the masked frames
            of the utterance, B x (M_b, K).
        num_frames: Valid frames of each utterance.
        total: Frames of the batch with padding, T.
        device: Device of the tensors.

    Returns:
        The tensors.
    """
    sizes = np.array([mask.size for mask in masks])
    width = int(sizes.max())
    mask = np.zeros((len(masks), total), dtype=bool)
    counts = np.zeros((len(masks), width, width), dtype=np.float32)
    for index, (frames, drawn) in enumerate(zip(masks, negatives, strict=True)):
        mask[index, frames] = True
        pairs = drawn + np.arange(frames.size)[:, None] * width
        seen = np.bincount(pairs.ravel(), minlength=frames.size * width)
        counts[index, : frames.size] = seen.reshape(frames.size, width)
    valid = np.arange(width) < sizes[:, None]
    return MaskedBatch(
        torch.from_numpy(mask).to(device),
        torch.from_numpy(np.flatnonzero(mask)).to(device),
        torch.from_numpy(np.flatnonzero(valid)).to(device),
        torch.from_numpy(valid).to(device),
        torch.from_numpy(counts).to(device),
        num_valid=sum(num_frames),
    )


def to_slots(rows: Tensor, draw: MaskedBatch) -> Tensor:
    """Arrange (N, D) rows of masked frames as (B, M, D), with zeros in empty slots."""
    batch, width = draw.valid.shape
    if rows.size(0) == batch * width:
        return rows.view(batch, width, -1)
    slots = rows.new_zeros(batch * width, rows.size(1))
    return slots.index_copy(0, draw.slots, rows).view(batch, width, -1)
