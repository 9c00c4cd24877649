"""Find sentences of held-out sets, and near duplicates of them, in a large text.

Sentences are compared without spaces, punctuation, vowel signs, joiners and case. A
near duplicate differs in at most one of ten characters (edit distance over the longer
length). All near duplicates are found: if k characters of a sentence change, one of any
k + 1 of its pieces stays whole and moves by at most k characters (the pigeonhole
principle; Li et al. 2011, Pass-Join, arXiv 1111.7171, section 4). The rarest k + 1
pieces of 6 to 9 characters are therefore looked up in every line, and the edit distance
of the candidates is computed. Sentences of under 12 characters have no near duplicates.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

MAX_SHARE = 0.1  # most edits of near duplicates, per character of the longer sentence
PIECES = (6, 9)  # least and most characters of a piece; shorter ones are too common
MIN_NEAR = 2 * PIECES[0]  # shortest sentence, in characters, with near duplicates
CHUNK_LINES = 20_000
MAX_PAIRS = 2_000_000  # largest number of candidates held at once
_BITS = 22
_BASE = np.uint64(0x9E3779B97F4A7C15)
_SEPARATOR = "\n"

Array = NDArray[np.int64]
Codes = NDArray[np.uint64]


class _Folding(dict[int, str | None]):
    """A lazy map from each character to the form in which it is compared."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        folded = unicodedata.normalize("NFKD", char).casefold()
        kept = "".join(c for c in folded if unicodedata.category(c)[0] in "LNS")
        digits = (str(unicodedata.decimal(c, c)) for c in kept)
        self[code] = "".join(digits) or None
        return self[code]


_folding = _Folding()


def squash(line: str) -> str:
    """Return the folded letters, digits and symbols of a sentence, for comparison."""
    return line.translate(_folding)


def max_edits(length: int) -> int:
    """Return the most edits of a near duplicate, given the longer of two lengths."""
    return int(length * MAX_SHARE + 1e-9)


@dataclasses.dataclass(frozen=True)
class Match:
    """A line that equals, or nearly equals, a held-out sentence.

    Attributes:
        line: Number of the line, from 1.
        sentence: Index of the sentence among those that were indexed.
        distance: Number of edits between the two, 0 if they are equal.
    """

    line: int
    sentence: int
    distance: int


