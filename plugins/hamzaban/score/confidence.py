"""Normalized cross entropy of the confidences of a ctm, as sclite computes it.

It is 1 for confidences that tell right from wrong words for certain, 0 for those that
say no more than the share of right words, and below 0 for worse ones.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hamzaban.score.align import align
from hamzaban.score.lattice import Network, align_networks
from hamzaban.score.notation import Heard, Spoken, has_notation, split_text
from hamzaban.score.sclite import Folded
from hamzaban.score.scoring import Scoring
from hamzaban.score.tokens import split_words

Judged = tuple[bool, float | None]  # whether a word is right, its confidence
FLOOR = 1e-7  # confidences are kept this far from 0 and 1


@dataclass(frozen=True)
class CrossEntropy:
    """The normalized cross entropy of a hypothesis.

    Attributes:
        value: The metric; None if all words are right or all are wrong.
        num_words: Number of words of the hypothesis.
        num_without: Number of words without a confidence, which count as 0.
        num_outside: Number of confidences outside 0 to 1, which are set to the border.
    """

    value: float | None
    num_words: int
    num_without: int
    num_outside: int


def judge_texts(
    refs: Mapping[str, str], hyps: Mapping[str, str], scoring: Scoring
) -> list[Judged]:
    """Return whether each word of a ctm is right, and its confidence or None.

    Args:
        refs: References by utterance id.
        hyps: Hypotheses by utterance id, as read from a ctm.
        scoring: How words are compared.

    Returns:
        The words; none if no word has a confidence.
    """
    spoken = {u: text for u, text in hyps.items() if isinstance(text, Spoken)}
    if not any(_list_confidences(text.tokens) for text in spoken.values()):
        return []
    found: list[Judged] = []
    for utt_id, text in spoken.items():
        ref = split_text(refs[utt_id], split_words)
        found += _judge_words(ref, text.tokens, scoring)
    return found


def compute_cross_entropy(found: Sequence[Judged]) -> CrossEntropy:
    """Return the normalized cross entropy of words that were judged."""
    right = sum(is_right for is_right, _ in found)
    given = [confidence for _, confidence in found if confidence is not None]
    outside = sum(not 0 <= confidence <= 1 for confidence in given)
    value = None
    if 0 < right < len(found):
        share = right / len(found)
        entropy = -right * math.log2(share)
        entropy -= (len(found) - right) * math.log2(1 - share)
        value = 1 + sum(_score_word(*word) for word in found) / entropy
    return CrossEntropy(value, len(found), len(found) - len(given), outside)


def _list_confidences(tokens: Sequence[str]) -> list[float]:
    """Return the confidences of words, those of alternatives among them."""
    found: list[float] = []
    for token in tokens:
        if isinstance(token, Heard) and token.confidence is not None:
            found.append(token.confidence)
        for choice in getattr(token, "choices", ()):
            found += _list_confidences(choice)
    return found


def _judge_words(
    ref: Sequence[str], hyp: Sequence[str], scoring: Scoring
) -> Iterator[Judged]:
    """Yield whether each word of the hypothesis is right, and its confidence."""
    fold = Folded(scoring.case).__getitem__
    marks = scoring.marks
    if has_notation(ref, hyp) or marks.are_in(ref) or marks.are_in(hyp):
        networks = [Network(tokens, marks, fold) for tokens in (ref, hyp)]
        for step in align_networks(networks[0], networks[1], "", scoring.costs):
            if step.hyp:
                yield step.letter == "C", step.confidence
        return
    sides = [[list(map(fold, tokens))] for tokens in (ref, hyp)]
    (steps,) = align(sides[0], sides[1], scoring.costs)
    words = iter(hyp)
    for letter in steps:
        if letter != ord("D"):
            word = next(words)
            confidence = word.confidence if isinstance(word, Heard) else None
            yield letter == ord("C"), confidence


def _score_word(is_right: bool, confidence: float | None) -> float:
    sure = min(max(confidence or 0.0, FLOOR), 1 - FLOOR)
    return math.log2(sure) if is_right else math.log2(1 - sure)


def describe_cross_entropy(found: CrossEntropy) -> str:
    """Return the metric and what was left out as a line."""
    value = "undefined" if found.value is None else f"{found.value:.3f}"
    text = f"NCE {value} of the confidences of {found.num_words} words"
    if found.num_without:
        text += f"; {found.num_without} without one count as 0"
    if found.num_outside:
        text += f"; {found.num_outside} outside 0 to 1"
    return text
