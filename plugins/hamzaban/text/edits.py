"""Count the edits between pairs of texts with jiwer.

The counts serve to watch a run. Score files need the alignment of sclite, which
`hamzaban.score.align` makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Edits(NamedTuple):
    """Edit counts pooled over pairs of texts.

    Attributes:
        word_errors: Substitutions, deletions and insertions of words.
        words: Words of the references.
        char_errors: Substitutions, deletions and insertions of characters.
        chars: Characters of the references.
    """

    word_errors: int
    words: int
    char_errors: int
    chars: int


def count_edits(
    refs: Sequence[str], hyps: Sequence[str], *, count_spaces: bool = False
) -> Edits:
    """Return the smallest numbers of edits that turn references into hypotheses.

    Args:
        refs: Reference texts, words separated by white space.
        hyps: Hypotheses, one for each reference.
        count_spaces: Count a space as a character.

    Raises:
        ValueError: The numbers of texts differ.

    Example:
        >>> count_edits(["salam donya"], ["salam dona be"])
        Edits(word_errors=2, words=2, char_errors=3, chars=10)
    """
    import jiwer

    if not refs and not hyps:
        return Edits(0, 0, 0, 0)
    words = jiwer.process_words(list(refs), list(hyps))
    if not count_spaces:
        refs = ["".join(ref.split()) for ref in refs]
        hyps = ["".join(hyp.split()) for hyp in hyps]
    as_is = jiwer.ReduceToListOfListOfChars()
    chars = jiwer.process_characters(
        list(refs), list(hyps), reference_transform=as_is, hypothesis_transform=as_is
    )
    return Edits(*_count(words), *_count(chars))


def _count(found: object) -> tuple[int, int]:
    hits, substitutions, deletions, insertions = (
        getattr(found, name)
        for name in ("hits", "substitutions", "deletions", "insertions")
    )
    errors = substitutions + deletions + insertions
    return errors, hits + substitutions + deletions
