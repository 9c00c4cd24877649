"""The words of a decoded set: how often they occur, are missed, and are trained on."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hamzaban.data.files import read_scp
from hamzaban.report.parts import Parts
from hamzaban.score.letter_case import FOLDED
from hamzaban.score.notation import unescape_token
from hamzaban.score.sclite import Folded, Scored
from hamzaban.text.normalizer import get_normalizer
from hamzaban.text.presets import list_presets
from hamzaban.text.rules import known_languages

MAX_WORDS = 20000  # in the table; the rarest are left out, which the page says


@dataclass(frozen=True)
class Vocabulary:
    """Counts of the words of a set.

    Attributes:
        num_types: Different words of the references.
        num_words: Words of the references.
        unseen_types: Different words that the training text lacks; None: not known.
        unseen_words: Occurrences of these words in the references.
        unseen_missed: Those of them that were not recognized.
        num_missed: Words of the references that were not recognized.
        num_left_out: Words that the table leaves out.
    """

    num_types: int
    num_words: int
    unseen_types: int | None
    unseen_words: int
    unseen_missed: int
    num_missed: int
    num_left_out: int


def count_training(texts: Sequence[Path], normalizer: str) -> Counter[str] | None:
    """Count the words of training texts in the form in which a set was scored.

    Args:
        texts: Kaldi files.
        normalizer: Id of the normalizer of the scores; words stay as they are if it
            cannot be made again.

    Returns:
        Counts; None if there is no text.
    """
    found: Counter[str] = Counter()
    for path in texts:
        for _, text in read_scp(path):
            found.update(text.split())
    if not found:
        return None
    lang = normalizer.partition("-score/")[0]
    made = _find_normalizer(lang, normalizer)
    fold = Folded(FOLDED).__getitem__
    counts: Counter[str] = Counter()
    for word, count in found.items():
        for new in (made(word) if made else word).split():
            counts[fold(new)] += count
    return counts


def _find_normalizer(lang: str, wanted: str) -> Callable[[str], str] | None:
    """Return the normalizer that an id names, whatever its score adds after a +."""
    base = wanted.partition("+")[0]
    preset = base.partition("/")[0]  # if it is one: its id does not name the language
    tried = [(lang, "score")]
    if preset in list_presets():
        tried = [(code, preset) for code in known_languages()]
    for code, profile in tried:
        try:
            found = get_normalizer(code, profile)
        except ValueError:
            continue
        if found.id == base:
            return found.normalize
    logging.info("Training text is compared as it is: no normalizer %s here", wanted)
    return None


def add_vocabulary(
    parts: Parts, key: str, scored: Scored, training: Mapping[str, int] | None
) -> Vocabulary:
    """Add the part `<key>-words`, columns of a table of words; return the counts."""
    refs, missed, false = count_words(scored)
    words = sorted({*refs, *false}, key=lambda w: (-refs[w], -false[w], w))
    shown = words[:MAX_WORDS]
    columns = {
        "word": [unescape_token(word) for word in shown],
        "count": [refs[word] for word in shown],
        "missed": [missed[word] for word in shown],
        "false": [false[word] for word in shown],
        "trained": None
        if training is None
        else [training.get(word, 0) for word in shown],
    }
    parts.add(f"{key}-words", columns)
    unseen = [w for w in refs if training is not None and not training.get(w)]
    return Vocabulary(
        len(refs),
        refs.total(),
        None if training is None else len(unseen),
        sum(refs[word] for word in unseen),
        sum(missed[word] for word in unseen),
        missed.total(),
        len(words) - len(shown),
    )


def count_words(scored: Scored) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Count words of references, those missed, and those falsely recognized."""
    refs: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for ref, hyp, steps in zip(scored.refs, scored.hyps, scored.steps, strict=True):
        refs.update(ref)
        if steps.count(b"C") == len(steps):
            continue
        r, h = iter(ref), iter(hyp)
        for step in steps.decode():
            old = next(r) if step != "I" else None
            new = next(h) if step != "D" else None
            if step != "C":
                missed.update([old] if old is not None else [])
                false.update([new] if new is not None else [])
    return refs, missed, false
