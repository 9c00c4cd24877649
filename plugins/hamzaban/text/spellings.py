"""Find spellings of one word in a text, for a human to accept."""

import functools
import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("spellings.yaml")
MIN_LETTERS = 3  # shorter words are equal by chance


@dataclass(frozen=True)
class Group:
    """Spellings that may be of one word.

    Attributes:
        spellings: The spellings, the commonest first; some are two words.
        counts: Occurrences of each.
    """

    spellings: tuple[str, ...]
    counts: tuple[int, ...]

    def line(self) -> str:
        """Return the line of a file of variants, as a comment."""
        counts = " ".join(map(str, self.counts))
        return f"# {' / '.join(self.spellings)}  # {counts}"


@functools.cache
def _read_classes() -> dict[str, str]:
    from hamzaban.config import load_mapping

    classes = load_mapping(TABLE)["classes"]
    return {letter: letters[0] for letters in classes for letter in letters}


def make_key(word: str) -> str:
    """Return what spellings of one word have in common.

    Marks, joiners, hyphens and case are left out, letters of one class are one letter,
    and a letter that stands twice in a row is one.

    Examples:
        >>> make_key("كتاب\\u200cها") == make_key("کتابها")
        True
        >>> make_key("Colour-ful") == make_key("colourful")
        True
    """
    classes = _read_classes()
    letters = [
        classes.get(char, char)
        for char in unicodedata.normalize("NFC", word.lower())
        if unicodedata.category(char)[0] in "LN"
    ]
    return "".join(letter for letter, _ in itertools.groupby(letters))


def find_spellings(texts: Iterable[str], min_count: int = 2) -> list[Group]:
    """Return groups of spellings in texts, those with most occurrences first.

    Args:
        texts: Transcripts or sentences.
        min_count: Least number of occurrences of a spelling.
    """
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for text in texts:
        tokens = text.split()
        words.update(tokens)
        pairs.update(map(" ".join, itertools.pairwise(tokens)))
    groups: dict[str, list[str]] = {}
    for word, count in words.items():
        key = make_key(word)
        if count >= min_count and len(key) >= MIN_LETTERS:
            groups.setdefault(key, []).append(word)
    for pair, count in pairs.items():
        key = make_key(pair) if count >= min_count else ""
        if key in groups:
            groups[key].append(pair)
    counts = words + pairs
    found = [_order(spellings, counts) for spellings in groups.values()]
    found = [group for group in found if len(group.spellings) > 1]
    return sorted(found, key=lambda group: (-sum(group.counts), group.spellings))


def _order(spellings: list[str], counts: Counter[str]) -> Group:
    ordered = sorted(spellings, key=lambda word: (-counts[word], word))
    return Group(tuple(ordered), tuple(counts[word] for word in ordered))


def format_groups(groups: Iterable[Group]) -> Iterator[str]:
    """Yield the lines of a file of variants in which nothing is accepted yet."""
    yield "# Remove the # before a group whose spellings are all right; the numbers are"
    yield "# their occurrences. Use it by: hamzaban score --variants FILE"
    for group in groups:
        yield group.line()
