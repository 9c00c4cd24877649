"""Times of words in ctm: CTC marks tokens by spikes; ends of words are estimated."""

import itertools

import numpy as np
import pytest

from hamzaban.decode.path import Run, Word, align, extend_words
from hamzaban.decode.result import write_results
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.text.tokens import CharTokenizer

LETTERS = "abcdefgh"
TOKENS = ["<blank>", *LETTERS, "<space>", "<unk>"]
SHIFT_S = 0.02


def speak(seed, num_words=12, has_space=True):
    """Return posteriors with a spike in each token, and the frames of each word.

    A letter lasts 3 to 6 frames and is marked by one of its first frames; half of the
    words are followed by a pause of 0.4 to 0.8 s.
    """
    rng = np.random.default_rng(seed)
    path, words, last = [0] * int(rng.integers(5, 20)), [], 0
    for number in range(num_words):
        start, letters = len(path), []
        for _ in range(int(rng.integers(2, 7))):
            choice = [i for i in range(1, len(LETTERS) + 1) if i != last]
            last = int(rng.choice(choice))
            length = int(rng.integers(3, 7))
            spans = [0] * length
            spans[int(rng.integers(0, length - 1))] = last
            path += spans
            letters.append(TOKENS[last])
        words.append(("".join(letters), start, len(path)))
        space = TOKENS.index("<space>")
        path += [space] if has_space and number < num_words - 1 else []
        path += [0] * int(rng.integers(20, 40)) if rng.random() < 0.5 else []
    path += [0] * 30
    probs = np.full((len(path), len(TOKENS)), 0.02, np.float32)
    probs[np.arange(len(path)), path] = 1 - 0.02 * (len(TOKENS) - 1)
    return np.log(probs), words


def decode(log_probs):
    decoder = GreedySearch().build(CharTokenizer(TOKENS), SearchFiles())
    (found,) = decoder.decode(log_probs)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_ends_of_words_are_near_the_true_boundaries(seed):
    log_probs, spoken = speak(seed)
    found = decode(log_probs).words
    assert [word.text for word in found] == [text for text, *_ in spoken]
    ends = np.array([end for *_, end in spoken])
    lengths = np.array([end - start for _, start, end in spoken])
    spikes = [np.flatnonzero(log_probs[s:e].argmax(1)) for _, s, e in spoken]
    between = np.array([marks[-1] + 1 - marks[0] for marks in spikes])
    estimated = np.array([word.end - word.start for word in found])
    assert np.abs(estimated - lengths).mean() < np.abs(between - lengths).mean() / 1.5
    assert abs((estimated - lengths).mean()) < 0.5 * abs((between - lengths).mean())
    errors = np.abs(np.array([word.end for word in found]) - ends)
    assert errors.max() * SHIFT_S <= 0.12  # the longest letter
    for one, two in itertools.pairwise(found):
        assert one.start < one.end <= two.start


def test_a_word_before_a_pause_does_not_last_through_it():
    runs = [Run(1, t, t + 1, 0.0) for t in (0, 5, 10, 60, 65, 70)]
    words = [Word("aba", 0, 11, 1.0), Word("bab", 60, 71, 1.0)]
    assert [word.end for word in extend_words(words, runs, 200)] == [15, 75]


def test_a_word_lasts_until_one_that_follows_at_once():
    runs = [Run(1, t, t + 1, 0.0) for t in range(0, 35, 5)]
    words = [Word("aba", 0, 11, 1.0), Word("bab", 20, 31, 1.0)]
    assert [word.end for word in extend_words(words, runs, 33)] == [20, 33]


def test_words_without_times_stay_so():
    words = [Word("a", 0, 0, 0.0), Word("b", 0, 0, 0.0)]
    assert extend_words(words, [], 0) == words
    assert extend_words([], [], 10) == []


def test_a_word_of_one_spike_is_no_longer_one_frame():
    quiet = np.full((50, len(TOKENS)), np.log(0.02), np.float32)
    quiet[:, 0] = np.log(0.8)
    quiet[20] = np.roll(quiet[20], 1)
    (word,) = decode(quiet).words
    assert (word.start, word.end) == (20, 24)


def test_ctm_has_the_estimated_durations(tmp_path):
    log_probs, _ = speak(3)
    found = decode(log_probs)
    write_results({"u": [found]}, tmp_path, SHIFT_S)
    lines = [line.split() for line in (tmp_path / "ctm").read_text().splitlines()]
    assert [line[3] for line in lines] == [
        f"{(word.end - word.start) * SHIFT_S:.2f}" for word in found.words
    ]


def test_an_aligned_path_has_the_same_times_as_the_greedy_one():
    log_probs, _ = speak(4)
    found = decode(log_probs)
    assert align(log_probs, found.token_int) == list(found.path)
