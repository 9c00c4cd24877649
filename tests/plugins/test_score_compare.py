"""The verb compare: intervals, tests, seeds, and what it refuses."""

import json
import random
import subprocess
import sys

import numpy as np
import pytest

from hamzaban.bin import compare_systems, score_text
from hamzaban.score.bootstrap import (
    Plan,
    compute_interval,
    draw_rates,
    estimate_interval,
)
from hamzaban.score.compare import compare_means, correct_holm
from hamzaban.score.compare import compare_systems as compare
from hamzaban.score.sclite import Scored
from hamzaban.score.systems import System, parse_system


def write_texts(folder, name, error_rate, seed, utterances=60):
    """Write references and one system's hypotheses; return the file of hypotheses."""
    rng, words = random.Random(seed), ["ا", "ب", "پ", "ت", "ث", "ج"]
    ref_rng = random.Random("references")
    refs, hyps = [], []
    for u in range(utterances):
        ref = ref_rng.choices(words, k=8)
        hyp = ["x" if rng.random() < error_rate else word for word in ref]
        refs.append(f"u{u:03d} {' '.join(ref)}\n")
        hyps.append(f"u{u:03d} {' '.join(hyp)}\n")
    (folder / "ref").write_text("".join(refs), encoding="utf-8")
    (folder / name).write_text("".join(hyps), encoding="utf-8")
    return folder / name


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "مقایسه one"
    folder.mkdir()
    return folder


def run(folder, *words):
    options = ["--replicates", "2000", "--ref", str(folder / "ref")]
    assert compare_systems.main([*map(str, words), *options]) == 0


def test_a_clear_and_an_unclear_difference_are_told_apart(folder, capsys):
    good, same = (write_texts(folder, f"good{i}", 0.1, i) for i in (1, 2))
    bad = write_texts(folder, "bad", 0.3, 3)
    run(folder, f"good={good}", f"same={same}", f"bad={bad}")
    out = capsys.readouterr().out
    assert "60 utterances, 480 reference tokens" in out
    assert "p corrected for 3 pairs (Holm)" in out
    lines = {line.partition(":")[0]: line for line in out.splitlines()}
    assert lines["good - same"].endswith(": no clear difference")
    assert lines["good - bad"].endswith(": good is better")
    assert "MAPSSWE p < 0.001" in lines["same - bad"]


def test_a_system_does_not_differ_from_itself(folder, capsys):
    hyp = write_texts(folder, "hyp", 0.2, 0)
    run(folder, f"a={hyp}", f"b={hyp}")
    out = capsys.readouterr().out
    assert "a - b: +0.00 (0.00 to 0.00, bootstrap p = 1.000)" in out
    assert "no clear difference\n" in out
    assert "sign p = 1.000 (of 60 speakers 0, 0, 60 equal)" in out


def test_seeds_are_summarized_and_compared_as_runs(folder, capsys):
    runs = {
        name: ",".join(str(write_texts(folder, f"{name}{s}", r, s)) for s in range(3))
        for name, r in (("old", 0.3), ("new", 0.1))
    }
    output = folder / "out.json"
    words = [f"{name}={paths}" for name, paths in runs.items()]
    run(folder, *words, "--output", output)
    out = capsys.readouterr().out
    assert "Welch's t-test of the runs p = 0.0" in out and "MAPSSWE" not in out
    assert "new is better" in out
    old, new = json.loads(output.read_text("utf-8"))[""]["rates"]
    assert len(old["runs"]) == 3
    assert old["mean"] == pytest.approx(np.mean(old["runs"]))
    assert old["std"] == pytest.approx(np.std(old["runs"], ddof=1))
    assert new["interval"][0] < new["mean"] < new["interval"][1] < old["interval"][0]


@pytest.mark.slow
def test_experiments_are_compared_on_the_sets_they_share(folder, capsys):
    hyp = write_texts(folder, "hyp", 0.2, 0)
    ref = ["--ref", str(folder / "ref"), "--hyp", str(hyp)]
    for exp, sets in (("a", ("greedy/test", "greedy/valid")), ("b", ("greedy/test",))):
        for name in sets:
            output = ["--output_dir", str(folder / exp / name)]
            score_text.main([*ref, *output, "--normalizer", "fa-v1"])
    capsys.readouterr()
    exps = [str(folder / exp) for exp in "ab"]
    assert compare_systems.main(exps) == 0
    out = capsys.readouterr().out
    assert out.startswith("greedy/test: normalizer fa-v1; 60 utterances")
    assert out.count("no clear difference") == 1
    score_text.main([*ref, *output, "--normalizer", "raw"])
    with pytest.raises(ValueError, match="different normalizers are not comparable"):
        compare_systems.main(exps)


def test_systems_that_cannot_be_compared_are_refused(folder):
    hyp = write_texts(folder, "hyp", 0.2, 0)
    for name, text in (("ref", "u000 other words"), ("ref2", "u000 words")):
        (folder / name).write_text(text + "\n", "utf-8")
    with pytest.raises(ValueError, match="one system is given"):
        run(folder, hyp)
    with pytest.raises(FileNotFoundError, match="no such folder or file"):
        run(folder, hyp, folder / "none")
    with pytest.raises(ValueError, match="given twice"):
        run(folder, hyp, hyp)
    with pytest.raises(ValueError, match="has no reference"):
        run(folder, f"a={hyp}", f"b={hyp}")
    with pytest.raises(ValueError, match="give its references by --ref"):
        compare_systems.main([f"a={hyp}", f"b={hyp}"])
    with pytest.raises(FileNotFoundError, match="has no score_wer/ref.trn"):
        run(folder, hyp, folder)


