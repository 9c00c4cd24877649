"""Watch the labels that a model makes for itself, and stop a run that collapses."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

from hamzaban.pseudo.continuous.continuous_options import GUARDED, ContinuousOptions

KEPT, EMPTY, TOO_FEW, TOO_MANY = "kept", "empty", "too_few_chars", "too_many_chars"


class LabelsCollapsedError(ValueError):
    """The run was stopped because the pseudo-labels have collapsed."""


@dataclasses.dataclass(frozen=True)
class JudgedLabel:
    """A pseudo-label and whether it may be trained on.

    Attributes:
        text: The label.
        num_frames: Number of frames, T.
        num_blanks: Number of frames whose most likely token is blank.
        reason: `kept`, or the reason for which it was rejected.
    """

    text: str
    num_frames: int
    num_blanks: int
    reason: str


def judge_label(
    text: str, duration_s: float, chars_per_s: float, options: ContinuousOptions
) -> str:
    """Decide whether a label may be trained on.

    Args:
        text: The label.
        duration_s: Length of its utterance.
        chars_per_s: Rate of characters in the transcripts.
        options: Bounds of the rate of the label relative to that.

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
    """The latest labels, and the rules that they must keep.

    Attributes:
        window: The last `guard_window` labels.
    """

    def __init__(self, options: ContinuousOptions) -> None:
        """Start without labels."""
        self.options = options
        self.window: deque[JudgedLabel] = deque(maxlen=options.guard_window)

    def look(self, judged: Iterable[JudgedLabel], update: int) -> None:
        """Add labels, and check the rules once the window is full.

        Args:
            judged: New labels.
            update: Number of the update, for the message.

        Raises:
            LabelsCollapsedError: A rule is broken.
        """
        self.window.extend(judged)
        if len(self.window) == self.options.guard_window:
            self.check(update)

    def check(self, update: int) -> None:
        """Check the rules now.

        Raises:
            LabelsCollapsedError: A rule is broken.
        """
        metrics = measure_labels(self.window)
        faults = []
        for name in GUARDED:
            limit = getattr(self.options, f"max_{name}")
            if limit is not None and metrics[name] > limit:
                faults.append(f"{name} {metrics[name]:.3g} over {limit:g}")
        if faults:
            raise LabelsCollapsedError(
                f"pseudo-labels collapsed before update {update + 1}: "
                f"{', '.join(faults)} in the last {len(self.window)} labels; use an "
                "earlier model, or train again with a longer warm-up, more updates on "
                "labels, a lower learning rate or a slower teacher (ema_decay)"
            )

    def get_state(self) -> list[list[Any]]:
        """Return the window as plain values."""
        return [list(dataclasses.astuple(judged)) for judged in self.window]

    def set_state(self, state: Sequence[Sequence[Any]]) -> None:
        """Restore the window that `get_state` returned."""
        self.window.clear()
        self.window.extend(JudgedLabel(*values) for values in state)


def measure_labels(judged: Iterable[JudgedLabel]) -> dict[str, float]:
    """Compute the metrics of labels.

    Returns:
        blank_rate: Share of frames whose most likely token is blank.
        rejected: Share of labels that were rejected.
        top_label_share: Share of the most frequent label among labels not empty.
        top_word_share: Share of the most frequent word among all words.
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
