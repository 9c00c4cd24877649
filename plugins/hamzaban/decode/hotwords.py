"""Words that a search prefers, and the bonus that hypotheses with them get.

The bonus of a phrase is given in equal parts for each of its characters. As soon as a
hypothesis leaves the phrase, it loses what it got: a phrase counts as a whole or not at
all. Phrases are found by the automaton of Aho and Corasick (1975), character by
character, so that it does not matter into which tokens a phrase is divided.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections import deque
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from hamzaban.lm.text import read_plain
from hamzaban.text.tokens import SPACE, WORD_BOUNDARY, BpeTokenizer, Tokenizer

DEFAULT_WEIGHT = 2.0  # nats; docs/transcribe.md shows what others do
MAX_WEIGHT = 1000.0
MAX_SHOWN = 10
LETTERS, WORDS = "the letters of the model", "the words of the lexicon"
EDGE = " "  # start, end and space: what surrounds words
_UNMATCHED = "\ufffd"  # in no phrase


@dataclasses.dataclass(frozen=True)
class Hotword:
    """A word or phrase and its bonus.

    Attributes:
        words: The words of the phrase, at least one.
        weight: Added to the score of a hypothesis for each occurrence, in nats.
    """

    words: tuple[str, ...]
    weight: float = DEFAULT_WEIGHT


def add_hotwords(parser: argparse.ArgumentParser) -> None:
    """Add the option that names words to prefer."""
    parser.add_argument(
        "--hotwords",
        default="",
        metavar="WORDS",
        help="words and phrases to prefer: a file with one per line, or a list with "
        "commas; `Tabriz:8` sets a weight in nats (default: 2)",
    )


def read_hotwords(
    given: str, weight: float = DEFAULT_WEIGHT, *, option: str = "--hotwords"
) -> tuple[Hotword, ...]:
    """Return the hotwords of a file, one per line, or of a list with commas.

    A number after the last colon is the weight of a phrase: `Tabriz :8`.

    Args:
        given: Path of a file, or the list.
        weight: Weight of phrases without one.
        option: Name of the option, for messages.

    Raises:
        FileNotFoundError: What looks like a path names no file.
        ValueError: There is no phrase, or a weight is out of range.

    Examples:
        >>> [(h.words, h.weight) for h in read_hotwords("Tabriz:8, New York")]
        [(('Tabriz',), 8.0), (('New', 'York'), 2.0)]
    """
    path = Path(given)
    if "\n" not in given and len(given) < 1024 and path.is_file():
        places = enumerate(read_plain(path), 1)
        lines = [(f"{path}:{number}", line) for number, line in places]
    elif "/" in given and "," not in given:
        raise FileNotFoundError(
            f"{option} {given}: no such file, expected a file with a word or phrase "
            "per line, or a list such as 'Tabriz:8, New York'"
        )
    else:
        lines = [(option, part) for part in given.split(",")]
    found = {}
    for place, line in lines:
        if line.strip():
            phrase = _parse(line, weight, place)
            found[phrase.words] = phrase
    if not found:
        raise ValueError(
            f"{option} {given!r}: no word found, expected one per line of a file, or a "
            "list with commas"
        )
    return tuple(found.values())


def _parse(line: str, weight: float, place: str) -> Hotword:
    text, colon, number = line.rpartition(":")
    try:
        own = float(number) if colon else weight
    except ValueError:
        text, own = line, weight
    words = tuple((text if colon and text != line else line).split())
    if not words:
        raise ValueError(f"{place}: {line.strip()!r} has no word before the weight")
    if not 0 < own <= MAX_WEIGHT:
        raise ValueError(
            f"{place}: weight {own:g} of {' '.join(words)!r}, expected above 0 and at "
            f"most {MAX_WEIGHT:g}, in nats"
        )
    return Hotword(words, own)


def keep_known(
    hotwords: Sequence[Hotword], known: Container[str], place: str
) -> tuple[Hotword, ...]:
    """Return the phrases that a search can find; the log names the others.

    Args:
        hotwords: The phrases.
        known: The characters, or the words, that the search knows.
        place: What these are, for messages.

    Raises:
        ValueError: It can find none of them.
    """
    kept: list[Hotword] = []
    lost: list[Hotword] = []
    for hotword in hotwords:
        parts = hotword.words if place == WORDS else "".join(hotword.words)
        (kept if all(part in known for part in parts) else lost).append(hotword)
    shown = ", ".join(" ".join(h.words) for h in lost[:MAX_SHOWN])
    if not kept:
        raise ValueError(
            f"hotwords: none of {len(lost)} can be written with {place}, such as "
            f"{shown}; spell them as the model's training text does"
        )
    if lost:
        logging.warning(
            "%d of %d hotwords cannot be written with %s and are not used: %s",
            len(lost),
            len(hotwords),
            place,
            shown + (" ..." if len(lost) > MAX_SHOWN else ""),
        )
    return tuple(kept)


def spell_tokens(tokenizer: Tokenizer) -> list[str]:
    """Return what each token adds to a text; a space stands for the edge of words."""
    is_bpe = isinstance(tokenizer, BpeTokenizer)
    spelled = []
    for token in tokenizer.tokens:
        if token == SPACE:
            spelled.append(EDGE)
        elif len(token) > 1 and token.startswith("<") and token.endswith(">"):
            spelled.append(_UNMATCHED)
        else:
            spelled.append(token.replace(WORD_BOUNDARY, EDGE) if is_bpe else token)
    return spelled


@dataclasses.dataclass
class _Node:
    """A prefix of phrases.

    Attributes:
        last: Its last character.
        next: The longer prefixes, by their last character.
        back: Number of the longest other prefix that ends it.
        partial: Bonus while a phrase is incomplete.
        complete: Bonus of all phrases that end here.
    """

    last: str = ""
    next: dict[str, int] = dataclasses.field(default_factory=dict)
    back: int = 0
    partial: float = 0.0
    complete: float = 0.0


class PhraseTree:
    """Automaton that finds phrases in a text and counts their bonus.

    A state is the number of the longest prefix of a phrase that ends the text so far.

    Attributes:
        start: The state at the start of a text.
    """

    def __init__(self, hotwords: Iterable[Hotword]) -> None:
        """Build the automaton."""
        self._nodes = [_Node()]
        for hotword in hotwords:
            self._insert(hotword)
        self._link()
        self.start, _ = self.read(0, EDGE)

    def _insert(self, hotword: Hotword) -> None:
        text = EDGE + EDGE.join(hotword.words) + EDGE
        number, share = 0, hotword.weight / (len(text) - 1)
        for i, char in enumerate(text):
            node = self._nodes[number]
            if char not in node.next:
                node.next[char] = len(self._nodes)
                self._nodes.append(_Node(char))
            number = node.next[char]
            if i < len(text) - 1:
                reached = self._nodes[number]
                reached.partial = max(reached.partial, i * share)
        self._nodes[number].complete += hotword.weight

    def _link(self) -> None:
        """Find the other prefixes that end each prefix, the shortest first."""
        waiting = deque(self._nodes[0].next.values())
        while waiting:
            node = self._nodes[waiting.popleft()]
            for char, number in node.next.items():
                reached = self._nodes[number]
                reached.back = self._follow(node.back, char)
                behind = self._nodes[reached.back]
                reached.partial = max(reached.partial, behind.partial)
                reached.complete += behind.complete
                waiting.append(number)

    def _follow(self, number: int, char: str) -> int:
        while number and char not in self._nodes[number].next:
            number = self._nodes[number].back
        return self._nodes[number].next.get(char, 0)

    def read(self, state: int, text: str) -> tuple[int, float]:
        """Return the state after a text, and the bonus that it adds or takes."""
        gained = -self._nodes[state].partial
        for char in text:
            if char == EDGE and self._nodes[state].last == EDGE:
                continue  # several spaces are one
            state = self._follow(state, char)
            gained += self._nodes[state].complete
        return state, gained + self._nodes[state].partial

    def finish(self, state: int) -> float:
        """Return the bonus that the end of a text adds or takes."""
        state, gained = self.read(state, EDGE)
        return gained - self._nodes[state].partial

    def score(self, words: Iterable[str]) -> float:
        """Return the bonus of a whole text."""
        state, gained = self.read(self.start, EDGE.join(words))
        return gained + self.finish(state)
