"""Beam search compared with exhaustive search, and words that it must not lose."""

import dataclasses
import itertools
import math
import random
from pathlib import Path

import numpy as np
import pytest
from tiny_experiment import WORDS, write_tokens

from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.lexicon import build_lexicon, read_words, report_lexicon
from hamzaban.decode.path import align, group_words, list_runs, path_score
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.searches.token import TokenSearch
from hamzaban.lm import kenlm
from hamzaban.text.tokens import CharTokenizer, build_tokenizer
from tools import require_tools

TOKENS = ["<blank>", "<unk>", "<space>", "a", "b", "<sos/eos>"]
WIDE = {"beam_size": 3000, "beam_size_token": 99, "beam_threshold": 1e6}
WIDE |= {"blank_threshold": 1.0}


def make_emissions(num_frames, size, seed, sharpness=2.0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, sharpness, (num_frames, size))
    logits[:, [1, size - 1]] -= 20  # unknown and end are never spoken
    logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    return logits.astype(np.float16).astype(np.float32)


def sum_paths(log_probs):
    """Return the log of the summed probability of each text, by trying all paths."""
    totals = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        ids = tuple(t for t, _ in itertools.groupby(path) if t)
        score = path_score(log_probs, path)
        totals.setdefault(ids, []).append(score)
    return {ids: np.logaddexp.reduce(scores) for ids, scores in totals.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_search_without_a_language_model_sums_all_alignments(seed):
    log_probs = make_emissions(6, len(TOKENS), seed)
    options = TokenSearch(lm_unit="none", nbest=5, **WIDE)
    found = BeamSearch(CharTokenizer(TOKENS), options).decode(log_probs)
    totals = sum_paths(log_probs)
    best = sorted(totals, key=totals.get, reverse=True)[:5]
    ids = [tuple(r.token for r in list_runs(log_probs, hyp.path)) for hyp in found]
    assert ids == best
    for hyp, key in zip(found, best, strict=True):
        assert hyp.total == pytest.approx(totals[key], abs=0.01)


@pytest.mark.parametrize("score", [-1.5, 0.7])
def test_blank_score_makes_blank_likelier_in_all_searches(score):
    log_probs = make_emissions(6, len(TOKENS), seed=1)
    moved = log_probs.astype(np.float64)
    moved[:, 0] += score
    moved -= np.log(np.exp(moved).sum(1, keepdims=True))
    for plain in (GreedySearch(), TokenSearch(lm_unit="none", **WIDE)):
        options = dataclasses.replace(plain, blank_score=score)
        tokenizer = CharTokenizer(TOKENS)
        found = options.build(tokenizer, SearchFiles()).decode(log_probs)[0]
        wanted = plain.build(tokenizer, SearchFiles()).decode(moved)[0]
        assert found.token_int == wanted.token_int
        assert found.total == pytest.approx(wanted.total, abs=0.01)


def test_a_blank_score_recovers_letters_that_blank_hides():
    log_probs = np.log(np.full((4, 6), 1e-3))
    log_probs[:, 0] = np.log([0.9, 0.6, 0.9, 0.6])
    log_probs[[1, 3], [3, 4]] = np.log(0.3)
    for score, ids in ((0.0, []), (-1.0, [3, 4]), (1.0, [])):
        options = TokenSearch(lm_unit="none", blank_score=score, **WIDE)
        hyp = BeamSearch(CharTokenizer(TOKENS), options).decode(log_probs)[0]
        assert [run.token for run in list_runs(log_probs, hyp.path)] == ids


@pytest.fixture(scope="module")
def word_lm(tmp_path_factory):
    require_tools("lmplz", "build_binary")
    folder = tmp_path_factory.mktemp("lm ه")
    rng = random.Random(0)
    lines = (
        " ".join(rng.choices(["a", "ab", "bb"], [5, 2, 1], k=3)) for _ in range(99)
    )
    (folder / "t").write_text("".join(line + "\n" for line in lines))
    kenlm.train(folder / "t", folder / "arpa", 2, prune=[0], memory="100M")
    kenlm.pack(folder / "arpa", folder / "lm.bin", "100M")
    return folder / "lm.bin"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("log_add", [True, False])
def test_a_lexicon_and_a_language_model_are_weighted_exactly(word_lm, seed, log_add):
    log_probs = make_emissions(7, len(TOKENS), seed)
    tokenizer = CharTokenizer(TOKENS)
    lexicon = build_lexicon(["a", "ab", "bb"], tokenizer)
    options = LexiconSearch(lm_weight=0.7, word_score=0.4, log_add=log_add, **WIDE)
    search = BeamSearch(tokenizer, options, lexicon=lexicon, lm=word_lm)
    (hyp,) = search.decode(log_probs)
    model, scores = kenlm.Model(word_lm, lexicon.words), {}
    for path in itertools.product((0, 2, 3, 4), repeat=len(log_probs)):
        ids = [t for t, _ in itertools.groupby(path) if t]
        words = "".join(" ab"[i - 2] for i in ids).split()
        if all(word in lexicon.words for word in words):
            scores.setdefault(tuple(words), []).append(path_score(log_probs, path))
    totals = {}
    for words, found in scores.items():
        acoustic = np.logaddexp.reduce(found) if log_add else max(found)
        log10 = sum(x for _, x, _ in model.score_units([" ".join(words)]))
        totals[words] = acoustic + 0.7 * log10 * math.log(10) + 0.4 * len(words)
    best = max(totals, key=totals.get)
    assert tuple(hyp.text.split()) == best
    assert hyp.total == pytest.approx(totals[best], abs=0.02)
    assert hyp.total == pytest.approx(
        hyp.acoustic + 0.7 * hyp.lm + 0.4 * len(best), abs=1e-6
    )


def speak(tokenizer, spelling, rng, pause=2):
    """Return emissions of a spelling: one to three frames per token, blanks between."""
    frames = []
    for token in tokenizer.tokens2ids(spelling):
        frames += [0] * pause + [token] * int(rng.integers(1, 4))
    probs = np.full((len(frames) + pause, len(tokenizer.tokens)), 1e-6)
    probs[np.arange(len(frames)), frames] = 0.99
    probs[len(frames) :, 0] = 0.99
    noise = rng.uniform(0.5, 1.5, probs.shape) * 1e-4
    return np.log((probs + noise) / (probs + noise).sum(1, keepdims=True)).astype("f4")


@pytest.fixture(scope="module", params=["char", "unigram", "bpe"])
def tokenizer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"{request.param} tokens")
    words = [*WORDS, "صِفر", "radio", "آلللل", "او"]
    rng = random.Random(0)
    lines = [" ".join(rng.choices(words, k=5)) for _ in range(300)]
    rows = "".join(f"u{i} {line}\n" for i, line in enumerate(lines))
    (folder / "text").write_text(rows, encoding="utf-8")
    if request.param == "char":
        write_tokens(folder, folder / "text", "--token_type", "char")
        return build_tokenizer("char", folder / "tokens.txt")
    mode = ["--bpemode", request.param, "--nbpe", 42]
    write_tokens(folder, folder / "text", *mode)
    return build_tokenizer("bpe", folder / "tokens.txt", folder / "bpe.model")


