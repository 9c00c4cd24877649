"""Stop rounds whose labels collapse and choose the best, without references."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hamzaban.config import check_names, drop_none, option, read_value
from hamzaban.pseudo.health import Health

HEALTH_METRICS = tuple(
    field.name for field in dataclasses.fields(Health) if field.name != "num_utts"
)
SUFFIX_OF_TEXT = "_of_text"
WAYS = ("max", "min", "max_of_text", "min_of_text", "max_of_first", "min_of_first")


@dataclasses.dataclass(frozen=True)
class Rule:
    """A limit of one metric of a round's health.

    Attributes:
        metric: Name of the metric.
        way: `max` or `min`: the limit itself; `..._of_text`: a multiple of the same
            metric of the text; `..._of_first`: a multiple of that of the first round.
        limit: The limit or the factor.
    """

    metric: str
    way: str
    limit: float

    def describe_fault(self, health: Health, first: Health) -> str | None:
        """Return how the rule is broken; None if it is not or the metric is missing."""
        value = getattr(health, self.metric)
        base = 1.0
        if self.way.endswith("_of_text"):
            base = getattr(health, self.metric + SUFFIX_OF_TEXT)
        elif self.way.endswith("_of_first"):
            base = getattr(first, self.metric)
        if value is None or base is None:
            return None
        bound = self.limit * base
        is_max = self.way.startswith("max")
        if value <= bound if is_max else value >= bound:
            return None
        side = "above" if is_max else "below"
        return f"{self.metric} {value:.4g} is {side} {bound:.4g} ({self.way})"


def _read_rules(values: object) -> tuple[Rule, ...]:
    """Read `metric: {max: 1, min_of_text: 0.5}`; a metric with null has no rule."""
    limits = read_value(dict[str, dict[str, float]], drop_none(values), "")
    check_names(limits, HEALTH_METRICS, "")
    for metric, found in limits.items():
        has_base = metric + SUFFIX_OF_TEXT in HEALTH_METRICS
        ways = [way for way in WAYS if has_base or not way.endswith(SUFFIX_OF_TEXT)]
        check_names(found, ways, metric)
    return tuple(
        Rule(metric, way, limit)
        for metric, found in limits.items()
        for way, limit in found.items()
    )


@dataclasses.dataclass(frozen=True)
class GuardOptions:
    """When to stop, and how to choose the best round.

    Attributes:
        rules: Limits of metrics; a round that breaks one has collapsed.
        min_kept: Smallest number of utterances that a round may keep; 2 or more, since
            one is set aside for validation.
        choose_by: The metric whose lowest value marks the best round.
        patience: Number of rounds since the best one after which the rounds stop.
    """

    rules: tuple[Rule, ...] = option((), convert=_read_rules)
    min_kept: int = option(2, at_least=2)
    choose_by: str = option("disagreement", choices=HEALTH_METRICS)
    patience: int = option(1, at_least=1)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The judgement after a round.

    Attributes:
        go_on: Whether another round may be trained on the labels of this one.
        best: The healthy round whose model is best so far; None if none is healthy.
        why: The reason in words.
    """

    go_on: bool
    best: int | None
    why: str


@dataclasses.dataclass(frozen=True)
class MeasuredRound:
    """The metrics of a round.

    Attributes:
        health: The health of its labels.
        num_kept: Number of utterances kept.
    """

    health: Health
    num_kept: int


def list_faults(past: MeasuredRound, first: Health, options: GuardOptions) -> list[str]:
    """Return how a round breaks rules, an item for each rule broken."""
    found = [rule.describe_fault(past.health, first) for rule in options.rules]
    faults = [fault for fault in found if fault is not None]
    if past.num_kept < options.min_kept:
        faults.append(f"{past.num_kept} utterances kept, fewer than {options.min_kept}")
    return faults


def judge(rounds: Sequence[MeasuredRound], options: GuardOptions) -> Verdict:
    """Decide after a round whether to go on, and which round is best.

    Args:
        rounds: All rounds from round 0, that of the source model, to the last.
        options: The rules.

    Returns:
        Whether to go on, and the healthy round with the lowest `choose_by`; the
        earliest if several are equal.
    """
    first = rounds[0].health
    faults = [list_faults(past, first, options) for past in rounds]
    healthy = [k for k, found in enumerate(faults) if not found]
    last = len(rounds) - 1
    if not healthy:
        return Verdict(False, None, f"round {last} collapsed: {'; '.join(faults[-1])}")
    values = {k: _read_metric(rounds[k], options.choose_by) for k in healthy}
    best = min(healthy, key=lambda k: values[k])
    if faults[-1]:
        why = f"round {last} collapsed: {'; '.join(faults[-1])}; back to round {best}"
        return Verdict(False, best, why)
    name = f"{options.choose_by} {values[best]:.4g}"
    if last - best >= options.patience:
        why = f"no round since {best} was better ({name}); back to round {best}"
        return Verdict(False, best, why)
    return Verdict(True, best, f"round {best} is best so far ({name})")


def _read_metric(past: MeasuredRound, name: str) -> float:
    value = getattr(past.health, name)
    return float("inf") if value is None else float(value)
