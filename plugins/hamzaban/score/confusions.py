"""What is taken for what, and how much of it is spacing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hamzaban.score.sclite import Scored, score_pairs
from hamzaban.score.tokens import split_chars, split_words
from hamzaban.score.trn import Pair, unescape_token

ZWNJ = "\u200c"


@dataclass(frozen=True)
class Confusions:
    """The most frequent errors, with counts.

    Attributes:
        substituted: A reference token, what it was taken for, how often.
        deleted: A reference token and how often it was left out.
        inserted: A token and how often it was put in.
    """

    substituted: Sequence[tuple[str, str, int]]
    deleted: Sequence[tuple[str, int]]
    inserted: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Variant:
    """An error rate of a way to write the same texts.

    Attributes:
        name: The way.
        kind: `wer` or `cer`.
        errors: Errors.
        size: Reference tokens.
    """

    name: str
    kind: str
    errors: int
    size: int


def count_confusions(scored: Scored, top: int = 20) -> Confusions:
    """Count substitutions, deletions and insertions.

    Args:
        scored: Aligned tokens.
        top: How many of each to list.
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
    """Align the characters of aligned words, spaces counted."""
    return _rescore(scored, lambda text: text, split_chars)


def measure_spelling(scored: Scored, characters: Scored) -> list[Variant]:
    """Measure error rates with and without spaces and ZWNJ.

    Args:
        scored: Aligned words.
        characters: What `score_characters` returns for them.

    Returns:
        The ways that make a difference: those of ZWNJ only if there is one.
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
    """Count word errors where only spaces or ZWNJ differ.

    A run of errors between two correct words counts if both sides, spaces and ZWNJ left
    out, are the same letters.
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
    return score_pairs(pairs, case_sensitive=scored.case_sensitive)


def _sum_up(name: str, kind: str, scored: Scored) -> Variant:
    corr, sub, dele, ins = scored.counts.sum(axis=0).tolist()
    return Variant(name, kind, sub + dele + ins, corr + sub + dele)