@pytest.mark.parametrize("threshold", [1.0, 0.9])
def test_words_survive_the_search(tokenizer, threshold):
    rng = np.random.default_rng(0)
    words = [*WORDS, "صِفر", "radio", "آلللل", "او"]
    lexicon = build_lexicon(words, tokenizer, num_spellings=3)
    assert lexicon.unspelled == ()
    options = LexiconSearch(lm_unit="none", blank_threshold=threshold)
    search = BeamSearch(tokenizer, options, lexicon=lexicon)
    for _ in range(20):
        text = " ".join(rng.choice(words, 4))
        log_probs = speak(tokenizer, tokenizer.text2tokens(text), rng)
        (hyp,) = search.decode(log_probs)
        assert hyp.text == text
        assert len(hyp.path) == len(log_probs)
        assert list(hyp.word_ends) == sorted(set(hyp.word_ends))


def test_a_last_piece_of_several_frames_costs_nothing(tokenizer):
    """In flashlight-text alone, the last piece of a word has only one frame."""
    lexicon = build_lexicon(["سلام"], tokenizer)
    spelling = tokenizer.ids2tokens(lexicon.spellings[0][0])
    log_probs = speak(tokenizer, [*spelling], np.random.default_rng(2))
    last = log_probs[-3:-2]
    log_probs = np.concatenate([log_probs[:-2], last, last, last, log_probs[-2:]])
    options = LexiconSearch(lm_unit="none", log_add=False)
    (hyp,) = BeamSearch(tokenizer, options, lexicon=lexicon).decode(log_probs)
    assert hyp.text == "سلام"
    assert hyp.acoustic > -0.1 * len(log_probs)


