"""Greedy CTC decoding: the best path through log-posteriors, as pure functions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from hamzaban.decode.languages import Spoken

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """What was recognized in one utterance.

    Attributes:
        token_int: Token ids, without blanks and repeats.
        score: Log-probability (natural log) of the best path.
        confidence: Nats per non-blank frame, at most 0; see `ctc_confidence`.
        spoken: Its language, for a model of several.
    """

    token_int: tuple[int, ...] = ()
    score: float = 0.0
    confidence: float = float("-inf")
    spoken: Spoken = Spoken()


def greedy_search(
    log_probs: Tensor, lengths: Tensor, blank_id: int = 0
) -> list[Hypothesis]:
    """Decode a batch by the most probable token of each frame.

    Args:
        log_probs: CTC log-posteriors (natural log), shape (B, T, V).
        lengths: Number of valid frames of each utterance, shape (B,), each in 0..T;
            frames beyond it are not looked at.
        blank_id: Index of the CTC blank in V.

    Returns:
        The hypotheses of the B utterances; one without frames is empty with score 0.

    Raises:
        ValueError: Shapes do not fit, or a valid frame holds a NaN.
    """
    _check_shapes(log_probs, lengths)
    best, token = log_probs.max(-1)  # (B, T), (B, T)
    best = best.masked_fill(~_valid_frames(log_probs, lengths), 0.0)
    if bool(best.isnan().any()):
        raise ValueError(
            "the model's log-posteriors are NaN; expected numbers: decode with another "
            "checkpoint and look at the losses in train.log"
        )
    scores = best.double().sum(-1).tolist()
    confidences = ctc_confidence(log_probs, lengths, blank_id).tolist()
    paths = token.tolist()
    return [
        Hypothesis(tuple(collapse(path[:length], blank_id)), score, confidence)
        for path, length, score, confidence in zip(
            paths, lengths.tolist(), scores, confidences, strict=True
        )
    ]


def ctc_confidence(log_probs: Tensor, lengths: Tensor, blank_id: int = 0) -> Tensor:
    """Mean log-probability of the non-blank frames on the best CTC path.

    Args:
        log_probs: CTC log-posteriors (natural log), shape (B, T, V).
        lengths: Number of valid frames of each utterance, shape (B,), each in 0..T.
        blank_id: Index of the CTC blank in V.

    Returns:
        Confidence in nats per frame, shape (B,), at most 0; -inf if every frame is
        blank.
    """
    best, token = log_probs.max(-1)  # (B, T), (B, T)
    spoken = _valid_frames(log_probs, lengths) & (token != blank_id)  # (B, T)
    total = best.double().masked_fill(~spoken, 0.0).sum(-1)  # (B,)
    count = spoken.sum(-1)  # (B,)
    return (total / count.clamp(min=1)).masked_fill(count == 0, float("-inf"))


def collapse(path: list[int], blank_id: int = 0) -> list[int]:
    """Turn one path of frames into tokens: merge repeats, then drop blanks."""
    previous = [blank_id, *path]  # one longer than path
    return [
        token
        for token, before in zip(path, previous, strict=False)
        if token != before and token != blank_id
    ]


def _valid_frames(log_probs: Tensor, lengths: Tensor) -> Tensor:
    import torch

    frames = torch.arange(log_probs.size(1), device=log_probs.device)  # (T,)
    return frames[None] < lengths.to(log_probs.device)[:, None]  # (B, T)


def _check_shapes(log_probs: Tensor, lengths: Tensor) -> None:
    if log_probs.dim() != 3 or lengths.shape != log_probs.shape[:1]:
        raise ValueError(
            f"log_probs of shape {tuple(log_probs.shape)} and lengths of shape "
            f"{tuple(lengths.shape)} found, expected (B, T, V) and (B,)"
        )
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= (
        log_probs.size(1)
    ):
        raise ValueError(
            f"lengths {lengths.tolist()} found, expected 0..{log_probs.size(1)} frames"
        )
