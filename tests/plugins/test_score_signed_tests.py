"""Sign, Wilcoxon and McNemar tests with the numbers of NIST sc_stats."""

import math
import random
import re
import subprocess

import numpy as np
import pytest

from hamzaban.score import signed_tests
from hamzaban.score.programs import find_program
from hamzaban.score.report_files import Source, write_outputs
from hamzaban.score.sclite import score_pairs
from hamzaban.score.trn import Pair

WORDS = list("abcdefg")
SIZES = [(2, 1), (3, 2), (5, 4), (7, 9), (8, 30), (9, 1), (12, 2), (20, 4), (40, 2)]
MAX_EXACT = 20  # sentences for which the p of sc_stats is right


def draw_pair(seed):
    """Draw two systems, as good as each other or not, on one set of references."""
    rng = random.Random(seed)
    speakers, size = SIZES[seed % len(SIZES)]
    worse = 0.1 * (seed % 3)
    pairs = [], []
    for s in range(speakers):
        for u in range(size):
            ref = rng.choices(WORDS, k=rng.randint(1, 9))
            for system, share in enumerate((0.1, 0.1 + worse)):
                hyp = []
                for word in ref:
                    drawn = rng.random() / share
                    if drawn >= 1:
                        hyp.append(rng.choice(WORDS) if drawn < 2 else word)
                        hyp += [rng.choice(WORDS)] if 2 <= drawn < 2.5 else []
                pairs[system].append(Pair(f"(s{s}-{u})", ref, hyp))
    return [score_pairs(each) for each in pairs]


def run_sc_stats(systems, folder):
    texts = []
    for name, scored in zip("ab", systems, strict=True):
        write_outputs(Source(scored, name), ["sgml"], folder)
        texts.append((folder / "hyp.trn.sgml").read_text("utf-8"))
    printed = {}
    for test in ("sign", "wilc", "mcn"):
        words = [*find_program("sc_stats"), "-p", "-t", test, "-v", "-n", "-"]
        done = subprocess.run(words, input="".join(texts).encode(), capture_output=True)
        printed[test] = done.stdout.decode("latin-1")
    return printed


def find(pattern, text):
    found = re.search(pattern, text)
    assert found, (pattern, text)
    return [float(number) for number in found.groups()]


def check_like_sc_stats(seed, folder):
    systems = draw_pair(seed)
    printed = run_sc_stats(systems, folder)
    ours = signed_tests.run_tests(*systems)
    sign, wilcoxon, mcnemar = ours.sign, ours.wilcoxon, ours.mcnemar
    for mark, number in (("+", sign.more), ("-", sign.fewer), ("0", sign.equal)):
        assert find(rf"N\({re.escape(mark)}\) = +(\d+)", printed["sign"]) == [number]
    p = r"probability of\n\s+it occurring is ([0-9.]+)"
    assert find(p, printed["sign"])[0] == pytest.approx(sign.p, abs=0.00051)
    assert find(r"Z statistic = +(\S+),", printed["wilc"])[0] == pytest.approx(
        wilcoxon.z, abs=0.0051
    )
    for name, rank in (
        ("positive", wilcoxon.positive),
        ("negative", wilcoxon.negative),
    ):
        assert find(rf"{name} ranks = +(\S+)", printed["wilc"]) == [rank]
    cells = find(r"corr +(\d+) +(\d+)\n.*incorr +(\d+) +(\d+)", printed["mcn"])
    assert cells == [
        *(mcnemar.both_right, mcnemar.only_first),
        *(mcnemar.only_second, mcnemar.both_wrong),
    ]
    count = mcnemar.only_first + mcnemar.only_second
    found = re.search(p, printed["mcn"])
    if found is None:  # sc_stats prints no p where it is 1
        assert mcnemar.p == 1.0 or count > MAX_EXACT
    elif count <= MAX_EXACT:
        assert float(found[1]) == pytest.approx(mcnemar.p, abs=0.00051)
    else:  # its normal approximation lacks a factor of 2
        least = min(mcnemar.only_first, mcnemar.only_second)
        wrong = math.erfc((count - least) / math.sqrt(2 * count))
        assert float(found[1]) == pytest.approx(wrong, abs=0.00051)


@pytest.mark.needs("sc_stats")
@pytest.mark.parametrize("seed", range(9))
def test_numbers_are_those_of_sc_stats(seed, tmp_path):
    check_like_sc_stats(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.needs("sc_stats")
def test_numbers_of_many_pairs_are_those_of_sc_stats(tmp_path):
    for seed in range(9, 300):
        check_like_sc_stats(seed, tmp_path)


def test_equal_speakers_are_shared_out():
    test = signed_tests.compare_signs([10.0, 20.0, 30.0], [5.0, 20.0, 20.0])
    assert (test.more, test.fewer, test.equal) == (2, 0, 1)
    assert test.p == 1.0
    assert signed_tests.compare_signs([9.0] * 9, [1.0] * 9).p == 2 * 0.5**9


def test_the_order_of_the_systems_does_not_matter():
    rng = np.random.default_rng(2)
    a, b = rng.uniform(0, 50, (2, 12)).tolist()
    for compare in (signed_tests.compare_signs, signed_tests.compare_ranks):
        assert compare(a, b) == compare(b, a)


def test_utterances_that_both_systems_have_right_do_not_matter():
    few = signed_tests.compare_utterances([0, 1, 0, 0], [1, 1, 1, 1])
    many = signed_tests.compare_utterances([0, 1, 0, 0] + [0] * 99, [1] * 4 + [0] * 99)
    assert few.p == many.p == 0.25
    assert many.both_right == 99
    assert few.only_first == 3
