"""Confusions of tokens, and errors that are only of spacing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hamzaban.score.notation import unescape_token
from hamzaban.score.sclite import Scored, score_pairs
from hamzaban.score.tokens import split_chars, split_words
from hamzaban.score.trn import Pair

ZWNJ = "\u200c"


@dataclass(frozen=True)
class Confusions:
    """The most frequent errors, with counts.

    Attributes:
        substituted: Reference tokens, the tokens recognized for them, and counts.
        deleted: Reference tokens for which nothing was recognized, and counts.
        inserted: Tokens recognized without a reference token, and counts.
    """

    substituted: Sequence[tuple[str, str, int]]
    deleted: Sequence[tuple[str, int]]
    inserted: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Variant:
    """The error rate of the same texts written in another way.

    Attributes:
        name: Name of the way.
        kind: `wer` or `cer`.
        errors: Number of errors.
        size: Number of reference tokens.
    """

    name: str
    kind: str
    errors: int
    size: int


def count_confusions(scored: Scored, top: int = 20) -> Confusions:
    """Return the most frequent substitutions, deletions and insertions.

    Args:
        scored: Aligned tokens.
        top: Number of each to list.
    """
    substituted: Counter[tuple[str, str]] = Counter()
    deleted: Counter[str] = Counter()
    inserted: Counter[str] = Counter()
    for refs, hyps, step in zip(scored.refs, scored.hyps, scored.steps, strict=True):
        if step.count(b"C") == len(step):
            continue
        ref, hyp = iter(refs), iter(hyps)
        for letter in step.decode():
            if letter == "D":
                deleted[next(ref)] += 1
            elif letter == "I":
                inserted[next(hyp)] += 1
            else:
                pair = next(ref), next(hyp)
                if letter == "S":
                    substituted[pair] += 1
    show = unescape_token
    return Confusions(
        [(show(a), show(b), count) for (a, b), count in substituted.most_common(top)],
        [(show(token), count) for token, count in deleted.most_common(top)],
        [(show(token), count) for token, count in inserted.most_common(top)],
    )


def score_characters(scored: Scored) -> Scored:
    """Return aligned words aligned again by character, spaces included."""
    return _rescore(scored, lambda text: text, split_chars)


def measure_spelling(scored: Scored, characters: Scored) -> list[Variant]:
    """Return error rates with and without spaces and ZWNJ.

    Args:
        scored: Aligned words.
        characters: The same texts as `score_characters` returns them.

    Returns:
        Error rates; those of ZWNJ only if the texts have one.
    """
    found = [_sum_up("as scored", "wer", scored)]
    has_zwnj = any(
        ZWNJ in word for side in (scored.refs, scored.hyps) for t in side for word in t
    )
    if has_zwnj:
        for name, other in (("ZWNJ left out", ""), ("ZWNJ as a space", " ")):
            variant = _rescore(scored, _replacing({ZWNJ: other}), split_words)
            found.append(_sum_up(name, "wer", variant))
    found.append(_sum_up("as scored", "cer", characters))
    ways = {"spaces left out": {" ": ""}}
    if has_zwnj:
        ways["ZWNJ left out"] = {ZWNJ: ""}
        ways["spaces and ZWNJ left out"] = {" ": "", ZWNJ: ""}
    for name, changes in ways.items():
        variant = _rescore(scored, _replacing(changes), split_chars)
        found.append(_sum_up(name, "cer", variant))
    return found


def count_spacing_errors(scored: Scored) -> int:
    """Return the number of word errors in which only spaces or ZWNJ differ.

    A run of errors between two correct words counts if both sides have the same letters
    without spaces and ZWNJ.
    """
    total = 0
    for refs, hyps, step in zip(scored.refs, scored.hyps, scored.steps, strict=True):
        if step.count(b"C") == len(step):
            continue
        r = h = 0
        for run in step.split(b"C"):
            r_end = r + len(run) - run.count(b"I")
            h_end = h + len(run) - run.count(b"D")
            if run and _letters(refs[r:r_end]) == _letters(hyps[h:h_end]):
                total += len(run)
            r, h = r_end + 1, h_end + 1
    return total


def _letters(words: Sequence[str]) -> str:
    return "".join(words).replace(ZWNJ, "")


def _replacing(changes: dict[str, str]) -> Callable[[str], str]:
    table = str.maketrans(changes)
    return lambda text: text.translate(table)


def _rescore(
    scored: Scored,
    change: Callable[[str], str],
    split: Callable[[str], list[str]],
) -> Scored:
    def convert(words: Sequence[str]) -> list[str]:
        return split(change(" ".join(map(unescape_token, words))))

    pairs = [
        Pair(trn_id, convert(ref), convert(hyp))
        for trn_id, ref, hyp in zip(
            scored.trn_ids, scored.refs, scored.hyps, strict=True
        )
    ]
    return score_pairs(pairs, case=scored.case)


def _sum_up(name: str, kind: str, scored: Scored) -> Variant:
    corr, sub, dele, ins = scored.counts.sum(axis=0).tolist()
    return Variant(name, kind, sub + dele + ins, corr + sub + dele)
