"""The values of `continuous_conf`, and whose turn an update is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

GUARDED = ("blank_rate", "rejected", "top_label_share", "top_word_share")
SHARES = ("replace_prob", *(f"max_{name}" for name in GUARDED))
NULLABLE = ("ema_decay", *SHARES[1:])
COUNTS = {"warmup_updates": 0, "cache_size": 2, "guard_window": 2}  # least values


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

    def fill_epoch(self, labelled: int) -> int:
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

    warmup_updates: int = 500
    ratio: tuple[int, int] = (1, 4)
    cache_size: int = 1000
    replace_prob: float = 0.1
    ema_decay: float | None = None
    min_length_ratio: float = 0.3
    max_length_ratio: float = 3.0
    guard_window: int = 500
    max_blank_rate: float | None = 0.98
    max_rejected: float | None = 0.7
    max_top_label_share: float | None = 0.3
    max_top_word_share: float | None = 0.5

    @property
    def schedule(self) -> Schedule:
        """Warm-up and turns."""
        return Schedule(self.warmup_updates, *self.ratio)


def read_continuous_options(values: Mapping[str, Any]) -> ContinuousOptions:
    """Read `continuous_conf`.

    Raises:
        ValueError: A key is unknown or a value out of its range.
    """
    known = [field.name for field in dataclasses.fields(ContinuousOptions)]
    for name, value in values.items():
        if name not in known:
            _refuse(name, value, f"one of {', '.join(known)}")
        if not (value is None and name in NULLABLE or _is_fit(name, value)):
            _refuse(name, value, _EXPECTED.get(name, "a number in 0..1"))
    fitting: dict[str, Any] = dict(values)
    if "ratio" in values:
        fitting["ratio"] = tuple(values["ratio"])
    options = ContinuousOptions(**fitting)
    if options.min_length_ratio >= options.max_length_ratio:
        _refuse("min_length_ratio", options.min_length_ratio, "less than the other")
    return options


_EXPECTED = {
    "ratio": "two whole numbers, with labels 0 or more, with pseudo-labels 1 or more",
    "ema_decay": "null, or above 0 and under 1",
    **{name: f"a whole number, {least} or more" for name, least in COUNTS.items()},
    **dict.fromkeys(("min_length_ratio", "max_length_ratio"), "0 or more"),
}


def _is_fit(name: str, value: Any) -> bool:
    if name in COUNTS:
        return type(value) is int and value >= COUNTS[name]
    if name == "ratio":
        is_pair = isinstance(value, list | tuple) and len(value) == 2
        return (
            is_pair
            and all(type(number) is int for number in value)
            and value[0] >= 0
            and value[1] >= 1
        )
    if type(value) not in (int, float):
        return False
    if name == "ema_decay":
        return 0 < value < 1
    return 0 <= value <= 1 if name in SHARES else value >= 0


def _refuse(name: str, value: Any, expected: str) -> None:
    raise ValueError(
        f"continuous_conf: {name}: {value!r} found, expected {expected}; see "
        "conf/pseudo_continuous.yaml"
    )
