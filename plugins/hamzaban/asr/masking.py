"""Masking of the latent features in fine-tuning, as wav2vec 2.0 was published.

Baevski et al. 2020 (arXiv 2006.11477), section 4.4 and appendix B: spans of frames are
replaced by the learnt mask embedding and spans of channels by zeros. This is
SpecAugment applied after the feature encoder.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from hamzaban.asr.frontend_options import FineTuning
from hamzaban.wav2vec2.masking import MaskOptions, sample_masked_frames


def mask_latent(
    feats: Tensor, num_frames: Sequence[int], emb: Tensor, options: FineTuning
) -> Tensor:
    """Mask a batch; random numbers come from NumPy's global generator.

    Args:
        feats: Latent features, shape (B, T, C).
        num_frames: Valid frames of each utterance.
        emb: The vector that replaces a masked frame, shape (C,).
        options: How much is masked.

    Returns:
        The masked features, shape (B, T, C).
    """
    if options.mask_prob <= 0 and options.mask_channel_prob <= 0:
        return feats
    batch, width, channels = feats.shape
    rng = np.random.default_rng(np.random.randint(2**31))
    if options.mask_prob > 0:
        mask = sample_frames(num_frames, width, options, rng)  # (B, T)
        hidden = torch.from_numpy(mask).to(feats.device).unsqueeze(2)
        feats = torch.where(hidden, emb.to(feats.dtype), feats)
    if options.mask_channel_prob > 0:
        mask = sample_channels(batch, channels, options, rng)  # (B, C)
        hidden = torch.from_numpy(mask).to(feats.device).unsqueeze(1)
        feats = feats.masked_fill(hidden, 0.0)
    return feats


def sample_frames(
    num_frames: Sequence[int], width: int, options: FineTuning, rng: np.random.Generator
) -> np.ndarray:
    """Return a mask of shape (B, width), true at the frames to hide."""
    spans = MaskOptions(prob=options.mask_prob, length=options.mask_length)
    mask = np.zeros((len(num_frames), width), dtype=bool)
    for row, frames in zip(mask, num_frames, strict=True):
        if frames > 1:
            row[sample_masked_frames(frames, spans, rng)] = True
    return mask


def sample_channels(
    batch: int, channels: int, options: FineTuning, rng: np.random.Generator
) -> np.ndarray:
    """Return a mask of shape (batch, channels), true at the channels to hide."""
    length = options.mask_channel_length
    expected = options.mask_channel_prob * channels / length
    mask = np.zeros((batch, channels), dtype=bool)
    for row in mask:
        number = int(expected + rng.random())
        if number:
            spans = MaskOptions(prob=0.0, length=length, min_masks=number)
            row[sample_masked_frames(channels, spans, rng)] = True
    return mask
