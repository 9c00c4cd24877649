"""The values of `continuous_conf`, and whose turn an update is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from hamzaban.config import option, read_dataclass

GUARDED = ("blank_rate", "rejected", "top_label_share", "top_word_share")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Which updates are made on labels, which on pseudo-labels.

    Attributes:
        warmup: The first updates, all with labels (M of the paper).
        labelled: Updates with labels at the head of a turn; turns follow the warm-up.
        pseudo: Updates with pseudo-labels behind them.
    """

    warmup: int
    labelled: int
    pseudo: int

    @property
    def turn(self) -> int:
        """Updates of a turn."""
        return self.labelled + self.pseudo

    def count_labelled(self, updates: int) -> int:
        """Updates with labels among the first ones of a run."""
        turns, rest = divmod(max(updates - self.warmup, 0), self.turn)
        after = turns * self.labelled + min(rest, self.labelled)
        return min(updates, self.warmup) + after

    def count_pseudo_ahead(self, update: int) -> int:
        """Updates with pseudo-labels from one on; 0 if it is one with labels.

        Args:
            update: Number of the update, from 0.
        """
        place = (update - self.warmup) % self.turn
        if update < self.warmup or place < self.labelled:
            return 0
        return self.turn - place

    def count_epoch_updates(self, labelled: int) -> int:
        """Updates in which all labels are seen once; `labelled` have them.

        Where the turns have none, as many updates on pseudo-labels.
        """
        if self.labelled == 0:
            return labelled
        return math.ceil(labelled / self.labelled) * self.turn


@dataclasses.dataclass(frozen=True)
class ContinuousOptions:
    """The values of `continuous_conf`; conf/pseudo_continuous.yaml says what each is.

    None takes a rule of the guard, or the teacher, out.
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
        """Check the values against each other.

        Raises:
            ValueError: They do not go together.
        """
        if self.ratio[1] < 1:
            raise ValueError(
                f"ratio: {list(self.ratio)} found, expected updates with labels and 1 "
                "or more with pseudo-labels"
            )
        if self.min_length_ratio >= self.max_length_ratio:
            raise ValueError(
                f"min_length_ratio: {self.min_length_ratio:g} found, expected less "
                f"than max_length_ratio {self.max_length_ratio:g}"
            )

    @property
    def schedule(self) -> Schedule:
        """Warm-up and turns."""
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