def test_names_and_paths_of_a_system(folder):
    odd = folder / "a=b, c"
    odd.mkdir()
    assert parse_system(f"x={odd}") == ("x", [odd])
    assert parse_system(str(odd)) == (str(odd), [odd])
    plain = folder / "d"
    plain.mkdir()
    assert parse_system(f"x={plain},{folder}/") == ("x", [plain, folder])


def test_draws_are_those_of_a_plain_bootstrap():
    rng = np.random.default_rng(5)
    sizes = rng.integers(0, 6, 40)
    errors = rng.binomial(sizes, [[0.2], [0.4]]).T
    drawn = draw_rates(errors, sizes, Plan(20_000, seed=1))
    chosen = rng.integers(0, 40, (20_000, 40))
    plain = errors[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)[:, None]
    for side in (0, 1):
        expected = compute_interval(plain[:, side], Plan())
        assert compute_interval(drawn[:, side], Plan()) == pytest.approx(
            expected, abs=0.01
        )
    difference = drawn[:, 0] - drawn[:, 1]
    expected = (plain[:, 0] - plain[:, 1]).std()
    assert difference.std() == pytest.approx(expected, rel=0.05)
    assert (draw_rates(errors, sizes, Plan(100, seed=1))[:5] == drawn[:5]).all()


def test_no_interval_without_two_units():
    errors, sizes = np.array([1, 0, 0]), np.array([3, 0, 0])
    assert estimate_interval(errors, sizes, Plan()) is None


def test_speakers_are_drawn_where_there_are_enough():
    steps = [b"CCCS", b"CCCC"] * 30
    ids = [f"(s{u // 2}-u{u})" for u in range(60)]
    words = [["a"] * 4] * 60
    system = System("x", [Scored(ids, words, words, steps, "folded")], "raw")
    other = System("y", [Scored(ids, words, words, steps[::-1], "folded")], "raw")
    by_speaker = compare([system, other], Plan(500))
    assert (by_speaker.unit, by_speaker.num_units) == ("speaker", 30)
    assert by_speaker.rates[0].interval == (0.125, 0.125)  # all speakers are alike
    by_utterance = compare([system, other], Plan(500), unit="utterance")
    assert by_utterance.rates[0].interval[0] < 0.125


@pytest.mark.slow
def test_equal_systems_are_seldom_called_different():
    rng = np.random.default_rng(0)
    words = [["a"] * 10] * 80
    ids = [f"(s-{u})" for u in range(80)]
    clear = 0
    for _ in range(200):
        runs = []
        for _ in range(2):
            wrong = rng.random((80, 10)) < 0.15
            steps = [np.where(w, 83, 67).astype(np.uint8).tobytes() for w in wrong]
            runs.append(
                System("x", [Scored(ids, words, words, steps, "folded")], "raw")
            )
        comparison = compare(runs, Plan(400))
        clear += comparison.differences[0].better is not None
    assert clear <= 20  # 5 % of 200 expected, or fewer


def test_correction_after_holm():
    assert correct_holm([0.01, None, 0.04, 0.03]) == [0.03, None, 0.06, 0.06]
    assert correct_holm([0.9, 0.8]) == [1.0, 1.0]


def test_welch_test_of_a_published_case():
    # Welch's example in the documentation of R's t.test: extra ~ group of `sleep`
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    assert compare_means(first, second) == pytest.approx(0.07939, abs=1e-5)
    assert compare_means([0.1, 0.1], [0.2, 0.2]) == 1.0


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from hamzaban.bin import compare_systems as verb; "
        "verb.get_parser().format_help(); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_systems_that_matched_different_alternatives_are_compared(tmp_path, capsys):
    refs = ["{ a b c / x } d (s1-1)", "{ a / b b } c (s2-1)", "e f (s2-2)"]
    hyps = {"one": ["a b c d", "a c", "e"], "two": ["x d", "b b", "e f"]}
    (tmp_path / "ref.trn").write_text("\n".join(refs) + "\n", "utf-8")
    for name, texts in hyps.items():
        lines = [f"{t} {r.split()[-1]}\n" for t, r in zip(texts, refs, strict=True)]
        (tmp_path / f"{name}.trn").write_text("".join(lines), "utf-8")
    systems = [f"{name}={tmp_path / name}.trn" for name in hyps]
    words = [*systems, "--ref", str(tmp_path / "ref.trn"), "--replicates", "100"]
    assert compare_systems.main([*words, "--output", str(tmp_path / "out.json")]) == 0
    assert "12.50" in capsys.readouterr().out  # 1 error of 4 + 2 + 2 words
    (found,) = json.loads((tmp_path / "out.json").read_text("utf-8")).values()
    assert [rate["mean"] for rate in found["rates"]] == [1 / 8, 1 / 7]
    assert found["differences"][0]["mapsswe"]["num_segments"] == 2


def test_other_references_are_refused_in_alternatives_too(tmp_path):
    for name, ref in (("one", "{ a / b } c"), ("two", "{ a / d } c")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "ref.trn").write_text(f"{ref} (s-1)\n", "utf-8")
        (folder / "hyp.trn").write_text("a c (s-1)\n", "utf-8")
    with pytest.raises(ValueError, match=r"reference of \(s-1\) is '{ a / d } c'"):
        compare_systems.main([str(tmp_path / name) for name in ("one", "two")])
