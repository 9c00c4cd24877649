"""Read and write ARPA files as arrays, and mix two models linearly."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hamzaban.fileio import atomic_text

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BOS, EOS, UNK = "<s>", "</s>", "<unk>"
CHUNK_LINES = 200_000
TINY = 1e-12  # smallest probability mass for backing off


@dataclasses.dataclass
class Level:
    """All n-grams of one order, sorted by `keys`.

    Attributes:
        prefix: Row of w1..w(n-1) in the next lower order, shape (N,); 0 for unigrams.
        word: Id of the last word, shape (N,).
        log10: Log-probability to base 10, shape (N,).
        backoff: Log10 of the backoff weight, shape (N,).
        keys: prefix * vocabulary size + word, shape (N,), in rising order.
    """

    prefix: IntArray
    word: IntArray
    log10: FloatArray
    backoff: FloatArray
    keys: IntArray

    def find(self, prefix: IntArray, word: IntArray, size: int) -> IntArray:
        """Return the rows of n-grams, or -1 for an n-gram that the model lacks."""
        return _find(self.keys, np.where(prefix < 0, -1, prefix * size + word))


@dataclasses.dataclass
class Arpa:
    """A back-off model.

    Attributes:
        words: The vocabulary; a word's index is its id.
        levels: The n-grams of each order, unigrams first.
    """

    words: list[str]
    levels: list[Level]


def read_arpa(path: str | Path) -> Arpa:
    """Read an ARPA file.

    Raises:
        ValueError: The file is not an ARPA file.
    """
    words: list[str] = []
    ids: dict[str, int] = {}
    levels: list[Level] = []
    with open(path, encoding="utf-8", newline="\n") as f:
        counts = _read_counts(f, path)
        for order, count in enumerate(counts, 1):
            if next(f, "").strip() != f"\\{order}-grams:":
                raise ValueError(f"{path}: no section \\{order}-grams:; is it cut off?")
            lines = itertools.takewhile(lambda line: line != "\n", f)
            log10, grams, backoff = _read_section(lines, count, path)
            if order == 1:
                words = list(grams)
                ids = {word: i for i, word in enumerate(words)}
            flat = (ids[word] for gram in grams for word in gram.split(" "))
            rows = np.fromiter(flat, np.int64, count * order).reshape(count, order)
            levels.append(_make_level(rows, log10, backoff, levels, len(words)))
    return Arpa(words, levels)


def write_arpa(model: Arpa, path: str | Path) -> None:
    """Write a model as an ARPA file."""
    with atomic_text(path) as f:
        f.write("\\data\\\n")
        for order, level in enumerate(model.levels, 1):
            f.write(f"ngram {order}={len(level.word)}\n")
        above: list[str] = []
        for order, level in enumerate(model.levels, 1):
            f.write(f"\n\\{order}-grams:\n")
            last = [model.words[i] for i in level.word]
            if order > 1:
                pairs = zip(level.prefix.tolist(), last, strict=True)
                last = [f"{above[i]} {word}" for i, word in pairs]
            is_top = order == len(model.levels)
            rows = zip(level.log10.tolist(), last, level.backoff.tolist(), strict=True)
            for log10, gram, backoff in rows:
                f.write(
                    f"{log10:.7g}\t{gram}\n"
                    if is_top
                    else f"{log10:.7g}\t{gram}\t{backoff:.7g}\n"
                )
            above = last
        f.write("\n\\end\\\n")


def mix(one: Arpa, two: Arpa, weight: float) -> Arpa:
    """Return the linear mixture of two models as one back-off model.

    It has every n-gram of either model, with probability `weight` * one + (1 - weight)
    * two, and back-off weights that make each distribution sum to 1. A word that a
    model does not know has probability 0 in it. The mixture has the higher order of
    the two.

    Args:
        one: First model.
        two: Second model.
        weight: Weight of the first model, 0..1.

    Raises:
        ValueError: A model lacks the end of one of its n-grams.
    """
    words = list(dict.fromkeys([*one.words, *two.words]))
    ids = {word: i for i, word in enumerate(words)}
    sides = [_Side(model, ids) for model in (one, two)]
    levels: list[Level] = []
    suffix = np.zeros(len(words), np.int64)
    below = np.zeros(0)
    for order in range(1, max(len(one.levels), len(two.levels)) + 1):
        keys = np.union1d(*(side.keys(order) for side in sides))
        prefix, word = keys // len(words), keys % len(words)
        if order == 2:
            suffix = word
        elif order > 2:
            suffix = levels[-1].find(suffix[prefix], word, len(words))
            _check_suffixes(suffix)
        shares = [side.extend(keys, prefix, suffix, order) for side in sides]
        probs = weight * shares[0] + (1 - weight) * shares[1]  # (N,)
        if order > 1:
            levels[-1].backoff[:] = _balance(probs, below[suffix], prefix, levels[-1])
        log10 = np.log10(np.maximum(probs, 1e-99))
        levels.append(Level(prefix, word, log10, np.zeros(len(keys)), keys))
        below = probs
    if BOS in ids:
        levels[0].log10[ids[BOS]] = -99.0
    return Arpa(words, levels)


class _Side:
    """One of the two models, addressed by the n-grams of the mixture."""

    def __init__(self, model: Arpa, ids: dict[str, int]) -> None:
        self._model = model
        self._ids = np.array([ids[word] for word in model.words])
        self._size = len(ids)
        self._to_union = np.zeros(1, np.int64)  # mixture's row of own rows, lower order
        self._rows = np.zeros(0, np.int64)  # own row of the mixture's rows; -1: none
        self._probs = np.zeros(0)

    def keys(self, order: int) -> IntArray:
        """Return the mixture's keys of this model's n-grams, in this model's order."""
        if order > len(self._model.levels):
            return np.zeros(0, np.int64)
        level = self._model.levels[order - 1]
        if order == 1:
            return self._ids[level.word]
        return self._to_union[level.prefix] * self._size + self._ids[level.word]

    def extend(
        self, keys: IntArray, prefix: IntArray, suffix: IntArray, order: int
    ) -> FloatArray:
        """Return this model's probability of each n-gram of an order of the mixture."""
        own = self.keys(order)
        rank = np.argsort(own, kind="stable")
        rows = _find(own[rank], keys)
        rows = np.where(rows < 0, -1, rank[rows] if len(rank) else -1)
        if order == 1:
            probs = np.zeros(len(keys))
        else:
            context = self._rows[prefix]  # (N,)
            backoff = np.ones(len(keys))
            known = context >= 0
            if known.any():
                above = self._model.levels[order - 2]
                backoff[known] = 10.0 ** above.backoff[context[known]]
            probs = backoff * self._probs[suffix]
        there = rows >= 0
        if there.any():
            probs[there] = 10.0 ** self._model.levels[order - 1].log10[rows[there]]
        bos = self._model.words.index(BOS) if BOS in self._model.words else None
        if order == 1 and bos is not None:
            probs[self._ids[bos]] = 0.0  # <s> is never predicted
        self._to_union = np.searchsorted(keys, own)
        self._rows, self._probs = rows, probs
        return probs


