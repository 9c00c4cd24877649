"""Choose the pseudo-labels to keep: by bounds on their metrics, and the best share."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hamzaban.config import check_names, drop_none, option
from hamzaban.pseudo.label import Label
from hamzaban.text.plausible import (
    find_letters,
    measure_fidelity,
    measure_longest,
    measure_loops,
)

AUTO = "auto"
EMPTY = "empty"
TOP_SHARE = "top_share"
AUTO_QUANTILES = (0.01, 0.99)

OTHERS, DROPOUT = "others_disagreement", "dropout_disagreement"  # see agreement.py
FIDELITY = "script_fidelity"

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
    "repeated_share": lambda found: measure_loops(found.words),
    "longest_word": lambda found: measure_longest(found.words),
    OTHERS: lambda found: getattr(found, OTHERS),
    DROPOUT: lambda found: getattr(found, DROPOUT),
}
METRICS = (*LABEL_METRICS, FIDELITY)
LOWER_IS_BETTER = frozenset(
    ("disagreement", "lm_only_share", "blank_rate", "repeated_share", "longest_word")
    + (OTHERS, DROPOUT)
)


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The range that a metric of a label must lie in.

    Attributes:
        min: Smallest value, -inf for any; `auto` learns it, for chars_per_s only.
        max: Largest value, inf for any; `auto` as for `min`.
    """

    min: float | str = option(-math.inf, choices=(AUTO,), finite=False)
    max: float | str = option(math.inf, choices=(AUTO,), finite=False)

    def __post_init__(self) -> None:
        """Check that there is a bound, and that `min` is not above `max`.

        Raises:
            ValueError: There is no bound, or `min` is above `max`.
        """
        if self.min == -math.inf and self.max == math.inf:
            raise ValueError("no bound found, expected min, max or both; add one")
        if AUTO not in (self.min, self.max) and float(self.min) > float(self.max):
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")


@dataclasses.dataclass(frozen=True)
class FilterOptions:
    """The rules that decide which labels are kept.

    Attributes:
        bounds: Bounds by name of the metric (METRICS), applied in this order.
        top_share: Share of the labels within all bounds that is kept, in 0..1.
        rank_by: The metric that decides which of them are kept.
        others: Other decodings of the same audio, with which others_disagreement
            compares: a Kaldi text, or `round_<k>/labels` of other rounds. `{round}` in
            a path stands for the number of the round.
        lang: Code of the language whose alphabet script_fidelity compares with.
    """

    bounds: dict[str, Bounds] = option(default_factory=dict, convert=drop_none)
    top_share: float = option(1.0, above=0, at_most=1)
    rank_by: str = option("confidence", choices=METRICS)
    others: tuple[str, ...] = option((), convert=lambda value: value or ())
    lang: str = ""

    def uses(self, name: str) -> bool:
        """Return whether a bound or the ranking needs a metric."""
        return name in self.bounds or self.rank_by == name

    def __post_init__(self) -> None:
        """Check names, and options that need each other.

        Raises:
            ValueError: A metric is unknown, `others` is given without its filter or
                the filter without `others`, or `auto` is given for a limit that cannot
                be learnt.
        """
        check_names(self.bounds, METRICS, "bounds")
        self._check_lang()
        if self.uses(OTHERS) != bool(self.others):
            raise ValueError(
                f"filter {OTHERS} and `others`, the decodings it compares with, belong "
                f"together; others: {', '.join(self.others) or 'none'} found; give "
                "both or neither"
            )
        for name, bounds in self.bounds.items():
            if AUTO in (bounds.min, bounds.max) and name != "chars_per_s":
                raise ValueError(
                    f"bounds: {name}: {AUTO} found, which is only for chars_per_s; "
                    "give a number"
                )

    def _check_lang(self) -> None:
        if self.uses(FIDELITY) and not (self.lang and find_letters(self.lang)):
            raise ValueError(
                f"filter {FIDELITY} found with lang '{self.lang}', expected a language "
                "with an alphabet in its text rules, such as fa; give filters: lang"
            )


def measure(name: str, label: Label, options: FilterOptions) -> float:
    """Return a metric of a label, one of `METRICS`."""
    if name == FIDELITY:
        return measure_fidelity(label.text, options.lang)
    return LABEL_METRICS[name](label)


def learn_rates(labels: Sequence[Label]) -> tuple[float, float]:
    """Learn the range of characters per second from the more confident half of labels.

    Args:
        labels: All labels of a round.

    Returns:
        The 1st and 99th percentiles over the labels whose confidence is at least the
        median.

    Raises:
        ValueError: All labels are empty.
    """
    spoken = [label for label in labels if label.text]
    if not spoken:
        raise ValueError(
            "all labels are empty: no range of chars_per_s can be learnt; give numbers"
        )
    median = np.median([label.confidence for label in spoken])
    rate = LABEL_METRICS["chars_per_s"]
    rates = [rate(label) for label in spoken if label.confidence >= median]
    low, high = np.quantile(rates, AUTO_QUANTILES)
    return float(low), float(high)


def resolve(
    options: FilterOptions, rates: Callable[[], tuple[float, float]]
) -> FilterOptions:
    """Return the options with `auto` replaced by what `rates` returns.

    `rates` is called only if there is an `auto`.
    """
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
    """Return the reasons for which labels are dropped.

    Args:
        labels: All labels of a round.
        options: The rules, without `auto`; see `resolve`.

    Returns:
        The first reason for each dropped utterance, by utt_id: `empty`,
        `<metric> below min`, `<metric> above max`, or `top_share`.
    """
    reasons = {}
    for label in labels:
        reason = check_label(label, options)
        if reason is not None:
            reasons[label.utt_id] = reason
    kept = [label for label in labels if label.utt_id not in reasons]
    sign = -1 if options.rank_by in LOWER_IS_BETTER else 1
    kept.sort(
        key=lambda label: (
            -sign * measure(options.rank_by, label, options),
            label.utt_id,
        )
    )
    number = math.ceil(options.top_share * len(kept))
    return reasons | {label.utt_id: TOP_SHARE for label in kept[number:]}


def check_label(label: Label, options: FilterOptions) -> str | None:
    """Return the first bound that a label violates; None if it violates none."""
    if not label.text:
        return EMPTY
    for name, bounds in options.bounds.items():
        value = measure(name, label, options)
        if value < float(bounds.min):
            return f"{name} below min"
        if value > float(bounds.max):
            return f"{name} above max"
    return None


def count_reasons(reasons: Mapping[str, str]) -> dict[str, int]:
    """Count the dropped utterances by reason, the most frequent first."""
    return dict(Counter(reasons.values()).most_common())
