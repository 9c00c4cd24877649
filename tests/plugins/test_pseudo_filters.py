"""Labels from emissions with their metrics; filters and their counts."""

import math

import numpy as np
import pytest

from hamzaban.config import read_dataclass
from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.spelling import build_folded_lexicon, find_mapping, read_mapping
from hamzaban.pseudo.filters import (
    FilterOptions,
    apply,
    count_reasons,
    learn_rates,
    resolve,
)
from hamzaban.pseudo.label import Label, Labeller, read_labels, write_labels
from hamzaban.text.tokens import CharTokenizer

TOKENS = ["<blank>", "<unk>", "<space>", *"ابتجكسلم", "<sos/eos>"]


def speak(text, share=0.99, pause=1):
    """Return emissions of source characters, one frame each, with blanks between."""
    ids = CharTokenizer(TOKENS).texts2ids([text])[0]
    path = [x for i in ids for x in (*[0] * pause, i)] + [0] * pause
    probs = np.full((len(path), len(TOKENS)), (1 - share) / (len(TOKENS) - 1), "f4")
    probs[np.arange(len(path)), path] = share
    return np.log(probs)


@pytest.fixture(scope="module")
def labeller():
    tokenizer = CharTokenizer(TOKENS)
    mapping = read_mapping(find_mapping("fa"))
    found = build_folded_lexicon(["سلام", "چپ", "گل"], tokenizer, (mapping, {}), 3)
    options = LexiconSearch(lm_unit="none", word_score=3.0)
    beam = BeamSearch(tokenizer, options, lexicon=found.lexicon)
    return Labeller(beam, tokenizer, 0.02)


def test_metrics_of_a_label_are_computed(labeller):
    sure = labeller.label("u", speak("سلام جب كل"))
    assert sure.text == "سلام چپ گل"
    assert (sure.edits, sure.lm_only, sure.num_spelled) == (0, 0, 8)
    assert sure.blank_rate == pytest.approx(11 / 21)
    assert sure.duration_s == pytest.approx(0.42) and sure.num_chars == 8
    assert sure.confidence == pytest.approx(math.log(0.99), abs=1e-3)
    forced = labeller.label("u", speak("سلام تت كل", 0.6))
    assert forced.words[0] == "سلام" and forced.lm_only >= 1
    assert forced.disagreement >= 2 / 8


def test_labels_of_silence_and_of_no_frames_are_empty(labeller):
    silent = labeller.label("u", speak("", pause=9))
    assert (silent.text, silent.blank_rate, silent.disagreement) == ("", 1.0, 0.0)
    assert labeller.label("u", speak("")[:0]) == Label("u")


def test_labels_come_back_as_written(labeller, tmp_path):
    labels = [labeller.label("ه", speak("سلام")), Label("b")]
    write_labels(labels, tmp_path / "a b.jsonl")
    assert list(read_labels([tmp_path / "a b.jsonl"])) == labels
    (tmp_path / "bad").write_text('{"x": 1}\n')
    with pytest.raises(ValueError, match="bad:1: not a label"):
        list(read_labels([tmp_path / "bad"]))


def make(number, **values):
    given = {"text": "سلام گل", "duration_s": 1.0, "num_frames": 50, "score": -5.0}
    given |= {"confidence": -0.1, "num_spelled": 6, "num_greedy": 6, "blank_rate": 0.7}
    return Label(f"u{number:02d}", **given | values)


CASES = {
    "score_per_frame below min": {"score": -100.0},
    "score_per_word below min": {"score": -40.0, "num_frames": 500},
    "confidence below min": {"confidence": -2.0},
    "disagreement above max": {"edits": 5},
    "chars_per_s above max": {"duration_s": 0.1},
    "chars_per_s below min": {"duration_s": 90.0},
    "lm_only_share above max": {"lm_only": 2},
    "blank_rate above max": {"blank_rate": 0.99},
    "num_words below min": {"text": "سلام"},
    "empty": {"text": ""},
}
BOUNDS = {
    "score_per_frame": {"min": -1},
    "score_per_word": {"min": -10},
    "confidence": {"min": -1.0},
    "disagreement": {"max": 0.5},
    "chars_per_s": {"min": 0.5, "max": 30},
    "lm_only_share": {"max": 0.5},
    "blank_rate": {"max": 0.95},
    "num_words": {"min": 2},
    "duration_s": {"max": 100},
}


def read_filters(values):
    return read_dataclass(FilterOptions, values, "filters", see="conf/pseudo.yaml")


def test_every_drop_has_its_reason_and_is_counted():
    labels = [make(i, **values) for i, values in enumerate(CASES.values())]
    labels += [make(50 + i, confidence=-0.01 * i) for i in range(10)]
    reasons = apply(labels, read_filters({"bounds": BOUNDS}))
    assert list(reasons.values()) == list(CASES)
    reasons = apply(labels, read_filters({"bounds": BOUNDS, "top_share": 0.45}))
    kept = sorted({label.utt_id for label in labels} - set(reasons))
    assert kept == [f"u{50 + i}" for i in range(5)]
    assert count_reasons(reasons)["top_share"] == 5
    assert sum(count_reasons(reasons).values()) + len(kept) == len(labels)


def test_filters_keep_low_values_of_metrics_that_are_better_low():
    labels = [make(i, edits=i) for i in range(4)]
    ranked = {"top_share": 0.5, "rank_by": "disagreement"}
    assert set(apply(labels, read_filters(ranked))) == {"u02", "u03"}


def test_the_range_of_rates_is_learnt_from_the_more_confident_half():
    labels = [make(i, duration_s=0.6 + 0.01 * i) for i in range(50)]
    labels += [make(50 + i, duration_s=20.0, confidence=-5.0) for i in range(40)]
    both = read_filters({"bounds": {"chars_per_s": {"min": "auto", "max": "auto"}}})
    options = resolve(both, lambda: learn_rates(labels))
    assert options.bounds["chars_per_s"].min == pytest.approx(6 / 1.09, rel=0.02)
    reasons = apply(labels, options)
    assert {f"u{50 + i}" for i in range(40)} <= set(reasons) and len(reasons) <= 42


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bounds": {"wer": {"max": 1}}}, "bounds: 'wer' is unknown; known: score_per"),
        (
            {"bounds": {"confidence": {"least": 1}}},
            "'least' is unknown; known: min",
        ),
        ({"bounds": {"confidence": {}}}, "confidence: no bound found, expected min"),
        (
            {"bounds": {"confidence": {"min": "high"}}},
            "'high' found, expected a number or",
        ),
        (
            {"bounds": {"confidence": {"min": "auto"}}},
            "auto found, which is only for chars_per_s",
        ),
        ({"bounds": {"num_words": {"min": 3, "max": 2}}}, "min 3 is above max 2"),
        ({"top_share": 0}, "top_share: 0.0 found, expected above 0 and 1 at"),
        ({"best": 1}, "see conf/pseudo.yaml"),
    ],
)
def test_wrong_filters_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read_filters(values)
