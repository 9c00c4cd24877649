"""The MAPSSWE test, by hand and against NIST sc_stats."""

import math
import random

import pytest

from hamzaban.score.mapsswe import collect_segments, compare_segments
from hamzaban.score.nist_stats import check_mapsswe, run_sc_stats
from hamzaban.score.programs import find_program

needs_sc_stats = pytest.mark.needs("sc_stats")


@pytest.mark.parametrize(
    ("a", "b", "segments"),
    [
        (b"CCCC", b"CCCC", []),
        (b"CSCC", b"CCCC", [(1, 0)]),
        (b"SCS", b"CCC", [(2, 0)]),  # one correct word does not separate segments
        (b"SCCS", b"CCCD", [(1, 0), (1, 1)]),
        (b"CCI", b"CC", [(1, 0)]),
        (b"CC", b"CCII", [(0, 2)]),
        (b"SCIC", b"CCC", [(2, 0)]),  # an insertion separates two correct words
        (b"SICC", b"CCC", [(2, 0)]),
        (b"III", b"", [(3, 0)]),
        (b"", b"", []),
    ],
)
def test_segments_lie_between_two_words_right_in_both(a, b, segments):
    assert collect_segments([a], [b]).tolist() == [list(pair) for pair in segments]
    mirrored = [[second, first] for first, second in segments]
    assert collect_segments([b], [a]).tolist() == mirrored


def test_z_and_p_of_a_case_done_by_hand():
    result = compare_segments([b"SCCSCCCCS"], [b"CCCSCCDCC"])
    # differences of the segments: 1, 0, 0 (deleted and, a word on, substituted)
    assert result.num_segments == 3
    assert result.mean == pytest.approx(1 / 3)
    assert result.std == pytest.approx(math.sqrt(1 / 3))
    assert result.z == pytest.approx(1.0)
    assert result.p == pytest.approx(0.31731, abs=1e-5)


def test_differences_that_do_not_vary_have_probability_one():
    assert compare_segments([b"CC"], [b"CC"]).p == 1.0
    assert compare_segments([b"S", b"S"], [b"C", b"C"]).p == 1.0


def test_other_references_are_an_error():
    with pytest.raises(ValueError, match="utterance 1: 2 reference words"):
        compare_segments([b"C", b"CC"], [b"C", b"CCC"])


def draw_steps(rng, lengths, quality):
    letters, weights = "CSDI", [quality, 1, 1, 1]
    steps = []
    for length in lengths:
        step, words = "", 0
        while words < length or rng.random() < 0.2:
            letter = rng.choices(letters, weights)[0] if words < length else "I"
            words += letter != "I"
            step += letter
        steps.append(step.encode())
    return steps


@needs_sc_stats
def test_same_as_sc_stats_on_random_alignments():
    rng = random.Random(0)
    tried = 0
    for quality in (1, 4, 10, 30):
        for size in (5, 40, 300):
            lengths = [rng.choice([0, 1, 2, 5, 12]) for _ in range(size)]
            steps = [draw_steps(rng, lengths, q) for q in (quality, 2 * quality)]
            ours = compare_segments(*steps)
            if not math.isnan(ours.z):
                check_mapsswe(ours, run_sc_stats(find_program("sc_stats"), *steps))
                tried += 1
    assert tried >= 10


@needs_sc_stats
def test_a_difference_to_sc_stats_is_an_error():
    steps = [b"SCCSCCCCS"], [b"CCCSCCDCC"]
    theirs = run_sc_stats(find_program("sc_stats"), *steps)
    ours = compare_segments([b"SCCSCCCCS", b"SC"], [b"CCCSCCDCC", b"CC"])
    with pytest.raises(ValueError, match="report this as a bug"):
        check_mapsswe(ours, theirs)
