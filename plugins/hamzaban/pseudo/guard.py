"""Rules that stop the rounds, and the choice of a round, without any reference."""

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
    """A limit of one figure.

    Attributes:
        figure: Of the health.
        way: `max` or `min`: the limit itself; `..._of_text`: times the figure of the
            text; `..._of_first`: times that of the first round.
        limit: The number.
    """

    figure: str
    way: str
    limit: float

    def describe_fault(self, health: Health, first: Health) -> str | None:
        """Say how the health breaks the rule; None if it does not, or has no figure."""
        value = getattr(health, self.figure)
        base = 1.0
        if self.way.endswith("_of_text"):
            base = getattr(health, self.figure + SUFFIX_OF_TEXT)
        elif self.way.endswith("_of_first"):
            base = getattr(first, self.figure)
        if value is None or base is None:
            return None
        bound = self.limit * base
        is_max = self.way.startswith("max")
        if value <= bound if is_max else value >= bound:
            return None
        side = "above" if is_max else "below"
        return f"{self.figure} {value:.4g} is {side} {bound:.4g} ({self.way})"


def _read_rules(values: object) -> tuple[Rule, ...]:
    """Read `figure: {max: 1, min_of_text: 0.5}`; a figure with null has no rule."""
    limits = read_value(dict[str, dict[str, float]], drop_none(values), "")
    check_names(limits, HEALTH_METRICS, "")
    for figure, found in limits.items():
        has_base = figure + SUFFIX_OF_TEXT in HEALTH_METRICS
        ways = [way for way in WAYS if has_base or not way.endswith(SUFFIX_OF_TEXT)]
        check_names(found, ways, figure)
    return tuple(
        Rule(figure, way, limit)
        for figure, found in limits.items()
        for way, limit in found.items()
    )


@dataclasses.dataclass(frozen=True)
class GuardOptions:
    """When to stop, and which round is best.

    Attributes:
        rules: A round that breaks one has collapsed.
        min_kept: Fewest utterances that a round may keep, 2 or more: one of them is
            set aside.
        choose_by: The figure whose lowest value names the best round.
        patience: Rounds in a row that may be worse than the best.
    """

    rules: tuple[Rule, ...] = option((), convert=_read_rules)
    min_kept: int = option(2, at_least=2)
    choose_by: str = option("disagreement", choices=HEALTH_METRICS)
    patience: int = option(1, at_least=1)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the guard says after a round.

    Attributes:
        go_on: Another round may be trained on this one's labels.
        best: The healthy round to be used now; None if there is none.
        why: In words.
    """

    go_on: bool
    best: int | None
    why: str


@dataclasses.dataclass(frozen=True)
class MeasuredRound:
    """A round that was measured.

    Attributes:
        health: Its figures.
        num_kept: Utterances kept.
    """

    health: Health
    num_kept: int


def list_faults(past: MeasuredRound, first: Health, options: GuardOptions) -> list[str]:
    """Say which rules a round breaks."""
    found = [rule.describe_fault(past.health, first) for rule in options.rules]
    faults = [fault for fault in found if fault is not None]
    if past.num_kept < options.min_kept:
        faults.append(f"{past.num_kept} utterances kept, under {options.min_kept}")
    return faults


def judge(rounds: Sequence[MeasuredRound], options: GuardOptions) -> Verdict:
    """Judge the rounds so far, the last one above all.

    Args:
        rounds: From the source model's own (0) to the last, without a gap.
        options: The rules.

    Returns:
        Whether to go on, and the healthy round with the lowest `choose_by`; the
        earliest of equal ones.
    """
    first = rounds[0].health
    faults = [list_faults(past, first, options) for past in rounds]
    healthy = [k for k, found in enumerate(faults) if not found]
    last = len(rounds) - 1
    if not healthy:
        return Verdict(False, None, f"round {last} collapsed: {'; '.join(faults[-1])}")
    figures = {k: _read_metric(rounds[k], options.choose_by) for k in healthy}
    best = min(healthy, key=lambda k: figures[k])
    if faults[-1]:
        why = f"round {last} collapsed: {'; '.join(faults[-1])}; back to round {best}"
        return Verdict(False, best, why)
    name = f"{options.choose_by} {figures[best]:.4g}"
    if last - best >= options.patience:
        why = f"no round since {best} was better ({name}); back to round {best}"
        return Verdict(False, best, why)
    return Verdict(True, best, f"round {best} is best so far ({name})")


def _read_metric(past: MeasuredRound, name: str) -> float:
    value = getattr(past.health, name)
    return float("inf") if value is None else float(value)
