"""Draw the latent frames that wav2vec 2.0 masks, and the negatives of each.

Masks follow Baevski et al. 2020 (arXiv 2006.11477), section 3.1, as published code
draws them; padding is never masked. Utterances may have different numbers of masked
frames: nothing is cut to the smallest number unless `require_same_masks` asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SELECTIONS = ("static", "uniform", "normal", "poisson")


@dataclass(frozen=True)
class MaskOptions:
    """How spans of frames are masked; defaults are the published ones.

    Attributes:
        prob: Share of frames that would be masked if spans never overlapped, in 0..1.
        length: Length of a span in frames.
        selection: Distribution of the span length, one of `SELECTIONS`.
        other: Second parameter of that distribution (lower end, standard deviation).
        min_masks: Smallest number of spans of an utterance.
        dropout: Share of masked frames that are uncovered again, in 0..1.
        require_same: Whether to uncover frames until all utterances have equally many
            masked.
    """

    prob: float = 0.65
    length: int = 10
    selection: str = "static"
    other: float = 0.0
    min_masks: int = 2
    dropout: float = 0.0
    require_same: bool = False


def sample_masked_frames(
    num_frames: int, options: MaskOptions, rng: np.random.Generator
) -> np.ndarray:
    """Draw the masked frames of one utterance.

    Args:
        num_frames: Valid frames of the utterance, at least 2.
        options: How to mask.
        rng: Source of randomness.

    Returns:
        Sorted indices of the masked frames, each below `num_frames`.
    """
    expected = options.prob * num_frames / options.length
    num_spans = max(int(expected + rng.random()), options.min_masks)
    lengths = _span_lengths(num_spans, options, rng)
    last_start = num_frames - int(lengths.min())
    if last_start <= num_spans:
        last_start = min(num_spans + 1, num_frames)
    num_spans = min(num_spans, last_start)
    starts = rng.choice(last_start, num_spans, replace=False)
    steps = np.zeros(num_frames + 1, dtype=np.int64)
    np.add.at(steps, starts, 1)
    np.add.at(steps, np.minimum(starts + lengths[:num_spans], num_frames), -1)
    frames = np.flatnonzero(np.cumsum(steps[:-1]))
    if options.dropout > 0:
        kept = frames.size - int(np.rint(frames.size * options.dropout))
        frames = np.sort(rng.choice(frames, kept, replace=False))
    return frames


def sample_masks(
    num_frames: Sequence[int],
    options: MaskOptions,
    rngs: Sequence[np.random.Generator],
) -> list[np.ndarray]:
    """Draw the masked frames of a batch.

    Args:
        num_frames: Valid frames of each utterance, B of them.
        options: How to mask.
        rngs: Source of randomness of each utterance; all may be the same.

    Returns:
        For each utterance the sorted indices of its masked frames.
    """
    masks = [
        sample_masked_frames(frames, options, rng)
        for frames, rng in zip(num_frames, rngs, strict=True)
    ]
    if options.require_same:
        smallest = min(mask.size for mask in masks)
        masks = [
            np.sort(rng.choice(mask, smallest, replace=False))
            for mask, rng in zip(masks, rngs, strict=True)
        ]
    return masks


def sample_negatives(
    num_masked: int, num_negatives: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw, for each masked frame, others of the same utterance, with replacement.

    Args:
        num_masked: Masked frames of the utterance, M.
        num_negatives: Negatives of each masked frame, K.
        rng: Source of randomness.

    Returns:
        Positions among the masked frames in 0..M-1, shape (M, K), never that of the
        frame itself; K is 0 if M is below 2, since there is no other frame.
    """
    if num_masked < 2:
        return np.zeros((num_masked, 0), dtype=np.int64)
    drawn = rng.integers(0, num_masked - 1, size=(num_masked, num_negatives))
    drawn += drawn >= np.arange(num_masked)[:, None]
    return drawn


def _span_lengths(
    num_spans: int, options: MaskOptions, rng: np.random.Generator
) -> np.ndarray:
    """Return the lengths of `num_spans` spans in frames, each at least 1."""
    length, other = options.length, options.other
    if options.selection == "static":
        return np.full(num_spans, length)
    if options.selection == "uniform":
        drawn = rng.integers(int(other), 2 * length + 1, size=num_spans)
    elif options.selection == "normal":
        drawn = np.rint(rng.normal(length, other, size=num_spans)).astype(np.int64)
    elif options.selection == "poisson":
        drawn = rng.poisson(length, size=num_spans)
    else:
        known = ", ".join(SELECTIONS)
        raise ValueError(
            f"model_cfg.mask_selection '{options.selection}' is unknown; known: {known}"
        )
    return np.maximum(drawn, 1)
