"""Greedy CTC on hand-made posteriors."""

import itertools
import math

import pytest

from hamzaban.decode.greedy import collapse, ctc_confidence, greedy_search


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import here what takes seconds, so that collecting tests does not."""
    global torch
    import torch


BLANK, A, B = 0, 1, 2


def make(rows, vocab=3, frames=None):
    """Log-posteriors whose best path is `rows`: (token, probability) a frame."""
    frames = frames or len(rows)
    probs = torch.full((1, frames, vocab), 1.0 / vocab)
    for t, (token, prob) in enumerate(rows):
        probs[0, t] = (1 - prob) / (vocab - 1)
        probs[0, t, token] = prob
    return probs.log(), torch.tensor([len(rows)])


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
def test_collapse(path, tokens):
    assert collapse(path) == tokens


def test_collapse_with_another_blank():
    assert collapse([2, 0, 0, 2, 0, 1], blank_id=2) == [0, 0, 1]


def test_collapse_is_the_definition_on_all_short_paths():
    for path in itertools.product(range(3), repeat=6):
        merged = [token for token, _ in itertools.groupby(path)]
        assert collapse(list(path)) == [token for token in merged if token != BLANK]


def test_scores_of_a_known_path():
    log_probs, lengths = make([(BLANK, 0.9), (A, 0.8), (A, 0.5), (BLANK, 0.6)])
    (hyp,) = greedy_search(log_probs, lengths)
    assert hyp.token_int == (A,)
    assert hyp.score == pytest.approx(math.log(0.9 * 0.8 * 0.5 * 0.6), abs=1e-6)
    assert hyp.confidence == pytest.approx(math.log(0.8 * 0.5) / 2, abs=1e-6)


def test_all_blank_is_empty_with_no_confidence():
    log_probs, lengths = make([(BLANK, 0.9), (BLANK, 0.5)])
    (hyp,) = greedy_search(log_probs, lengths)
    assert hyp.token_int == ()
    assert hyp.score == pytest.approx(math.log(0.45), abs=1e-6)
    assert hyp.confidence == float("-inf")


def test_no_frames_is_empty_with_score_zero():
    (hyp,) = greedy_search(torch.zeros(1, 0, 3), torch.tensor([0]))
    assert (hyp.token_int, hyp.score) == ((), 0.0)
    assert hyp.confidence == float("-inf")
    assert greedy_search(torch.zeros(0, 5, 3), torch.zeros(0, dtype=torch.long)) == []


@pytest.mark.parametrize("padding", [0.0, float("nan"), float("inf")])
def test_padding_is_not_looked_at(padding):
    alone = make([(A, 0.7), (BLANK, 0.6), (B, 0.9)])
    long, _ = make([(B, 0.6)] * 5)
    batch = torch.cat([torch.full((1, 5, 3), padding), long])
    batch[0, :3] = alone[0][0]
    hyps = greedy_search(batch, torch.tensor([3, 5]))
    assert hyps[0] == greedy_search(*alone)[0]
    assert hyps[1].token_int == (B,)
    confidence = ctc_confidence(batch, torch.tensor([3, 5]))
    assert confidence.tolist() == [hyp.confidence for hyp in hyps]


def test_nan_in_a_valid_frame_is_an_error():
    log_probs, lengths = make([(A, 0.7), (B, 0.6)])
    log_probs[0, 1] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        greedy_search(log_probs, lengths)


@pytest.mark.parametrize(
    ("shape", "lengths"), [((3, 4), [3, 3, 3]), ((2, 3, 4), [3]), ((1, 3, 4), [4])]
)
def test_shapes_that_do_not_fit(shape, lengths):
    with pytest.raises(ValueError, match="expected"):
        greedy_search(torch.zeros(shape), torch.tensor(lengths))


def test_best_path_is_the_most_probable_path():
    torch.manual_seed(0)
    log_probs = torch.randn(1, 5, 3).log_softmax(-1)
    (hyp,) = greedy_search(log_probs, torch.tensor([5]))
    scores = {
        path: sum(float(log_probs[0, t, v]) for t, v in enumerate(path))
        for path in itertools.product(range(3), repeat=5)
    }
    best = max(scores, key=lambda path: scores[path])
    assert hyp.score == pytest.approx(scores[best], abs=1e-5)
    assert list(hyp.token_int) == collapse(list(best))
