"""Bootstrap intervals of error rates and of their differences."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SPEAKERS = 20  # with fewer, utterances are drawn: few speakers represent no others
_CHUNK_CELLS = 1 << 22

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """Plan of a bootstrap.

    Attributes:
        replicates: Number of draws.
        seed: Seed of the generator of random numbers.
        level: Share of the draws inside an interval.
    """

    replicates: int = 10_000
    seed: int = 0
    level: float = 0.95


def choose_unit(unit: str, speakers: Sequence[Hashable]) -> str:
    """Return the unit to draw: `speaker` or `utterance`.

    Args:
        unit: `speaker`, `utterance`, or `auto`: speakers if there are at least
            `MIN_SPEAKERS`, else utterances.
        speakers: Speaker of each utterance.
    """
    if unit != "auto":
        return unit
    return "speaker" if len(set(speakers)) >= MIN_SPEAKERS else "utterance"


def sum_groups(table: Ints, groups: Sequence[Hashable]) -> Ints:
    """Return the sum of the rows of each group.

    Args:
        table: Numbers to sum, shape (U, C).
        groups: Group of each row, such as its speaker.

    Returns:
        Sums, shape (G, C), groups in the order of their appearance.
    """
    number = {group: g for g, group in enumerate(dict.fromkeys(groups))}
    index = np.fromiter((number[group] for group in groups), np.int64, len(groups))
    sums = np.zeros((len(number), table.shape[1]), dtype=table.dtype)
    np.add.at(sums, index, table)
    return sums


def draw_rates(errors: Ints, sizes: Ints, plan: Plan) -> Floats:
    """Return pooled error rates of units drawn with replacement.

    Units with the same numbers are drawn together, by a multinomial. This has the same
    distribution, and its cost does not grow with the number of such units.
    Method: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR
    performance evaluation", ICASSP 2004.

    Args:
        errors: Errors of S systems in each of U units, shape (U, S).
        sizes: Reference tokens of the units, shape (U,); or those of each system, shape
            (U, S), if they matched different alternatives.
        plan: Plan of the bootstrap.

    Returns:
        Error rates, the same units drawn for all systems, shape (replicates, S); NaN
        where no reference token was drawn.
    """
    rng = np.random.default_rng(plan.seed)
    table = np.column_stack([errors, sizes])  # (U, S + 1)
    kinds, counts = np.unique(table, axis=0, return_counts=True)  # (K, S + 1), (K,)
    shares = counts / counts.sum()
    sums = np.empty((plan.replicates, table.shape[1]))
    step = max(1, _CHUNK_CELLS // len(kinds))
    for start in range(0, plan.replicates, step):
        size = min(step, plan.replicates - start)
        drawn = rng.multinomial(len(table), shares, size=size)  # (size, K)
        sums[start : start + size] = drawn.astype(np.float64) @ kinds
    wrong, refs = np.split(sums, [errors.shape[1]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(refs > 0, wrong / refs, np.nan)


def compute_interval(rates: Floats, plan: Plan) -> tuple[float, float]:
    """Return the percentile interval of drawn values; NaN is left out."""
    rates = rates[~np.isnan(rates)]
    tail = (1.0 - plan.level) / 2.0
    low, high = np.quantile(rates, [tail, 1.0 - tail])
    return float(low), float(high)


def compute_probability(differences: Floats) -> float:
    """Return the two-sided probability that drawn differences lie beyond zero."""
    differences = differences[~np.isnan(differences)]
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    return float(min(1.0, 2.0 * (beyond + 1) / (len(differences) + 1)))


def estimate_interval(
    errors: Ints, sizes: Ints, plan: Plan
) -> tuple[float, float] | None:
    """Return the interval of the error rate of one system.

    Args:
        errors: Errors of U units, shape (U,).
        sizes: Reference tokens of the units, shape (U,).
        plan: Plan of the bootstrap.

    Returns:
        Lower and upper bound, shares of the reference tokens; None if fewer than two
        units have any.
    """
    if (sizes > 0).sum() < 2:
        return None
    return compute_interval(draw_rates(errors[:, None], sizes, plan)[:, 0], plan)
