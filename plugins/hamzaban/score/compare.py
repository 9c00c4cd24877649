"""Test whether one system is better than another, with one run or several seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hamzaban.score.bootstrap import (
    Floats,
    Plan,
    choose_unit,
    compute_interval,
    compute_probability,
    draw_rates,
    sum_groups,
)
from hamzaban.score.mapsswe import Mapsswe, compare_segments
from hamzaban.score.nist_stats import check_mapsswe, run_sc_stats
from hamzaban.score.sclite import Scored
from hamzaban.score.signed_tests import NistTests, run_tests
from hamzaban.score.systems import System
from hamzaban.score.trn import get_speaker

ALPHA = 0.05


@dataclass(frozen=True)
class Rate:
    """The error rate of a system, as a share of the reference tokens.

    Attributes:
        name: Name of the system.
        runs: Rate of each run.
        mean: Mean of the runs.
        std: Sample standard deviation of the runs; None for one run.
        interval: Bootstrap interval of the mean.
    """

    name: str
    runs: Sequence[float]
    mean: float
    std: float | None
    interval: tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """The first system's error rate minus the second's.

    All probabilities are two-sided and corrected by Holm's method for the number of
    pairs.

    Attributes:
        first: Name of a system.
        second: Name of another system.
        mean: Difference of their mean rates.
        interval: Bootstrap interval of the difference.
        p_bootstrap: Probability by the bootstrap.
        mapsswe: MAPSSWE test of two single runs, uncorrected; None for several runs.
        p_mapsswe: Probability by this test.
        agrees_with_nist: Whether sc_stats was run and found the same.
        p_welch: Probability by Welch's t-test, if both systems have several runs.
        nist: Further tests of two single runs as by sc_stats, uncorrected.
        better: Name of the better system; None if a probability is `ALPHA` or more, so
            that there is no clear difference.
    """

    first: str
    second: str
    mean: float
    interval: tuple[float, float]
    p_bootstrap: float
    mapsswe: Mapsswe | None
    p_mapsswe: float | None
    agrees_with_nist: bool
    p_welch: float | None
    nist: NistTests | None
    better: str | None


@dataclass(frozen=True)
class Comparison:
    """The comparison of all systems on one test set.

    Attributes:
        unit: Unit that the bootstrap draws, `speaker` or `utterance`.
        num_units: Number of such units.
        num_utterances: Number of utterances of the set.
        num_tokens: Number of reference tokens of the set.
        rates: Error rate of each system.
        differences: Difference of each pair of systems.
    """

    unit: str
    num_units: int
    num_utterances: int
    num_tokens: int
    rates: Sequence[Rate]
    differences: Sequence[Difference]


def compare_systems(
    systems: Sequence[System],
    plan: Plan,
    unit: str = "auto",
    sc_stats: Sequence[str] | None = None,
) -> Comparison:
    """Compare systems on the same references.

    Args:
        systems: Two or more systems, with utterances in the same order.
        plan: Plan of the bootstrap.
        unit: Unit to draw, as for `choose_unit`.
        sc_stats: NIST's command that checks our MAPSSWE test; None: no check.

    Raises:
        ValueError: The references are empty, or sc_stats disagrees.
    """
    first = systems[0].runs[0]
    speakers = [get_speaker(trn_id) for trn_id in first.trn_ids]
    unit = choose_unit(unit, speakers)
    groups = speakers if unit == "speaker" else first.trn_ids
    sizes = first.counts[:, :3].sum(axis=1)  # (U,)
    if not sizes.sum():
        raise ValueError(
            "no reference has a word, so there is no error rate; give references "
            "with text"
        )
    runs = [run for system in systems for run in system.runs]
    errors = np.column_stack([run.counts[:, 1:].sum(axis=1) for run in runs])
    refs = np.column_stack([run.counts[:, :3].sum(axis=1) for run in runs])
    if (refs == sizes[:, None]).all():
        refs = sizes[:, None]
    table = sum_groups(np.hstack([errors, refs]), groups)  # (units, runs and more)
    summed = table[:, : len(runs)], table[:, len(runs) :]
    drawn = draw_rates(*summed, plan)  # (replicates, runs)
    means = _average_runs(drawn, [len(system.runs) for system in systems], plan)
    rates = [_describe(system, means[:, s], plan) for s, system in enumerate(systems)]
    differences = _compare_pairs(systems, rates, means, plan, sc_stats)
    return Comparison(
        unit, len(table), len(sizes), int(sizes.sum()), rates, differences
    )


def _compare_pairs(
    systems: Sequence[System],
    rates: Sequence[Rate],
    means: Floats,
    plan: Plan,
    sc_stats: Sequence[str] | None,
) -> list[Difference]:
    first = systems[0].runs[0]
    pairs = list(combinations(range(len(systems)), 2))
    tests = [_test_pair(systems[a], systems[b], sc_stats) for a, b in pairs]
    moved = [means[:, a] - means[:, b] for a, b in pairs]
    p_bootstrap = correct_holm([compute_probability(values) for values in moved])
    p_mapsswe = correct_holm([mapsswe.p if mapsswe else None for mapsswe, _ in tests])
    p_welch = correct_holm([p for _, p in tests])
    differences = []
    for i, (a, b) in enumerate(pairs):
        mean = rates[a].mean - rates[b].mean
        shown = [p for p in (p_bootstrap[i], p_mapsswe[i], p_welch[i]) if p is not None]
        winner = rates[b if mean > 0 else a].name
        is_clear = mean != 0.0 and all(p < ALPHA for p in shown)
        differences.append(
            Difference(
                rates[a].name,
                rates[b].name,
                mean,
                compute_interval(moved[i], plan),
                p_bootstrap=shown[0],
                mapsswe=tests[i][0],
                p_mapsswe=p_mapsswe[i],
                agrees_with_nist=bool(sc_stats and tests[i][0] and not first.marked),
                p_welch=p_welch[i],
                nist=_run_nist_tests(systems[a], systems[b]),
                better=winner if is_clear else None,
            )
        )
    return differences


def correct_holm(probabilities: Sequence[float | None]) -> list[float | None]:
    """Return probabilities corrected by Holm's method; None stays None."""
    known = sorted((p, i) for i, p in enumerate(probabilities) if p is not None)
    corrected: list[float | None] = [None] * len(probabilities)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        corrected[i] = largest
    return corrected


