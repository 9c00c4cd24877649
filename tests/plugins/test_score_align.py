"""The alignment compared with a plain cell-by-cell version of sclite's rules."""

import random

import pytest

from hamzaban.score import align as module
from hamzaban.score.align import align, count_steps


def align_plainly(ref: list[str], hyp: list[str]) -> bytes:
    """Align one pair cell by cell, following sclite's rules literally."""
    cost = {(0, 0): 0}
    move = {}
    for i in range(len(ref) + 1):
        for j in range(len(hyp) + 1):
            choices = []  # in order of preference
            if i and j:
                same = ref[i - 1] == hyp[j - 1]
                choices.append((cost[i - 1, j - 1] + 4 * (not same), "CS"[not same]))
            if j:
                choices.append((cost[i, j - 1] + 3, "I"))
            if i:
                choices.append((cost[i - 1, j] + 3, "D"))
            if choices:
                cost[i, j], move[i, j] = min(choices, key=lambda choice: choice[0])
    i, j, steps = len(ref), len(hyp), ""
    while i or j:
        step = move[i, j]
        steps += step
        i, j = i - (step != "I"), j - (step != "D")
    return steps[::-1].encode()


def make_lines(seed: int, size: int, longest: int) -> list[list[str]]:
    rng = random.Random(seed)
    tokens = rng.choice([["a", "b"], ["سلام", "a", "ب"], [str(t) for t in range(40)]])
    return [rng.choices(tokens, k=rng.randint(0, longest)) for _ in range(size)]


@pytest.mark.parametrize("seed", range(5))
def test_steps_are_those_of_the_plain_version(seed: int) -> None:
    refs, hyps = make_lines(seed, 200, 12), make_lines(seed + 1000, 200, 12)
    expected = [align_plainly(ref, hyp) for ref, hyp in zip(refs, hyps, strict=True)]
    assert align(refs, hyps) == expected


def test_a_pair_does_not_depend_on_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refs, hyps = make_lines(7, 60, 30), make_lines(8, 60, 30)
    together = align(refs, hyps)
    assert together == [
        align([ref], [hyp])[0] for ref, hyp in zip(refs, hyps, strict=True)
    ]
    monkeypatch.setattr(module, "_BATCH_CELLS", 1)
    assert align(refs, hyps) == together


def test_lines_too_long_for_small_integers() -> None:
    rng = random.Random(3)
    ref = [str(rng.randrange(30)) for _ in range(2100)]
    hyp = [token for token in ref if rng.random() < 0.7]
    corr, sub, dele, ins = count_steps(align([ref], [hyp]))[0]
    assert (corr, sub, dele, ins) == (len(hyp), 0, len(ref) - len(hyp), 0)


def test_empty_references_and_hypotheses_are_aligned() -> None:
    assert align([[], ["a", "b"], []], [["c"], [], []]) == [b"I", b"DD", b""]
    assert align([], []) == []
    assert count_steps([]).shape == (0, 4)


def test_ties_prefer_diagonal_then_insertion_then_deletion() -> None:
    assert align([["a", "b"]], [["x"]]) == [b"DS"]
    assert align([["a"]], [["x", "y"]]) == [b"IS"]
    assert align([["a", "b"]], [["b", "a"]]) == [b"DCI"]
