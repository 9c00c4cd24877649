"""Figures of a round's labels that need no reference, and what they were last round."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hamzaban.lm.text import read_plain
from hamzaban.pseudo.label import Label


@dataclasses.dataclass(frozen=True)
class TextFacts:
    """What is known of the target's text.

    Attributes:
        counts: Of its words.
        head: Its first words, as many as there are or `max_head`.
        lines: Hashes of its lines of `MIN_COPIED` words or more.
    """

    counts: Counter[str]
    head: tuple[str, ...]
    lines: frozenset[int]


MIN_COPIED = 4  # words; shorter lines come again by themselves
MAX_HEAD = 1_000_000


@dataclasses.dataclass(frozen=True)
class Health:
    """A round's figures, over all decoded utterances, kept or not.

    Attributes:
        num_utts: Utterances decoded.
        empty_rate: Share without a word.
        blank_rate: Share of frames whose likeliest token is blank.
        length_ratio: Characters of the labels' spellings over those of the greedy
            path.
        disagreement: Edits between the two, over the longer of both, pooled.
        lm_only_share: Share of words that the greedy path does not have.
        confidence: Mean of the labels that are not empty.
        vocabulary_coverage: Share of the text's running words that are words of the
            labels.
        type_token_ratio: Different words over words.
        type_token_ratio_of_text: That of as many words of the text, or of the labels'
            first if the text is shorter; the two are comparable then.
        top_word_share: Share of the commonest word.
        top_word_share_of_text: That of the text.
        top_label_share: Share of the commonest label among those not empty.
        copied_share: Share of labels of MIN_COPIED words or more that are a line of
            the text.
        perplexity: Of the labels, by the word language model; None without one.
        churn: Edits in words between this round's labels and the last one's, over the
            longer of both, pooled; None in the first round.
    """

    num_utts: int
    empty_rate: float
    blank_rate: float
    length_ratio: float
    disagreement: float
    lm_only_share: float
    confidence: float
    vocabulary_coverage: float
    type_token_ratio: float
    type_token_ratio_of_text: float
    top_word_share: float
    top_word_share_of_text: float
    top_label_share: float
    copied_share: float
    perplexity: float | None = None
    churn: float | None = None


def read_text_facts(paths: Sequence[str | Path]) -> TextFacts:
    """Read sentences of the target, plain, one a line; .gz as well.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: There is no word.
    """
    counts: Counter[str] = Counter()
    head: list[str] = []
    lines = set()
    for path in paths:
        for line in read_plain(path):
            words = line.split()
            counts.update(words)
            head += words[: MAX_HEAD - len(head)]
            if len(words) >= MIN_COPIED:
                lines.add(hash(" ".join(words)))
    if not head:
        raise ValueError(f"{', '.join(map(str, paths))}: no word of the target found")
    return TextFacts(counts, tuple(head), frozenset(lines))


def measure(
    labels: Sequence[Label],
    text: TextFacts,
    *,
    perplexity: float | None = None,
    last: Mapping[str, str] | None = None,
) -> Health:
    """Measure the labels of a round.

    Args:
        labels: Of all utterances decoded, one or more.
        text: The target's.
        perplexity: Of the labels, if there is a language model.
        last: Text of each utterance in the last round.
    """
    frames = sum(label.num_frames for label in labels)
    blanks = sum(label.blank_rate * label.num_frames for label in labels)
    longer = sum(max(label.num_spelled, label.num_greedy) for label in labels)
    num_words = sum(len(label.words) for label in labels)
    spoken = [label for label in labels if label.text]
    figures = {
        "empty_rate": _divide(len(labels) - len(spoken), len(labels)),
        "blank_rate": _divide(blanks, frames) if frames else 1.0,
        "length_ratio": _divide(
            sum(label.num_spelled for label in labels),
            sum(label.num_greedy for label in labels),
        ),
        "disagreement": _divide(sum(label.edits for label in labels), longer),
        "lm_only_share": _divide(sum(label.lm_only for label in labels), num_words),
        "confidence": _divide(sum(label.confidence for label in spoken), len(spoken)),
        **_measure_words(spoken, text),
    }
    rounded = {name: round(value, 6) for name, value in figures.items()}
    churn = None if last is None else round(_churn(labels, last), 6)
    return Health(len(labels), **rounded, perplexity=perplexity, churn=churn)


def _measure_words(spoken: Sequence[Label], text: TextFacts) -> dict[str, float]:
    """Compare words and lines of labels, none empty, with the target's text."""
    words = [word for label in spoken for word in label.words]
    counts = Counter(words)
    same_size = min(len(words), len(text.head))
    known = sum(count for word, count in text.counts.items() if word in counts)
    long = [label.text for label in spoken if len(label.words) >= MIN_COPIED]
    different, of_text = (len(set(w[:same_size])) for w in (words, text.head))
    return {
        "vocabulary_coverage": _divide(known, text.counts.total()),
        "type_token_ratio": _divide(different, same_size),
        "type_token_ratio_of_text": _divide(of_text, same_size),
        "top_word_share": _top_share(counts),
        "top_word_share_of_text": _top_share(text.counts),
        "top_label_share": _top_share(Counter(label.text for label in spoken)),
        "copied_share": _divide(sum(hash(t) in text.lines for t in long), len(long)),
    }


def score_perplexity(texts: Iterable[str], lm_dir: str | Path) -> float | None:
    """Give the perplexity of texts by the word model of a folder of train-lm.

    Returns:
        The perplexity of known words and ends; None if no text has a word.

    Raises:
        FileNotFoundError: There is no word model.
    """
    from hamzaban.lm.kenlm import Model

    folder = Path(lm_dir) / "word"
    if not (folder / "units.txt").is_file():
        raise FileNotFoundError(
            f"{folder}/units.txt: missing; train it with `hamzaban train-lm`"
        )
    words = [line for line in read_plain(folder / "units.txt") if line]
    found = Model(folder / "lm.bin", words).score(text for text in texts if text)
    return round(found.perplexity, 4) if math.isfinite(found.perplexity) else None


def _churn(labels: Sequence[Label], last: Mapping[str, str]) -> float:
    from rapidfuzz.distance import Levenshtein

    edits = longer = 0
    for label in labels:
        now, then = label.words, last.get(label.utt_id, "").split()
        edits += Levenshtein.distance(now, then)
        longer += max(len(now), len(then))
    return _divide(edits, longer)


def _top_share(counts: Counter[str]) -> float:
    top = counts.most_common(1)
    return top[0][1] / counts.total() if top else 0.0


def _divide(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