def test_skipped_blanks_change_no_text_and_no_score(tokenizer):
    rng = np.random.default_rng(3)
    lexicon = build_lexicon(WORDS, tokenizer)
    text = " ".join(rng.choice(WORDS, 5))
    log_probs = speak(tokenizer, tokenizer.text2tokens(text), rng, pause=9)
    found = []
    for threshold in (1.0, 0.95):
        options = LexiconSearch(
            lm_unit="none", blank_threshold=threshold, log_add=False
        )
        found += BeamSearch(tokenizer, options, lexicon=lexicon).decode(log_probs)
    assert found[0].text == found[1].text == text
    assert found[0].acoustic == pytest.approx(found[1].acoustic, abs=0.05)


def test_words_without_a_spelling_are_listed(tokenizer, tmp_path, caplog):
    words = ["سلام", "qüux", "خانه", "می‌روم\u06d4"]
    lexicon = build_lexicon(words, tokenizer)
    assert lexicon.unspelled == ("qüux", "می‌روم\u06d4")
    report_lexicon(lexicon, tmp_path / "unspelled_words")
    assert "2 of 4 words cannot be spelled" in caplog.text
    assert read_words(tmp_path / "unspelled_words") == list(lexicon.unspelled)
    with pytest.raises(ValueError, match="none of 1 words can be spelled"):
        build_lexicon(["qüux"], tokenizer)


@pytest.mark.parametrize("mapping", ["", "a.yaml"])
def test_a_word_list_that_cannot_be_spelled_is_named(tokenizer, tmp_path, mapping):
    path = tmp_path / "words.txt"
    path.write_text("qüux\n", encoding="utf-8")
    if mapping:
        mapping = str(tmp_path / mapping)
        Path(mapping).write_text("letters:\n    é: [e]\n", encoding="utf-8")
    options = LexiconSearch(lm_unit="none", mapping=mapping)
    with pytest.raises(ValueError, match=f"^{path}: none of 1 words can be spelled"):
        options.read_lexicon(tokenizer, SearchFiles(word_list=path))


def test_words_of_a_path_equal_those_of_the_text(tokenizer):
    rng = np.random.default_rng(4)
    ids = list(range(1, len(tokenizer.tokens) - 1))
    for _ in range(200):
        path = rng.choice([0, *ids], 12).tolist()
        log_probs = np.zeros((12, len(tokenizer.tokens)), np.float32)
        runs = list_runs(log_probs, path)
        tokens = tokenizer.ids2tokens([run.token for run in runs])
        words = group_words(runs, tokenizer)
        assert " ".join(w.text for w in words) == tokenizer.tokens2text(tokens)
        assert all(0 <= w.start < w.end <= 12 for w in words)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_alignment_is_the_best_path(seed):
    log_probs = make_emissions(6, len(TOKENS), seed)
    for ids in ((3, 3), (3, 4, 2), (), (4,)):
        paths = [
            path
            for path in itertools.product(range(6), repeat=6)
            if tuple(t for t, _ in itertools.groupby(path) if t) == ids
        ]
        best = max(path_score(log_probs, path) for path in paths)
        found = align(log_probs, ids)
        assert tuple(found) in paths
        assert path_score(log_probs, found) == pytest.approx(best, abs=1e-4)
    assert align(log_probs, [3] * 4) is None


def test_files_that_do_not_fit_are_refused(tokenizer, tmp_path):
    options = LexiconSearch()
    with pytest.raises(ValueError, match="the search needs its word model; give"):
        options.build(tokenizer, SearchFiles())
    with pytest.raises(FileNotFoundError, match=r"word/lm\.yaml: missing"):
        options.build(tokenizer, SearchFiles(tmp_path))
    options = TokenSearch(lm_unit="word")
    with pytest.raises(ValueError, match="lm_unit 'word' found; search token"):
        options.build(tokenizer, SearchFiles(tmp_path))
    with pytest.raises(ValueError, match="word_score is for search: lexicon"):
        TokenSearch(word_score=1.0)