def _balance(
    probs: FloatArray, lower: FloatArray, prefix: IntArray, above: Level
) -> FloatArray:
    """Return the back-off weights, as log10, of the order below that of `probs`."""
    size = len(above.word)
    left = 1 - np.bincount(prefix, probs, size)
    lower_left = 1 - np.bincount(prefix, lower, size)
    has_children = np.bincount(prefix, minlength=size) > 0
    weights = np.maximum(left, TINY) / np.maximum(lower_left, TINY)
    return np.where(has_children, np.log10(weights), 0.0)


def _check_suffixes(suffix: IntArray) -> None:
    if (suffix < 0).any():
        raise ValueError(
            f"{int((suffix < 0).sum())} n-grams of an ARPA file lack their ends as "
            "n-grams of the order below; expected a model made by lmplz"
        )


def _find(keys: IntArray, wanted: IntArray) -> IntArray:
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[rows] == wanted, rows, -1)


def _read_counts(lines: Iterator[str], path: str | Path) -> list[int]:
    if next(lines, "").strip() != "\\data\\":
        raise ValueError(f"{path}: not an ARPA file: its first line is not \\data\\")
    rows = itertools.takewhile(lambda line: line != "\n", lines)
    return [int(row.strip().removeprefix("ngram ").partition("=")[2]) for row in rows]


def _read_section(
    lines: Iterator[str], count: int, path: str | Path
) -> tuple[FloatArray, list[str], FloatArray]:
    log10, grams, backoff = [], [], []
    for line in lines:
        first, gram, *rest = line.rstrip("\n").split("\t")
        log10.append(float(first))
        grams.append(gram)
        backoff.append(float(rest[0]) if rest else 0.0)
    if len(grams) != count:
        raise ValueError(
            f"{path}: {len(grams)} n-grams found, expected {count} as its head says"
        )
    return np.array(log10), grams, np.array(backoff)


def _make_level(
    rows: IntArray,
    log10: FloatArray,
    backoff: FloatArray,
    levels: list[Level],
    size: int,
) -> Level:
    prefix = np.zeros(len(rows), np.int64)
    for i, level in enumerate(levels):  # the first unigram's key is its id
        prefix = level.find(prefix, rows[:, i], size)
    if (prefix < 0).any():
        raise ValueError("an n-gram's beginning is not among those of the order below")
    keys = prefix * size + rows[:, -1]
    rank = np.argsort(keys, kind="stable")
    return Level(prefix[rank], rows[rank, -1], log10[rank], backoff[rank], keys[rank])
