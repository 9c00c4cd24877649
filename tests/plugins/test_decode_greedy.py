"""Greedy CTC on hand-made posteriors."""

import itertools
import math

import numpy as np
import pytest

from hamzaban.decode.path import collapse
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.text.tokens import CharTokenizer

TOKENS = ["<blank>", "a", "b", "<unk>"]
BLANK, A, B = 0, 1, 2


def make(rows, vocab=3):
    """Return log-posteriors whose best path is `rows`: (token, probability) per
    frame."""
    probs = np.full((len(rows), vocab), 1.0 / vocab)
    for t, (token, prob) in enumerate(rows):
        probs[t] = (1 - prob) / (vocab - 1)
        probs[t, token] = prob
    return np.log(probs).astype(np.float32)


def decode(log_probs):
    decoder = GreedySearch().build(CharTokenizer(TOKENS), SearchFiles())
    return decoder.decode(log_probs)


@pytest.mark.parametrize(
    ("path", "tokens"),
    [
        ([], []),
        ([BLANK], []),
        ([A], [A]),
        ([A, A, A], [A]),
        ([A, BLANK, A], [A, A]),
        ([BLANK, A, A, BLANK, BLANK, B, B, A, BLANK], [A, B, A]),
        ([BLANK, BLANK], []),
        ([A, B, A, B], [A, B, A, B]),
    ],
)
def test_repeats_are_merged_and_blanks_removed(path, tokens):
    assert collapse(path) == tokens


def test_collapse_with_another_blank():
    assert collapse([2, 0, 0, 2, 0, 1], blank_id=2) == [0, 0, 1]


def test_collapse_follows_its_definition_on_all_short_paths():
    for path in itertools.product(range(3), repeat=6):
        merged = [token for token, _ in itertools.groupby(path)]
        assert collapse(list(path)) == [token for token in merged if token != BLANK]


def test_scores_of_a_known_path():
    (hyp,) = decode(make([(BLANK, 0.9), (A, 0.8), (A, 0.5), (BLANK, 0.6)]))
    assert hyp.token_int == (A,)
    assert hyp.text == "a"
    assert hyp.total == pytest.approx(math.log(0.9 * 0.8 * 0.5 * 0.6), abs=1e-6)
    assert hyp.confidence == pytest.approx(math.log(0.8 * 0.5) / 2, abs=1e-6)


def test_all_blank_is_empty_with_no_confidence():
    (hyp,) = decode(make([(BLANK, 0.9), (BLANK, 0.5)]))
    assert hyp.token_int == ()
    assert hyp.total == pytest.approx(math.log(0.45), abs=1e-6)
    assert hyp.confidence == float("-inf")


def test_no_frames_give_no_hypothesis():
    assert decode(np.zeros((0, 3), np.float32)) == []


def test_best_path_is_the_most_probable_path():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    (hyp,) = decode(log_probs.astype(np.float32))
    scores = {
        path: sum(float(log_probs[t, v]) for t, v in enumerate(path))
        for path in itertools.product(range(3), repeat=5)
    }
    best = max(scores, key=lambda path: scores[path])
    assert hyp.total == pytest.approx(scores[best], abs=1e-5)
    assert list(hyp.token_int) == collapse(list(best))
