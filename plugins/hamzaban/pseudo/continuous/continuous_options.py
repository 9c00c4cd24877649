"""The options in `continuous_conf`, and the schedule of updates that follows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from hamzaban.config import option, read_dataclass

GUARDED = ("blank_rate", "rejected", "top_label_share", "top_word_share")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Which updates use labels and which use pseudo-labels.

    The warm-up is followed by turns: updates with labels, then with pseudo-labels.

    Attributes:
        warmup: Number of updates of the warm-up, all with labels (M of the paper).
        labelled: Number of updates with labels in a turn.
        pseudo: Number of updates with pseudo-labels in a turn.
    """

    warmup: int
    labelled: int
    pseudo: int

    @property
    def turn(self) -> int:
        """Number of updates of a turn."""
        return self.labelled + self.pseudo

    def count_labelled(self, updates: int) -> int:
        """Return how many of the first `updates` updates of a run use labels."""
        turns, rest = divmod(max(updates - self.warmup, 0), self.turn)
        after = turns * self.labelled + min(rest, self.labelled)
        return min(updates, self.warmup) + after

    def count_pseudo_ahead(self, update: int) -> int:
        """Return the length of the stretch of pseudo-label updates from `update` on.

        Args:
            update: Number of the update, from 0.

        Returns:
            The number of updates up to the end of the turn; 0 if this one uses labels.
        """
        place = (update - self.warmup) % self.turn
        if update < self.warmup or place < self.labelled:
            return 0
        return self.turn - place

    def count_epoch_updates(self, labelled: int) -> int:
        """Return the number of updates in which all labels are used once.

        Args:
            labelled: Number of updates that a pass over the labels takes. Where turns
                have no updates with labels, it is the number with pseudo-labels.
        """
        if self.labelled == 0:
            return labelled
        return math.ceil(labelled / self.labelled) * self.turn


@dataclasses.dataclass(frozen=True)
class ContinuousOptions:
    """The options in `continuous_conf`, explained in conf/pseudo_continuous.yaml.

    None switches a rule of the guard, or the teacher, off.
    """

    warmup_updates: int = option(500, at_least=0)
    ratio: tuple[int, int] = option((1, 4), at_least=0)
    cache_size: int = option(1000, at_least=2)
    replace_prob: float = option(0.1, at_least=0, at_most=1)
    ema_decay: float | None = option(None, above=0, below=1)
    min_length_ratio: float = option(0.3, at_least=0)
    max_length_ratio: float = option(3.0, at_least=0)
    guard_window: int = option(500, at_least=2)
    max_blank_rate: float | None = option(0.98, at_least=0, at_most=1)
    max_rejected: float | None = option(0.7, at_least=0, at_most=1)
    max_top_label_share: float | None = option(0.3, at_least=0, at_most=1)
    max_top_word_share: float | None = option(0.5, at_least=0, at_most=1)

    def __post_init__(self) -> None:
        """Check options that depend on each other.

        Raises:
            ValueError: Two options contradict each other.
        """
        if self.ratio[1] < 1:
            raise ValueError(
                f"ratio: {list(self.ratio)} found, expected a number of updates with "
                "labels, and 1 or more with pseudo-labels"
            )
        if self.min_length_ratio >= self.max_length_ratio:
            raise ValueError(
                f"min_length_ratio: {self.min_length_ratio:g} found, expected less "
                f"than max_length_ratio {self.max_length_ratio:g}"
            )

    @property
    def schedule(self) -> Schedule:
        """The schedule of updates."""
        return Schedule(self.warmup_updates, *self.ratio)


def read_continuous_options(values: Mapping[str, Any]) -> ContinuousOptions:
    """Read `continuous_conf`.

    Raises:
        ValueError: A key is unknown or a value out of its range.
    """
    return read_dataclass(
        ContinuousOptions,
        values,
        "continuous_conf",
        see="conf/pseudo_continuous.yaml",
    )
