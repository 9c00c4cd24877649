"""Join words that one of two texts writes in parts, as the Open ASR Leaderboard."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from hamzaban.score.trn import Pair


def join_compounds(pairs: Sequence[Pair]) -> list[Pair]:
    """Return pairs whose differing stretches of equal letters are one word each.

    The stretches are those of Python's difflib, on which the original depends.
    Utterances with alternatives stay as they are.

    Examples:
        >>> (pair,) = join_compounds([Pair("(s-u)", ["a", "b", "c"], ["ab", "d"])])
        >>> pair.ref, pair.hyp
        (['a', 'b', 'c'], ['ab', 'd'])
        >>> (pair,) = join_compounds([Pair("(s-u)", ["a", "b", "c"], ["ab", "c"])])
        >>> pair.ref, pair.hyp
        (['ab', 'c'], ['ab', 'c'])
    """
    return [pair if pair.has_notation else _join(pair) for pair in pairs]


def _join(pair: Pair) -> Pair:
    refs: list[str] = []
    hyps: list[str] = []
    matcher = SequenceMatcher(None, pair.ref, pair.hyp)
    for tag, ref_start, ref_end, hyp_start, hyp_end in matcher.get_opcodes():
        ref, hyp = pair.ref[ref_start:ref_end], pair.hyp[hyp_start:hyp_end]
        if tag != "equal" and "".join(ref) == "".join(hyp):
            ref = hyp = ["".join(ref)]
        refs += ref
        hyps += hyp
    return replace(pair, ref=refs, hyp=hyps)
