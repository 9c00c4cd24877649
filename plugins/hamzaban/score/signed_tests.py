"""The sign, Wilcoxon and McNemar tests of two systems, as NIST's sc_stats has them.

sc_stats compares the word error rates of speakers by the first two tests, and whole
utterances by the third. Its numbers are those here, peculiarities included.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamzaban.score.rank_tests import rank_values
from hamzaban.score.sclite import Scored

EQUAL = 0.005  # rates in per cent that differ by no more count as equal


@dataclass(frozen=True)
class SignTest:
    """Outcome of the sign test over speakers.

    Attributes:
        more: Number of speakers with more errors by the first system.
        fewer: Number of speakers with fewer.
        equal: Number of speakers whose rates are equal; they are shared out.
        p: Two-sided probability of so uneven numbers if both systems are equal.
    """

    more: int
    fewer: int
    equal: int
    p: float


@dataclass(frozen=True)
class WilcoxonTest:
    """Outcome of the signed-rank test over speakers.

    Attributes:
        positive: Sum of the ranks of speakers with more errors by the first system.
        negative: Sum of the ranks of speakers with fewer.
        z: Score of the lower sum in the normal approximation, at most 0.
        p: Two-sided probability of this z.
    """

    positive: float
    negative: float
    z: float
    p: float


@dataclass(frozen=True)
class McNemarTest:
    """Outcome of McNemar's test over utterances.

    Attributes:
        both_right: Number of utterances that both systems have right.
        only_first: Number that only the first has right.
        only_second: Number that only the second has right.
        both_wrong: Number that neither has right.
        p: Two-sided probability of so uneven numbers in the middle.
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p: float


@dataclass(frozen=True)
class NistTests:
    """The tests of a pair of systems."""

    sign: SignTest
    wilcoxon: WilcoxonTest
    mcnemar: McNemarTest


def run_tests(first: Scored, second: Scored) -> NistTests:
    """Return the tests of two systems with the same references.

    Args:
        first: Scores of a system.
        second: Scores of another, its utterances in the same order.
    """
    rates = [list_rates(scored) for scored in (first, second)]
    wrong = [scored.counts[:, 1:].sum(axis=1) > 0 for scored in (first, second)]
    return NistTests(
        compare_signs(*rates), compare_ranks(*rates), compare_utterances(*wrong)
    )


def list_rates(scored: Scored) -> list[float]:
    """Return the error rate of each speaker in per cent, without empty references."""
    table = scored.count_by_speaker()
    refs, errors = table[:, 2:5].sum(axis=1), table[:, 3:].sum(axis=1)
    rates: list[float] = (errors[refs > 0] / refs[refs > 0] * 100.0).tolist()
    return rates


def compare_signs(first: Sequence[float], second: Sequence[float]) -> SignTest:
    """Return the sign test of the rates of S speakers, in per cent."""
    differences = _orient(first, second)
    more = int((differences > EQUAL).sum())
    fewer = int((differences < -EQUAL).sum())
    equal = len(differences) - more - fewer
    least = min(more + equal // 2, fewer + equal - equal // 2)
    return SignTest(more, fewer, equal, compute_tails(least, len(differences)))


def compare_ranks(first: Sequence[float], second: Sequence[float]) -> WilcoxonTest:
    """Return the signed-rank test of the rates of S speakers, in per cent."""
    differences = _orient(first, second)
    ranks = np.array(rank_values(np.abs(differences).tolist()))
    signs = np.where(differences < 0, -1, 1)
    equal = np.flatnonzero(np.abs(differences) <= EQUAL)
    signs[equal[: len(equal) // 2]] = -1
    positive = float(ranks[signs > 0].sum())
    negative = float(ranks[signs < 0].sum())
    size = len(ranks)
    spread = math.sqrt(size * (size + 1) * (2 * size + 1) / 24)
    rarer = positive if (signs > 0).sum() < (signs < 0).sum() else negative
    z = (rarer - size * (size + 1) / 4) / spread if size else 0.0
    return WilcoxonTest(positive, negative, z, math.erfc(abs(z) / math.sqrt(2)))


def _orient(first: Sequence[float], second: Sequence[float]) -> NDArray[np.float64]:
    """Return the worse system's rates minus the better one's, shape (S,)."""
    differences: NDArray[np.float64] = np.array(first) - np.array(second)
    return differences if differences.sum() >= 0 else -differences


def compare_utterances(first: Sequence[bool], second: Sequence[bool]) -> McNemarTest:
    """Return McNemar's test of whether utterances have an error, with U each."""
    a, b = np.array(first, dtype=bool), np.array(second, dtype=bool)
    first_only, second_only = int((~a & b).sum()), int((a & ~b).sum())
    p = compute_tails(min(first_only, second_only), first_only + second_only)
    both = int((~a & ~b).sum()), int((a & b).sum())
    return McNemarTest(both[0], first_only, second_only, both[1], p)


def compute_tails(least: int, count: int) -> float:
    """Return the probability of at most `least` heads, or tails, in fair tosses.

    Args:
        least: Lower number of the two sides.
        count: Number of tosses.
    """
    from scipy.stats import binom

    return min(1.0, 2.0 * float(binom.cdf(least, count, 0.5)))
