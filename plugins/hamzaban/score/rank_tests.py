"""Rank tests for more than two systems: Kruskal-Wallis, then Conover-Iman.

Conover-Iman is implemented here, because scikit-posthocs, which has it too, needs
statsmodels and seaborn, which nothing else here uses.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class KruskalWallis(NamedTuple):
    """Outcome of the test whether all groups have one distribution.

    Attributes:
        statistic: H, corrected for ties; NaN if all observations are equal.
        num_degrees: Degrees of freedom of its chi-squared distribution.
        p_value: Probability of an H at least as high; NaN if H is NaN.
    """

    statistic: float
    num_degrees: int
    p_value: float


class ConoverIman(NamedTuple):
    """Outcome of the tests whether pairs of groups differ.

    Attributes:
        statistics: t of each pair, for the mean rank of the row minus that of the
            column, shape (G, G).
        p_values: Two-sided p-values, adjusted, shape (G, G).
    """

    statistics: NDArray[np.float64]
    p_values: NDArray[np.float64]


def kruskal_wallis(groups: Sequence[Sequence[float]]) -> KruskalWallis:
    """Test whether groups differ (Kruskal and Wallis 1952).

    Args:
        groups: Observations of each of G groups, at least two, none empty.

    Raises:
        ValueError: There are fewer groups, or one is empty.
    """
    from scipy import stats

    ranks = _rank(groups)
    scale = _variance(ranks)
    num_degrees = len(groups) - 1
    if scale == 0:
        return KruskalWallis(math.nan, num_degrees, math.nan)
    total = sum(map(len, ranks))
    between = sum(group.sum() ** 2 / len(group) for group in ranks)
    statistic = (between - total * (total + 1) ** 2 / 4) / scale
    return KruskalWallis(
        float(statistic), num_degrees, float(stats.chi2.sf(statistic, num_degrees))
    )


def conover_iman(groups: Sequence[Sequence[float]]) -> ConoverIman:
    """Compare all pairs of groups after Kruskal-Wallis (Conover and Iman 1979).

    Args:
        groups: As for `kruskal_wallis`, with more observations than groups.

    Returns:
        Statistics, and p-values adjusted by Holm's method (1979). If ranks do not vary
        within any group, t is infinite for groups that differ, and its p-value is 0.

    Raises:
        ValueError: As for `kruskal_wallis`, or there are too few observations.
    """
    from scipy import stats

    ranks = _rank(groups)
    count, total = len(groups), sum(map(len, ranks))
    if total <= count:
        raise ValueError(
            f"{total} observations in {count} groups, expected more observations than "
            "groups; add seeds"
        )
    means = np.array([group.mean() for group in ranks])
    sizes = np.array([len(group) for group in ranks])
    statistic = kruskal_wallis(groups).statistic
    statistics = np.zeros((count, count))
    if not math.isnan(statistic):
        rest = max(total - 1 - statistic, 0.0) / (total - count)
        spread = _variance(ranks) * rest * (1 / sizes[:, None] + 1 / sizes)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistics = (means[:, None] - means) / np.sqrt(spread)  # (G, G)
        statistics[means[:, None] == means] = 0.0
    raw = 2 * stats.t.sf(np.abs(statistics), total - count)
    return ConoverIman(statistics, _adjust_pairs(raw))


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number by Holm's method (1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(order)
    highest = 0.0
    for place, number in enumerate(order):
        highest = max(highest, (len(order) - place) * p_values[number])
        adjusted[number] = min(highest, 1.0)
    return adjusted


def rank_values(values: Sequence[float]) -> list[float]:
    """Return the ranks of values, from 1 up; equal values get their mean rank."""
    from scipy import stats

    return [float(rank) for rank in stats.rankdata(values)]


def _rank(groups: Sequence[Sequence[float]]) -> list[NDArray[np.float64]]:
    """Return the ranks of the observations of all groups together."""
    if len(groups) < 2 or not all(len(group) for group in groups):
        sizes = ", ".join(str(len(group)) for group in groups)
        raise ValueError(
            f"groups of {sizes or 'no'} observations, expected two groups or more, "
            "each with at least one"
        )
    ranks = np.array(rank_values([value for group in groups for value in group]))
    return np.split(ranks, np.cumsum([len(group) for group in groups])[:-1])


def _variance(ranks: Sequence[NDArray[np.float64]]) -> float:
    """Return the variance of all ranks, which is lower with ties."""
    return float(np.concatenate(ranks).var(ddof=1))


def _adjust_pairs(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    pairs = list(itertools.combinations(range(len(raw)), 2))
    adjusted = np.ones_like(raw)
    p_values = adjust_holm([float(raw[pair]) for pair in pairs])
    for (row, column), p_value in zip(pairs, p_values, strict=True):
        adjusted[row, column] = adjusted[column, row] = p_value
    return adjusted
