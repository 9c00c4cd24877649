"""Health without references; planted collapses must be caught and rolled back."""

import dataclasses
import random

import pytest

from hamzaban.config import read_dataclass
from hamzaban.pseudo.guard import GuardOptions, MeasuredRound, judge
from hamzaban.pseudo.health import measure, read_text_facts, score_perplexity
from hamzaban.pseudo.label import Label
from hamzaban.pseudo.round_options import read_options
from repository import ROOT

OPTIONS = read_options(ROOT / "conf/pseudo.yaml").guard
VOCABULARY = [a + b for a in "سکمربدن" for b in ["ار", "ین", "وش", "ال", "م", "ه"]]


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    words = random.Random(0)
    lines = [sentence(words) for _ in range(400)]
    path = tmp_path_factory.mktemp("text ه") / "sentences"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return read_text_facts([path]), lines


def sentence(words):
    weights = [1 / (i + 1) for i in range(len(VOCABULARY))]
    return " ".join(words.choices(VOCABULARY, weights, k=words.randint(4, 8)))


def healthy(number, error=0.2, seed=1):
    words = random.Random(seed)
    labels = []
    for i in range(number):
        text = sentence(words)
        size = len(text.replace(" ", ""))
        labels.append(
            Label(
                f"u{i:04d}", text, 2.0, 100, blank_rate=0.75, score=-20.0,
                confidence=-0.3, num_spelled=size, num_greedy=size,
                edits=round(error * size), lm_only=int(i % 4 == 0),
            )
        )  # fmt: skip
    return labels


def all_blank(labels, lines):
    names = {"text": "", "blank_rate": 1.0, "num_spelled": 0, "num_greedy": 0}
    names |= {"edits": 0, "lm_only": 0}
    return [dataclasses.replace(label, **names) for label in labels]


def one_word(labels, lines):
    """The model always says one word with high confidence; both decodings agree."""
    return [
        dataclasses.replace(label, text="سار سار سار", edits=0, lm_only=0)
        for label in labels
    ]


def copied(labels, lines):
    """Labels are sentences of the language model, whatever is heard."""
    labels = by_heart(labels, lines)
    return [
        dataclasses.replace(
            label, edits=int(0.9 * label.num_spelled), lm_only=len(label.words)
        )
        for label in labels
    ]


def by_heart(labels, lines):
    """The model itself has learnt these sentences, so that both decodings agree."""
    return [
        dataclasses.replace(label, text=lines[i], edits=0, lm_only=0)
        for i, label in enumerate(labels)
    ]


@pytest.mark.parametrize(
    ("collapse", "figure"),
    [
        (all_blank, "blank_rate"),
        (all_blank, "empty_rate"),
        (one_word, "type_token_ratio"),
        (one_word, "top_word_share"),
        (one_word, "top_label_share"),
        (copied, "disagreement"),
        (copied, "lm_only_share"),
        (by_heart, "copied_share"),
    ],
)
def test_a_planted_collapse_is_caught_and_rolled_back(facts, collapse, figure):
    text, lines = facts
    rounds = [MeasuredRound(measure(healthy(300, e), text), 200) for e in (0.3, 0.2)]
    assert judge(rounds, OPTIONS).go_on
    ill = collapse(healthy(300), lines)
    verdict = judge([*rounds, MeasuredRound(measure(ill, text), 200)], OPTIONS)
    assert (verdict.go_on, verdict.best) == (False, 1)
    assert "round 2 collapsed" in verdict.why and "back to round 1" in verdict.why
    assert figure in verdict.why


def test_a_source_that_fails_at_once_gives_no_round(facts):
    text, lines = facts
    ill = MeasuredRound(measure(all_blank(healthy(50), lines), text), 0)
    verdict = judge([ill], OPTIONS)
    assert (verdict.go_on, verdict.best) == (False, None)
    assert "utterances kept, fewer than" in verdict.why


def test_the_best_round_is_chosen_without_labels(facts):
    text, _ = facts
    rounds = [MeasuredRound(measure(healthy(99, e), text), 99) for e in (0.4, 0.2, 0.3)]
    verdict = judge(rounds, OPTIONS)
    assert (verdict.go_on, verdict.best) == (False, 1)
    assert "no round since 1 was better" in verdict.why
    patient = dataclasses.replace(OPTIONS, patience=2)
    assert judge(rounds, patient).go_on


def test_metrics_follow_their_definitions(facts):
    text, lines = facts
    labels = [
        Label("a", "سار کار سار", 1.0, 10, 0.5, confidence=-1.0, edits=2,
              num_spelled=9, num_greedy=8, lm_only=1),
        Label("b", lines[0], 1.0, 30, 0.9, confidence=-3.0, num_spelled=11,
              num_greedy=12),
        Label("c", "", 1.0, 0, num_greedy=0),
    ]  # fmt: skip
    found = measure(labels, text, last={"a": "سار کار", "b": lines[0]})
    words = 3 + len(lines[0].split())
    assert found.blank_rate == pytest.approx(0.8)
    assert found.empty_rate == pytest.approx(1 / 3, abs=1e-6)
    assert found.length_ratio == pytest.approx(1.0)
    assert found.disagreement == pytest.approx(2 / 21, abs=1e-6)
    assert found.lm_only_share == pytest.approx(1 / words, abs=1e-6)
    assert found.confidence == -2.0
    assert found.copied_share == 1.0 and found.top_label_share == 0.5
    assert found.churn == pytest.approx(1 / words, abs=1e-6)
    used = {"سار", "کار", *lines[0].split()}
    known = sum(text.counts[w] for w in used) / text.counts.total()
    assert found.vocabulary_coverage == pytest.approx(known, abs=1e-6)


@pytest.mark.needs("lmplz", "build_binary")
def test_perplexity_is_that_of_train_lms_model(tmp_path, facts):
    from hamzaban.lm import kenlm

    _, lines = facts
    folder = tmp_path / "word"
    folder.mkdir()
    (folder / "text").write_text("".join(f"{line}\n" for line in lines))
    kenlm.train(folder / "text", folder / "arpa", 2, prune=[0], memory="100M")
    kenlm.pack(folder / "arpa", folder / "lm.bin", "100M")
    rows = "".join(f"{w} {n}\n" for n, w in enumerate(VOCABULARY, 1))
    (folder / "units.txt").write_text(rows)  # with counts, as train-lm writes them
    usual = score_perplexity(lines[:50], tmp_path)
    odd = score_perplexity([VOCABULARY[-1]] * 50, tmp_path)
    assert 1 < usual < odd
    assert score_perplexity(["", ""], tmp_path) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rules": {"wer": {"max": 1}}}, "guard: rules: 'wer' is unknown; known: "),
        (
            {"rules": {"churn": {"most": 1}}},
            "churn: 'most' is unknown; known: max, min",
        ),
        (
            {"rules": {"churn": {"max_of_text": 1}}},
            "'max_of_text' is unknown; did you mean",
        ),
        ({"choose_by": "wer"}, "choose_by: 'wer' found, expected "),
        ({"patience": 0}, "expected 1 or more"),
        ({"min_kept": 1}, "expected 2 or more"),
        ({"rounds": 1}, "see conf/pseudo.yaml"),
    ],
)
def test_wrong_rules_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read_dataclass(GuardOptions, values, "guard", see="conf/pseudo.yaml")
