"""Which pseudo-labels are kept: bounds on their figures, and the best share of them."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hamzaban.config import check_names, drop_none, option
from hamzaban.pseudo.label import Label

AUTO = "auto"
EMPTY = "empty"
TOP_SHARE = "top_share"
AUTO_QUANTILES = (0.01, 0.99)

OTHERS, DROPOUT = "others_disagreement", "dropout_disagreement"  # see agreement.py

LABEL_METRICS: dict[str, Callable[[Label], float]] = {
    "score_per_frame": lambda found: found.score / max(found.num_frames, 1),
    "score_per_word": lambda found: found.score / max(len(found.words), 1),
    "confidence": lambda found: found.confidence,
    "disagreement": lambda found: found.disagreement,
    "chars_per_s": lambda found: found.num_chars / max(found.duration_s, 1e-3),
    "lm_only_share": lambda found: found.lm_only / max(len(found.words), 1),
    "blank_rate": lambda found: found.blank_rate,
    "num_words": lambda found: len(found.words),
    "duration_s": lambda found: found.duration_s,
    OTHERS: lambda found: getattr(found, OTHERS),
    DROPOUT: lambda found: getattr(found, DROPOUT),
}
FALLING = frozenset(  # low is good
    ("disagreement", "lm_only_share", "blank_rate", OTHERS, DROPOUT)
)


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Where a figure may lie.

    Attributes:
        min: Least value; -inf for any. `auto`: learnt, of chars_per_s only.
        max: Greatest value, likewise.
    """

    min: float | str = option(-math.inf, choices=(AUTO,), finite=False)
    max: float | str = option(math.inf, choices=(AUTO,), finite=False)

    def __post_init__(self) -> None:
        """Check that there is a bound, and that they leave room.

        Raises:
            ValueError: There is none, or none between them.
        """
        if self.min == -math.inf and self.max == math.inf:
            raise ValueError("no bound found, expected min, max or both")
        if AUTO not in (self.min, self.max) and float(self.min) > float(self.max):
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")


@dataclasses.dataclass(frozen=True)
class FilterOptions:
    """What is kept.

    Attributes:
        bounds: By name of the figure (LABEL_METRICS); tried in this order.
        top_share: Of the labels within all bounds, the share that is kept, 0..1.
        rank_by: The figure that decides which.
        others: Other decodings of the same audio, which others_disagreement compares
            with: a Kaldi text, or `round_<k>/labels` of other rounds; `{round}` in a
            path is the number of the round.
    """

    bounds: dict[str, Bounds] = option(default_factory=dict, convert=drop_none)
    top_share: float = option(1.0, above=0, at_most=1)
    rank_by: str = option("confidence", choices=tuple(LABEL_METRICS))
    others: tuple[str, ...] = option((), convert=lambda value: value or ())

    def uses(self, name: str) -> bool:
        """Say whether a bound or the ranking needs a figure."""
        return name in self.bounds or self.rank_by == name

    def __post_init__(self) -> None:
        """Check names, and what belongs together.

        Raises:
            ValueError: A name is unknown, or half of a pair is missing.
        """
        check_names(self.bounds, LABEL_METRICS, "bounds")
        if self.uses(OTHERS) != bool(self.others):
            raise ValueError(
                f"filter {OTHERS} and `others`, the decodings it compares with, belong "
                f"together; found {', '.join(self.others) or 'no others'}"
            )
        for name, bounds in self.bounds.items():
            if AUTO in (bounds.min, bounds.max) and name != "chars_per_s":
                raise ValueError(
                    f"bounds: {name}: {AUTO} is for chars_per_s; give a number"
                )


def learn_rates(labels: Sequence[Label]) -> tuple[float, float]:
    """Learn the range of characters a second from the surer half of the labels.

    Args:
        labels: Of a whole round.

    Returns:
        The 1st and the 99th percentile, over the labels whose confidence is the
        median or more.

    Raises:
        ValueError: All labels are empty.
    """
    spoken = [label for label in labels if label.text]
    if not spoken:
        raise ValueError("all labels are empty: no range of chars_per_s can be learnt")
    median = np.median([label.confidence for label in spoken])
    rate = LABEL_METRICS["chars_per_s"]
    rates = [rate(label) for label in spoken if label.confidence >= median]
    low, high = np.quantile(rates, AUTO_QUANTILES)
    return float(low), float(high)


def resolve(
    options: FilterOptions, rates: Callable[[], tuple[float, float]]
) -> FilterOptions:
    """Put a learnt range in place of `auto`; `rates` is called only for it."""
    bounds = options.bounds.get("chars_per_s")
    if bounds is None or AUTO not in (bounds.min, bounds.max):
        return options
    low, high = rates()
    learnt = Bounds(
        low if bounds.min == AUTO else bounds.min,
        high if bounds.max == AUTO else bounds.max,
    )
    return dataclasses.replace(
        options, bounds={**options.bounds, "chars_per_s": learnt}
    )


def apply(labels: Sequence[Label], options: FilterOptions) -> dict[str, str]:
    """Say why labels are dropped.

    Args:
        labels: Of a whole round.
        options: Without `auto`; see `resolve`.

    Returns:
        The first reason of each dropped utterance, by utt_id: `empty`,
        `<figure> below min`, `<figure> above max`, or `top_share`.
    """
    reasons = {}
    for label in labels:
        reason = find_reason(label, options)
        if reason is not None:
            reasons[label.utt_id] = reason
    kept = [label for label in labels if label.utt_id not in reasons]
    sign = -1 if options.rank_by in FALLING else 1
    figure = LABEL_METRICS[options.rank_by]
    kept.sort(key=lambda label: (-sign * figure(label), label.utt_id))
    number = math.ceil(options.top_share * len(kept))
    return reasons | {label.utt_id: TOP_SHARE for label in kept[number:]}


def find_reason(label: Label, options: FilterOptions) -> str | None:
    """Give the first bound that a label is outside of; None if it is within all."""
    if not label.text:
        return EMPTY
    for name, bounds in options.bounds.items():
        value = LABEL_METRICS[name](label)
        if value < float(bounds.min):
            return f"{name} below min"
        if value > float(bounds.max):
            return f"{name} above max"
    return None


def count_reasons(reasons: Mapping[str, str]) -> dict[str, int]:
    """Count the dropped utterances by reason, the commonest first."""
    return dict(Counter(reasons.values()).most_common())
