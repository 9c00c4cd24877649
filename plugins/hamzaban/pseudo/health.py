"""Measure the health of a round's labels without references."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hamzaban.decode.lexicon import read_words
from hamzaban.lm.text import read_plain
from hamzaban.pseudo.label import Label


@dataclasses.dataclass(frozen=True)
class TextFacts:
    """Statistics of the text of the target language.

    Attributes:
        counts: How often each word occurs.
        head: The first words, at most MAX_HEAD.
        lines: Hashes of the lines with `MIN_COPIED` words or more.
    """

    counts: Counter[str]
    head: tuple[str, ...]
    lines: frozenset[int]


MIN_COPIED = 4  # words; shorter lines recur by chance
MAX_HEAD = 1_000_000


@dataclasses.dataclass(frozen=True)
class Health:
    """The metrics of a round over all decoded utterances, kept or not.

    Attributes:
        num_utts: Number of utterances decoded.
        empty_rate: Share of labels without a word.
        blank_rate: Share of frames whose most likely token is blank.
        length_ratio: Characters of the labels' spellings divided by characters of the
            greedy paths.
        disagreement: Edits between spellings and greedy paths divided by the length of
            the longer of both, pooled over utterances.
        lm_only_share: Share of words that the greedy path does not have.
        confidence: Mean confidence of the labels that are not empty.
        vocabulary_coverage: Share of the running words of the text that occur in the
            labels.
        type_token_ratio: Number of different words divided by the number of words.
        type_token_ratio_of_text: The same ratio of the text. Both are computed over the
            same number of words, that of the shorter one, to be comparable.
        top_word_share: Share of the most frequent word.
        top_word_share_of_text: The same share in the text.
        top_label_share: Share of the most frequent label among labels not empty.
        copied_share: Share of the labels of MIN_COPIED words or more that are lines of
            the text.
        perplexity: Perplexity of the labels under the word language model; None if no
            label has a word.
        churn: Edits in words between the labels of this and the previous round divided
            by the length of the longer ones, pooled; None in the first round.
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
    """Read plain text of the target language, one sentence per line; may be .gz.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The files hold no word.
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
        raise ValueError(
            f"{', '.join(map(str, paths))}: no word found, expected sentences of the "
            "target, one per line"
        )
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
        labels: The labels of all decoded utterances, one or more.
        text: Statistics of the text of the target language.
        perplexity: Perplexity of the labels, if it was measured.
        last: Label of each utterance in the previous round, if there was one.
    """
    frames = sum(label.num_frames for label in labels)
    blanks = sum(label.blank_rate * label.num_frames for label in labels)
    longer = sum(max(label.num_spelled, label.num_greedy) for label in labels)
    num_words = sum(len(label.words) for label in labels)
    spoken = [label for label in labels if label.text]
    metrics = {
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
    rounded = {name: round(value, 6) for name, value in metrics.items()}
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
    """Return the perplexity of texts under the word model that train-lm wrote.

    Returns:
        The perplexity over known words and ends of lines; None if no text has a word.

    Raises:
        FileNotFoundError: There is no word model.
    """
    from hamzaban.lm.kenlm import Model

    folder = Path(lm_dir) / "word"
    if not (folder / "units.txt").is_file():
        raise FileNotFoundError(
            f"{folder}/units.txt: missing; train it with `hamzaban train-lm`"
        )
    words = read_words(folder / "units.txt")  # a count follows each of them
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
