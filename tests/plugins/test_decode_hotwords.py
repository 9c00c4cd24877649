"""Hotwords: how they are read, and what they do to a search."""

import dataclasses
import logging

import numpy as np
import pytest

from hamzaban.decode.hotwords import (
    Hotword,
    PhraseTree,
    keep_known,
    read_hotwords,
)
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.search_options import search_for_hotwords
from hamzaban.decode.searches.espnet import EspnetSearch
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.searches.token import TokenSearch
from hamzaban.text.tokens import CharTokenizer

LETTERS = "abcdeن"
TOKENS = ["<blank>", "<unk>", "<space>", *LETTERS, "<sos/eos>"]
NO_LM = TokenSearch(lm_unit="none", blank_threshold=1.0)


def speak(text, rivals=()):
    """Return log-posteriors of a text; a rival letter is a little likelier."""
    probs = []
    for place, char in enumerate(text):
        frame = np.full(len(TOKENS), 1e-4)
        token = "<space>" if char == " " else char
        frame[TOKENS.index(token)] = 0.9
        for at, rival in rivals:
            if at == place:
                frame[TOKENS.index(token)] = 0.3
                frame[TOKENS.index(rival)] = 0.6
        silence = np.full(len(TOKENS), 1e-4)
        silence[0] = 1.0
        probs += [frame, silence]
    probs = np.array(probs)
    return np.log(probs / probs.sum(1, keepdims=True)).astype(np.float32)


def decode(search, log_probs, hotwords=(), **files):
    files = SearchFiles(hotwords=tuple(hotwords), **files)
    return search.build(CharTokenizer(TOKENS), files).decode(log_probs)[0]


def test_a_list_and_a_file_give_words_phrases_and_weights(tmp_path):
    found = read_hotwords("ab:8, cd e", 3.0)
    assert found == (Hotword(("ab",), 8.0), Hotword(("cd", "e"), 3.0))
    path = tmp_path / "نام ها"
    path.write_text("ab :8\n\ncd e\na:b\n", encoding="utf-8")
    assert read_hotwords(str(path), 3.0) == (*found, Hotword(("a:b",), 3.0))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (" , ", "no word found"),
        ("ab:0", "weight 0 of 'ab'"),
        ("ab:nan", "weight nan of 'ab'"),
        ("ab:1e9", "weight 1e\\+09 of 'ab'"),
        (":5", "no word before the weight"),
    ],
)
def test_a_wrong_list_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        read_hotwords(given)


def test_a_missing_file_is_not_taken_for_a_word(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file, expected a file"):
        read_hotwords(str(tmp_path / "words"))


def test_a_bonus_is_complete_or_nothing():
    tree = PhraseTree([Hotword(("abc",), 6.0), Hotword(("b", "cd"), 3.0)])
    assert tree.score(["abc"]) == pytest.approx(6.0)
    assert tree.score(["ab"]) == pytest.approx(0.0)
    assert tree.score(["abcd"]) == pytest.approx(0.0)
    assert tree.score(["aabc"]) == pytest.approx(0.0)
    assert tree.score(["abc", "b", "cd", "abc"]) == pytest.approx(15.0)
    assert tree.score(["b", "b", "cd"]) == pytest.approx(3.0)
    assert tree.score(["b", "c"]) == pytest.approx(0.0)


def test_overlapping_phrases_count_each():
    tree = PhraseTree(
        [Hotword(("a", "b"), 2.0), Hotword(("b", "c"), 4.0), Hotword(("b",), 1.0)]
    )
    assert tree.score(["a", "b", "c"]) == pytest.approx(7.0)


def test_a_part_of_a_phrase_has_a_part_of_the_bonus_until_it_breaks():
    tree = PhraseTree([Hotword(("abcd",), 10.0)])
    state, first = tree.read(tree.start, "ab")
    assert first == pytest.approx(4.0)
    state, second = tree.read(state, "cd")
    assert first + second == pytest.approx(8.0)
    assert first + second + tree.finish(state) == pytest.approx(10.0)
    _, lost = tree.read(state, "e")
    assert first + second + lost == pytest.approx(0.0)


def test_bonus_does_not_depend_on_how_a_text_is_divided():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("ab"), rng.integers(1, 4))) for _ in range(30)]
    hotwords = [Hotword(tuple(rng.choice(words, 2)), 1.0 + i) for i in range(6)]
    tree = PhraseTree([*hotwords, Hotword(("ab",), 2.0)])
    text = " ".join(words)
    whole, bonus = tree.read(tree.start, text)
    state, total = tree.start, 0.0
    for char in text:
        state, gained = tree.read(state, char)
        total += gained
    assert state == whole
    assert total == pytest.approx(bonus)
    padded = f" {text} "
    expected = sum(
        h.weight * _count(padded, f" {' '.join(h.words)} ")
        for h in {h.words: h for h in [*hotwords, Hotword(("ab",), 2.0)]}.values()
    )
    if len({h.words for h in hotwords}) == len(hotwords):
        assert bonus + tree.finish(state) == pytest.approx(expected)