def get_rate(run: Scored) -> float:
    """Return the pooled error rate of a run."""
    corr, sub, dele, ins = run.counts.sum(axis=0).tolist()
    return (sub + dele + ins) / (corr + sub + dele)


def _average_runs(drawn: Floats, runs: Sequence[int], plan: Plan) -> Floats:
    """Return the mean rate of each system's runs, which are drawn with replacement.

    Args:
        drawn: Rates of all runs, shape (replicates, runs).
        runs: Number of runs of each of S systems.
        plan: Plan of the bootstrap, for its seed.

    Returns:
        Rates of the systems, shape (replicates, S).
    """
    rng = np.random.default_rng([plan.seed, 1])
    columns, start = [], 0
    for count in runs:
        part = drawn[:, start : start + count]
        weights = rng.multinomial(count, np.full(count, 1 / count), size=len(drawn))
        columns.append((part * weights).sum(axis=1) / count)
        start += count
    return np.column_stack(columns)


def _describe(system: System, means: Floats, plan: Plan) -> Rate:
    rates = [get_rate(run) for run in system.runs]
    std = float(np.std(rates, ddof=1)) if len(rates) > 1 else None
    interval = compute_interval(means, plan)
    return Rate(system.name, rates, float(np.mean(rates)), std, interval)


def _test_pair(
    a: System, b: System, sc_stats: Sequence[str] | None
) -> tuple[Mapsswe | None, float | None]:
    """Return MAPSSWE for single runs, or Welch's probability for several runs."""
    if len(a.runs) == len(b.runs) == 1:
        steps = a.runs[0].steps, b.runs[0].steps
        ours = compare_segments(*steps, a.runs[0].marked)
        if sc_stats is not None and not a.runs[0].marked:
            check_mapsswe(ours, run_sc_stats(sc_stats, *steps))
        return ours, None
    if len(a.runs) == 1 or len(b.runs) == 1:
        return None, None
    rates = [[get_rate(run) for run in system.runs] for system in (a, b)]
    return None, compare_means(*rates)


def _run_nist_tests(a: System, b: System) -> NistTests | None:
    if len(a.runs) == len(b.runs) == 1:
        return run_tests(a.runs[0], b.runs[0])
    return None


def compare_means(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided probability of Welch's t-test; 1 if no number varies.

    Args:
        first: Two or more numbers.
        second: Two or more other numbers.
    """
    from scipy.special import stdtr

    sizes = np.array([len(first), len(second)])
    errors = np.array([np.var(first, ddof=1), np.var(second, ddof=1)]) / sizes
    if not errors.any():  # all runs are the same
        return 1.0
    t = (np.mean(first) - np.mean(second)) / np.sqrt(errors.sum())
    freedom = errors.sum() ** 2 / (errors**2 / (sizes - 1)).sum()
    return float(2.0 * stdtr(freedom, -abs(t)))
