"""Train models with KenLM's `lmplz`, pack them with `build_binary`, query them."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban.fileio import atomic_path
from hamzaban.lm.arpa import BOS, EOS, UNK, FloatArray

MAX_REASON = 200  # most characters shown of a message of KenLM
MAX_ORDER = 6  # limit that lmplz, build_binary and flashlight-text are built with
_BAD_DISCOUNT = "BadDiscountException"
_DISCOUNTS = re.compile(r"^Substituting fallback discounts for order (\d+)", re.M)


def train(
    text: str | Path, arpa: str | Path, order: int, *, prune: Sequence[int], memory: str
) -> None:
    """Train an n-gram model by modified Kneser-Ney smoothing.

    If the text is too small to estimate discounts, KenLM's fallback discounts (0.5, 1,
    1.5) are used for the orders that need them, and the log says so.

    Args:
        text: File of sentences, whose units are separated by spaces.
        arpa: The file to write.
        order: Longest n-gram, 1..6.
        prune: For each order, the count up to which n-grams are dropped; the counts do
            not fall.
        memory: Memory for sorting, such as `1G` or `20%`.

    Raises:
        ValueError: `lmplz` failed; the message quotes its last lines.
        FileNotFoundError: `lmplz` is not installed.
    """
    with atomic_path(arpa, sync=False) as temporary:
        command = [find_program("lmplz"), "-o", str(order), "-S", memory]
        command += ["-T", str(temporary.parent) + os.sep, "--text", str(text)]
        command += ["--arpa", str(temporary), "--prune", *map(str, prune)]
        done = _run(command)
        if done.returncode and _BAD_DISCOUNT in done.stderr:
            done = _run([*command, "--discount_fallback"])
            orders = [int(found) + 1 for found in _DISCOUNTS.findall(done.stderr)]
            logging.warning(
                "%s: too little text for Kneser-Ney discounts of order %s: KenLM's "
                "fallback discounts are used there",
                text,
                " and ".join(map(str, orders)),
            )
        if done.returncode:
            raise ValueError(f"{text}: lmplz failed: {_last_words(done.stderr)}")


def pack(arpa: str | Path, binary: str | Path, memory: str) -> None:
    """Write an ARPA file as KenLM's trie, which is mapped into memory when read.

    Raises:
        ValueError: `build_binary` failed.
        FileNotFoundError: `build_binary` is not installed.
    """
    with atomic_path(binary, sync=False) as temporary:
        words = ["-T", str(temporary), "-S", memory, "trie", str(arpa), str(temporary)]
        done = _run([find_program("build_binary"), *words])
        if done.returncode:
            raise ValueError(f"{arpa}: build_binary failed: {_last_words(done.stderr)}")


def find_program(name: str) -> str:
    """Return the path of a program, found beside this Python or on PATH.

    Raises:
        FileNotFoundError: The program is in neither.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise FileNotFoundError(
            f"{name}: not found beside {sys.executable} or on PATH; `make env` builds "
            "it from KenLM's source"
        )
    return found


@dataclasses.dataclass(frozen=True)
class Score:
    """The score of a text by a model.

    Attributes:
        sentences: Number of sentences.
        tokens: Number of words, or other units.
        oov: Number of tokens that the model does not know.
        log10: Log-probability to base 10 of the known tokens and of sentence ends.
    """

    sentences: int
    tokens: int
    oov: int
    log10: float

    @property
    def perplexity(self) -> float:
        """Return the perplexity of known tokens and sentence ends; NaN for no text."""
        count = self.sentences + self.tokens - self.oov
        return float(10 ** (-self.log10 / count)) if count else float("nan")


def load_binary(binary: str | Path, units: list[str]) -> Any:
    """Return flashlight-text's `KenLM` of a model that `pack` wrote.

    Args:
        binary: The model.
        units: Words or tokens; the index of each is its id in queries.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: KenLM cannot read it.
    """
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary

    if not Path(binary).is_file():
        raise FileNotFoundError(f"{binary}: no such model; run `hamzaban train-lm`")
    try:
        return KenLM(str(binary), Dictionary(units))
    except (RuntimeError, ValueError, MemoryError) as error:  # UnicodeDecodeError, too
        reason = _last_words(str(error))[:MAX_REASON]
        raise ValueError(
            f"{binary}: KenLM cannot read it ({reason}); train it again with "
            "`hamzaban train-lm`"
        ) from error


class Model:
    """A model in KenLM's binary form, for queries."""

    def __init__(self, binary: str | Path, words: Iterable[str]) -> None:
        """Map the model into memory.

        Args:
            binary: File that `pack` wrote.
            words: Vocabulary of the model.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: KenLM cannot read it.
        """
        self._ids = {word: i for i, word in enumerate(dict.fromkeys([*words, UNK]))}
        self._oov = self._ids[UNK]
        self._lm = load_binary(binary, list(self._ids))

    def score_units(self, lines: Iterable[str]) -> Iterator[tuple[str, float, bool]]:
        """Yield the log-probability of each unit and of each sentence end.

        Args:
            lines: Sentences, whose units are separated by spaces.

        Yields:
            The unit, its log-probability to base 10, and whether the model knows it.
        """
        lm, ids, oov = self._lm, self._ids, self._oov
        for line in lines:
            state = lm.start(False)
            for unit in line.split():
                index = ids.get(unit, oov)
                state, log10 = lm.score(state, index)
                yield unit, log10, index != oov
            yield EOS, lm.finish(state)[1], True

    def score(self, lines: Iterable[str]) -> Score:
        """Return the score of sentences, whose units are separated by spaces."""
        sentences = tokens = oov = 0
        total = 0.0
        for unit, log10, known in self.score_units(lines):
            sentences += unit == EOS
            tokens += unit != EOS
            oov += not known
            total += log10 if known else 0.0
        return Score(sentences, tokens, oov, total)


def choose_weight(one: FloatArray, two: FloatArray) -> float:
    """Return the weight of the first of two models by maximum likelihood (EM).

    Args:
        one: Probability of each unit of a text by the first model, shape (N,); 0 for a
            unit that it does not know.
        two: Probability of each unit by the second model.

    Returns:
        The weight, 0..1.

    Raises:
        ValueError: Neither model knows any unit.
    """
    seen = (one > 0) | (two > 0)
    if not seen.any():
        raise ValueError(
            "valid text: neither model knows any of its words; give text of the "
            "same language"
        )
    one, two, weight = one[seen], two[seen], 0.5
    for _ in range(200):
        share = weight * one / (weight * one + (1 - weight) * two)
        weight, before = float(np.clip(share.mean(), 1e-4, 1 - 1e-4)), weight
        if abs(weight - before) < 1e-6:
            break
    return weight


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        errors="replace", check=False,
    )  # fmt: skip


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip(" *-0123456789")]
    return " ".join(lines[-2:])


__all__ = ["BOS", "EOS", "UNK", "Model", "Score", "choose_weight", "pack", "train"]
