"""Keep sentences of valid and test out of train, compared as by `audit-leaks`."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from hamzaban.ingest.utterances import Tally, clean_text
from hamzaban.lm.leaks import Index

T = TypeVar("T")
ROWS_AT_ONCE = 20_000


def make_index(sentences: Iterable[str], lang: str) -> Index:
    """Index sentences of valid and test.

    Args:
        sentences: Sentences as the corpus has them.
        lang: Language whose rules normalize them.
    """
    return Index(_normalize(list(sentences), lang))


def leave_out_shared(
    items: Iterable[T],
    text_of: Callable[[T], str],
    index: Index,
    lang: str,
    tally: Tally,
    *,
    place: str = "valid or test",
) -> Iterator[T]:
    """Leave out and count items whose text equals or nearly equals an indexed sentence.

    Args:
        items: Utterances to train on, any number.
        text_of: Returns the transcript of an item.
        index: The sentences of valid and test, or of another place.
        lang: Language whose rules normalize the transcripts.
        tally: Counts the items that are left out.
        place: Name of what was indexed, for the reason.
    """
    source = iter(items)
    while rows := list(itertools.islice(source, ROWS_AT_ONCE)):
        lines = _normalize([text_of(row) for row in rows], lang)
        found = {match.line: match.distance for match in index.search(lines)}
        for number, row in enumerate(rows, 1):
            if number in found:
                near = "nearly a " if found[number] else ""
                tally.excluded[f"{near}sentence of {place}"] += 1
            else:
                yield row


def _normalize(sentences: list[str], lang: str) -> list[str]:
    """Normalize sentences as training text of the language."""
    from hamzaban.text.normalizer import get_normalizer

    lines = "\n".join(clean_text(sentence) for sentence in sentences)
    return get_normalizer(lang).normalize_lines(lines).split("\n")
