"""Compare the words of a language model with the tokens of a recognizer."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from hamzaban.lm.foreign import Foreign
from hamzaban.text.tokens import SPACE


def check_fit(
    foreign: Foreign,
    unit: str,
    *,
    tokens: Sequence[str] = (),
    characters: Iterable[str] = (),
    normalized: Sequence[str] | None = None,
) -> None:
    """Compare the words of a model with a recognizer's tokens; log the counts.

    Args:
        foreign: The model.
        unit: Its unit.
        tokens: The recognizer's tokens.
        characters: The characters that they spell.
        normalized: The units as the text rules of the language write them.

    Raises:
        ValueError: More than half do not fit, so that the model would be of no use.
    """
    units = foreign.units
    if unit == "word":
        _check_rules(foreign.path, units, normalized)
        _check_letters(foreign.path, units, set(characters))
    else:
        _check_tokens(foreign.path, units, tokens)


def _check_rules(
    path: Path, words: Sequence[str], normalized: Sequence[str] | None
) -> None:
    if normalized is None:
        return
    pairs = zip(words, normalized, strict=True)
    changed = [(word, new) for word, new in pairs if new != word]
    if changed:
        word, new = changed[0]
        logging.warning(
            "%s: %d of %d words are not as the language's text rules write them, such "
            "as %s for %s, and match no transcript",
            path,
            len(changed),
            len(words),
            word,
            new or "nothing",
        )


def _check_letters(path: Path, words: Sequence[str], characters: set[str]) -> None:
    if not characters:
        return
    strange = [word for word in words if not characters.issuperset(word)]
    if not strange:
        return
    remedy = "make it from text that `hamzaban normalize` has written"
    for name, change in (("lower", str.lower), ("upper", str.upper)):
        cased = sum(characters.issuperset(change(word)) for word in strange)
        if 2 * cased > len(strange):
            remedy = f"{cased} of them fit in {name} case: make it from such text"
    text = (
        f"{len(strange)} of {len(words)} words have letters that the recognizer's "
        f"tokens lack, such as {strange[0]}; {remedy}"
    )
    if 2 * len(strange) > len(words):
        raise ValueError(f"{path}: {text}")
    logging.warning("%s: %s; they are never recognized", path, text)


def _check_tokens(path: Path, units: Sequence[str], tokens: Sequence[str]) -> None:
    if not tokens:
        return
    known, found = set(tokens), set(units)
    strange = [unit for unit in units if unit not in known]
    if 2 * len(strange) > len(units):
        raise ValueError(
            f"{path}: {len(strange)} of {len(units)} units are not among the "
            f"recognizer's tokens, such as {strange[0]}; expected its tokens (spaces "
            f"between characters are {SPACE}); make it from text split into these"
        )
    lacking = [token for token in tokens[2:-1] if token not in found]
    for count, total, what, some in (
        (len(strange), len(units), "units are not among the recognizer's tokens and "
         "are never recognized", strange),
        (len(lacking), len(tokens[2:-1]), "recognizer's tokens are not in the "
         "model, which scores them as unknown", lacking),
    ):  # fmt: skip
        if count:
            logging.warning(
                "%s: %d of %d %s, such as %s", path, count, total, what, some[0]
            )
