"""Looks after labels that a model gives itself, and stops one that has collapsed."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

from hamzaban.pseudo.continuous.continuous_options import GUARDED, ContinuousOptions

KEPT, EMPTY, TOO_FEW, TOO_MANY = "kept", "empty", "too_few_chars", "too_many_chars"


class LabelsCollapsedError(ValueError):
    """The model's own labels are of no use; the run was stopped."""


@dataclasses.dataclass(frozen=True)
class JudgedLabel:
    """A label that was looked at.

    Attributes:
        text: The label.
        num_frames: T.
        num_blanks: Frames whose likeliest token is blank.
        reason: `kept`, or why it was rejected.
    """

    text: str
    num_frames: int
    num_blanks: int
    reason: str


def judge_label(
    text: str, duration_s: float, chars_per_s: float, options: ContinuousOptions
) -> str:
    """Say whether a label may be trained on.

    Args:
        text: The label.
        duration_s: Of its utterance.
        chars_per_s: Of transcripts.
        options: Bounds of the label's rate over that.

    Returns:
        `kept`, or the reason to reject it.
    """
    if not text:
        return EMPTY
    ratio = len(text.replace(" ", "")) / duration_s / chars_per_s
    if ratio < options.min_length_ratio:
        return TOO_FEW
    return TOO_MANY if ratio > options.max_length_ratio else KEPT


class Guard:
    """The last labels that were judged, and the rules they must keep.

    Attributes:
        window: The last `guard_window` labels.
    """

    def __init__(self, options: ContinuousOptions) -> None:
        """Begin with none."""
        self.options = options
        self.window: deque[JudgedLabel] = deque(maxlen=options.guard_window)

    def look(self, judged: Iterable[JudgedLabel], update: int) -> None:
        """Take labels in; look at the rules if there are enough of them.

        Args:
            judged: New labels.
            update: For the message.

        Raises:
            LabelsCollapsedError: A rule is broken.
        """
        self.window.extend(judged)
        if len(self.window) == self.options.guard_window:
            self.check(update)

    def check(self, update: int) -> None:
        """Look at the rules now.

        Raises:
            LabelsCollapsedError: A rule is broken.
        """
        figures = measure_labels(self.window)
        faults = []
        for name in GUARDED:
            limit = getattr(self.options, f"max_{name}")
            if limit is not None and figures[name] > limit:
                faults.append(f"{name} {figures[name]:.3g} over {limit:g}")
        if faults:
            raise LabelsCollapsedError(
                f"pseudo-labels collapsed before update {update + 1}: "
                f"{', '.join(faults)} in the last {len(self.window)} labels; use an "
                "earlier model, or train anew with a longer warm-up, more updates with "
                "labels, a lower learning rate or a slower teacher (ema_decay)"
            )

    def get_state(self) -> list[list[Any]]:
        """Give the window as plain values."""
        return [list(dataclasses.astuple(judged)) for judged in self.window]

    def set_state(self, state: Sequence[Sequence[Any]]) -> None:
        """Take what `get_state` gave."""
        self.window.clear()
        self.window.extend(JudgedLabel(*values) for values in state)


def measure_labels(judged: Iterable[JudgedLabel]) -> dict[str, float]:
    """Measure labels that were judged.

    Returns:
        blank_rate: Share of frames whose likeliest token is blank.
        rejected: Share of labels not kept.
        top_label_share: Share of the commonest label among those not empty.
        top_word_share: Share of the commonest word among all words.
    """
    labels = list(judged)
    texts = [label.text for label in labels if label.text]
    words = [word for text in texts for word in text.split()]
    return {
        "blank_rate": _divide(
            sum(label.num_blanks for label in labels),
            sum(label.num_frames for label in labels),
        ),
        "rejected": _divide(sum(j.reason != KEPT for j in labels), len(labels)),
        "top_label_share": _divide(_top(texts), len(texts)),
        "top_word_share": _divide(_top(words), len(words)),
    }


def _top(items: Sequence[str]) -> int:
    return max(Counter(items).values(), default=0)


def _divide(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