class Index:
    """An index of held-out sentences."""

    def __init__(self, sentences: Sequence[str]) -> None:
        """Index sentences; the first of equal sentences stands for all.

        Args:
            sentences: Normalized sentences; those without a letter are left out.
        """
        self._sentences: dict[str, int] = {}
        for i, sentence in enumerate(sentences):
            squashed = squash(sentence)
            if squashed:
                self._sentences.setdefault(squashed, i)
        self._texts = list(self._sentences)
        long = [i for i, text in enumerate(self._texts) if len(text) >= MIN_NEAR]
        pieces = _choose_pieces([self._texts[i] for i in long])
        codes = [_hash_piece(piece) for _, _, piece in pieces]
        rank = np.argsort(np.array(codes, np.uint64), kind="stable")
        self._codes = np.array(codes, np.uint64)[rank]  # (P,), in rising order
        texts = [long[i] for i, _, _ in pieces]
        self._piece_text = np.array(texts, np.int64)[rank]  # (P,)
        self._piece_start = np.array([s for _, s, _ in pieces], np.int64)[rank]  # (P,)
        self._lengths = np.array([len(text) for text in self._texts], np.int64)
        self._seen = np.zeros(1 << _BITS, bool)
        self._seen[_slot(self._codes)] = True

    def search(self, lines: Iterable[str]) -> Iterator[Match]:
        """Search lines for the sentences, in memory that does not grow with the lines.

        Args:
            lines: Normalized lines.

        Yields:
            The best match of each line that has one, in the order of the lines.
        """
        source, first = iter(lines), 1
        while chunk := list(itertools.islice(source, CHUNK_LINES)):
            texts = [squash(line) for line in chunk]
            exact = {
                i: Match(first + i, self._sentences[text], 0)
                for i, text in enumerate(texts)
                if text in self._sentences
            }
            near = self._search_near(texts, first) if len(self._codes) else {}
            found = near | exact
            yield from (found[i] for i in sorted(found))
            first += len(chunk)

    def _search_near(self, texts: list[str], first: int) -> dict[int, Match]:
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import cpdist

        best: dict[int, Match] = {}
        for lines, sentences, limits in self._candidates(texts):
            distances = cpdist(
                [texts[i] for i in lines],
                [self._texts[i] for i in sentences],
                scorer=Levenshtein.distance,
                score_cutoff=int(limits.max(initial=0)),
            )
            for i in np.flatnonzero(distances <= limits):
                line, distance = int(lines[i]), int(distances[i])
                if line not in best or distance < best[line].distance:
                    original = self._sentences[self._texts[sentences[i]]]
                    best[line] = Match(first + line, original, distance)
        return best

    def _candidates(self, texts: list[str]) -> Iterator[tuple[Array, Array, Array]]:
        """Yield lines, sentences that may be near duplicates, and the edits allowed."""
        lengths = np.array([len(text) for text in texts], np.int64)
        starts = np.cumsum(lengths + 1) - lengths - 1
        runs = _hash_runs(_SEPARATOR.join(texts) + _SEPARATOR)
        for place, row in itertools.chain.from_iterable(map(self._look_up, runs)):
            line = np.searchsorted(starts, place, "right") - 1
            sentence = self._piece_text[row]
            one, two = lengths[line], self._lengths[sentence]
            edits = _max_edits(np.maximum(one, two))
            shift = place - starts[line] - self._piece_start[row]
            near = (np.abs(shift) <= edits) & (np.abs(one - two) <= edits)
            pairs = np.unique(line[near] * len(self._texts) + sentence[near])
            line, sentence = np.divmod(pairs, len(self._texts))
            limits = _max_edits(np.maximum(lengths[line], self._lengths[sentence]))
            yield line, sentence, limits

    def _look_up(self, codes: Codes) -> Iterator[tuple[Array, Array]]:
        """Yield positions in the text and the rows of the pieces found there."""
        places = np.flatnonzero(self._seen[_slot(codes)])
        left = np.searchsorted(self._codes, codes[places], "left")
        count = np.searchsorted(self._codes, codes[places], "right") - left
        total = np.cumsum(count)
        size = int(total[-1]) if len(total) else 0
        bounds = np.searchsorted(total, np.arange(0, size, MAX_PAIRS)).tolist()
        for low, high in itertools.pairwise([*bounds, len(count)]):
            part = count[low:high]
            step = np.arange(part.sum()) - np.repeat(np.cumsum(part) - part, part)
            row = np.repeat(left[low:high], part) + step
            yield np.repeat(places[low:high], part), row


def _choose_pieces(texts: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (sentence, start, piece) of the rarest pieces that must be looked up."""
    needed = [max_edits(int(len(text) / (1 - MAX_SHARE))) + 1 for text in texts]
    split = []
    for text, number in zip(texts, needed, strict=True):
        size = min(len(text) // number, PIECES[-1])
        starts = range(0, len(text) - size + 1, size)
        split.append([(start, text[start : start + size]) for start in starts])
    counts = collections.Counter(piece for found in split for _, piece in found)
    chosen = []
    for i, (found, number) in enumerate(zip(split, needed, strict=True)):
        found.sort(key=lambda pair: (counts[pair[1]], pair[0]))
        chosen += [(i, start, piece) for start, piece in found[:number]]
    return chosen


def _max_edits(lengths: Array) -> Array:
    return (lengths * MAX_SHARE + 1e-9).astype(np.int64)


def _hash_runs(text: str) -> Iterator[Codes]:
    """Yield the hashes of all runs of each length from PIECES[0] to PIECES[-1]."""
    chars = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    codes = np.zeros(len(chars) + 1, np.uint64)
    for size in range(1, PIECES[-1] + 1):
        codes = codes[: max(len(chars) - size + 1, 0)] * _BASE
        codes += chars[size - 1 :]
        if size >= PIECES[0]:
            yield codes ^ np.uint64(size)


def _hash_piece(piece: str) -> int:
    *_, codes = itertools.islice(_hash_runs(piece), len(piece) - PIECES[0] + 1)
    return int(codes[0])


def _slot(codes: Codes) -> Codes:
    return (codes * _BASE) >> np.uint64(64 - _BITS)