def _count(text, part):
    return sum(text.startswith(part, i) for i in range(len(text)))


def test_a_hotword_wins_against_a_likelier_letter():
    log_probs = speak("cab de", rivals=[(1, "e")])
    assert decode(NO_LM, log_probs).text == "ceb de"
    found = decode(NO_LM, log_probs, [Hotword(("cab",), 5.0)])
    assert found.text == "cab de"
    assert [word.text for word in found.words] == ["cab", "de"]


def test_part_of_a_hotword_gains_nothing():
    log_probs = speak("cab de", rivals=[(1, "e")])
    plain = decode(NO_LM, log_probs)
    for word in ("cabd", "ca", "ab", "xcab"[1:] + "de"):
        found = decode(NO_LM, log_probs, [Hotword((word,), 5.0)])
        assert found.text == plain.text
        assert found.total == pytest.approx(plain.total, abs=0.05)


def test_a_phrase_of_several_words_wins_at_the_end_of_speech():
    log_probs = speak("cab de", rivals=[(5, "a")])
    assert decode(NO_LM, log_probs).text == "cab da"
    assert decode(NO_LM, log_probs, [Hotword(("cab", "de"), 5.0)]).text == "cab de"


def test_scores_without_the_bonus_stay_those_of_model_and_language_model():
    log_probs = speak("cab de")
    plain = decode(NO_LM, log_probs)
    found = decode(NO_LM, log_probs, [Hotword(("cab",), 4.0)])
    assert found.acoustic == pytest.approx(plain.acoustic, abs=0.05)
    assert found.total == pytest.approx(plain.total + 4.0, abs=0.05)
    assert found.lm == pytest.approx(0.0, abs=1e-4)


def test_a_lexicon_gains_hotwords_that_its_list_lacks(tmp_path):
    path = tmp_path / "words"
    path.write_text("ceb\nde\n", encoding="utf-8")
    search = LexiconSearch(lm_unit="none", blank_threshold=1.0)
    log_probs = speak("cab de", rivals=[(1, "e")])
    assert decode(search, log_probs, word_list=path).text == "ceb de"
    hot = [Hotword(("cab",), 5.0)]
    found = decode(search, log_probs, hot, word_list=path)
    assert found.text == "cab de"
    two = [Hotword(("cab", "de"), 5.0)]
    assert decode(search, log_probs, two, word_list=path).text == "cab de"


def test_tuning_changes_the_weight_beside_hotwords(tmp_path):
    path = tmp_path / "words"
    path.write_text("ceb\nde\n", encoding="utf-8")
    search = LexiconSearch(lm_unit="none", blank_threshold=1.0, lm_weight=0.0)
    files = SearchFiles(word_list=path, hotwords=(Hotword(("cab",), 5.0),))
    decoder = search.build(CharTokenizer(TOKENS), files)
    log_probs = speak("cab de", rivals=[(1, "e")])
    first = decoder.decode(log_probs)[0]
    decoder.tune(dataclasses.replace(search, lm_weight=2.0))
    assert decoder.decode(log_probs)[0].text == first.text == "cab de"


def test_letters_that_the_model_lacks_are_named(caplog):
    words = [Hotword(("ab",)), Hotword(("xyz",))]
    with caplog.at_level(logging.WARNING):
        assert keep_known(words, set(LETTERS), "the letters") == (words[0],)
    assert "1 of 2 hotwords" in caplog.text
    assert "xyz" in caplog.text
    with pytest.raises(ValueError, match="none of 1 can be written"):
        keep_known(words[1:], set(LETTERS), "the letters")


def test_greedy_search_becomes_a_beam_and_keeps_its_blank_score():
    found = search_for_hotwords(GreedySearch(blank_score=-1.5))
    assert isinstance(found, TokenSearch)
    assert found.lm_unit == "none"
    assert found.blank_score == -1.5
    assert search_for_hotwords(NO_LM) is NO_LM
    with pytest.raises(ValueError, match="search espnet cannot prefer words"):
        search_for_hotwords(EspnetSearch())
