"""Kruskal-Wallis and Conover-Iman against SciPy and published examples."""

import math

import numpy as np
import pytest

from hamzaban.score.rank_tests import (
    adjust_holm,
    conover_iman,
    kruskal_wallis,
    rank_values,
)

# README of scikit-posthocs: posthoc_conover(x, p_adjust="holm").
README = [[1, 2, 3, 5, 1], [12, 31, 54], [10, 12, 6, 74, 11]]
# Conover, Practical Nonparametric Statistics, 3rd edition, section 5.2, example 1:
# bushels of corn an acre by four methods.
CORN = [
    [83, 91, 94, 89, 89, 96, 91, 92, 90],
    [91, 90, 81, 83, 84, 83, 88, 91, 89, 84],
    [101, 100, 91, 93, 96, 95, 94],
    [78, 82, 81, 77, 79, 81, 80, 81],
]


@pytest.mark.slow
def test_the_example_of_scikit_posthocs():
    found = conover_iman(README).p_values
    expected = [0.00119517, 0.00278329, 0.18672227]
    assert [found[0, 1], found[0, 2], found[1, 2]] == pytest.approx(expected, abs=5e-9)
    assert np.array_equal(found, found.T)


@pytest.mark.slow
def test_the_example_of_conover():
    """The book gives T = 25.46 without ties and 25.63 with ties; all pairs differ."""
    found = kruskal_wallis(CORN)
    assert found.statistic == pytest.approx(25.63, abs=5e-3)
    assert found.num_degrees == 3
    pairs = conover_iman(CORN)
    assert (pairs.p_values[np.triu_indices(4, 1)] < 0.05).all()
    assert [math.copysign(1, t) for t in pairs.statistics[3, :3]] == [-1, -1, -1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_kruskal_wallis_is_that_of_scipy(seed):
    from scipy import stats

    rng = np.random.default_rng(seed)
    groups = [rng.integers(0, 9, size).tolist() for size in rng.integers(2, 8, 4)]
    expected = stats.kruskal(*groups)
    found = kruskal_wallis(groups)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


@pytest.mark.slow
def test_two_groups_are_student_s_t_of_ranks():
    """Conover and Iman: the statistic is t computed on ranks."""
    from scipy import stats

    one, two = [1.5, 2.5, 2.5, 7.0], [3.0, 8.0, 9.0, 9.5, 4.0]
    ranks = rank_values(one + two)
    expected = stats.ttest_ind(ranks[:4], ranks[4:])
    found = conover_iman([one, two])
    assert found.statistics[0, 1] == pytest.approx(expected.statistic)
    assert found.p_values[0, 1] == pytest.approx(expected.pvalue)


def test_equal_groups_and_completely_separate_groups():
    assert math.isnan(kruskal_wallis([[1, 1], [1, 1]]).p_value)
    assert conover_iman([[1, 1], [1, 1]]).p_values[0, 1] == 1
    apart = conover_iman([[1, 1], [2, 2], [2, 2]])
    assert apart.p_values[0, 1] == 0 and apart.p_values[1, 2] == 1


def test_p_values_are_corrected_after_holm():
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([0.9, 0.8]) == [1.0, 1.0]


def test_too_few_observations_are_refused():
    with pytest.raises(ValueError, match="groups of 2 observations, expected two"):
        kruskal_wallis([[1, 2]])
    with pytest.raises(ValueError, match="2 observations in 2 groups"):
        conover_iman([[1], [2]])
