"""Compare the confidences of words with the share of them that is right.

A confidence is well calibrated if, of the words with confidence 0.8, 80 % are right.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hamzaban.decode.calibration import FLOOR, Calibration
from hamzaban.fileio import atomic_text
from hamzaban.score.align import align
from hamzaban.score.confidence import Judged
from hamzaban.score.ctm import read_ctm
from hamzaban.score.notation import Heard

NUM_BINS = 10
MIN_WORDS = 20  # fewer words say too little about two numbers
TEMPERATURES = (0.05, 20.0)
_HEAD = ("low", "high", "words", "confidence", "right")


@dataclass(frozen=True)
class Bin:
    """The words whose confidence lies between two limits.

    Attributes:
        low: Lower limit, included.
        high: Upper limit; included in the last bin only.
        num_words: Number of words.
        confidence: Their mean confidence, 0..1; 0 without words.
        right: Share of them that is right, 0..1; 0 without words.
    """

    low: float
    high: float
    num_words: int
    confidence: float
    right: float


@dataclass(frozen=True)
class Curve:
    """A calibration curve.

    Attributes:
        bins: `NUM_BINS` bins of equal width.
        num_words: Number of words with a confidence.
    """

    bins: Sequence[Bin]
    num_words: int

    @property
    def error(self) -> float:
        """Return the expected calibration error, 0..1.

        It is the mean over the words of the distance between confidence and share of
        right words of their bin (Naeini, Cooper, Hauskrecht, AAAI 2015, equation 3).
        """
        far = sum(b.num_words * abs(b.confidence - b.right) for b in self.bins)
        return far / max(1, self.num_words)


def measure_curve(words: Sequence[Judged]) -> Curve:
    """Return the calibration curve of words; those without confidence are left out."""
    confidences, right = _to_arrays(words)
    places = np.minimum((confidences * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    bins = []
    for b in range(NUM_BINS):
        chosen = places == b
        count = int(chosen.sum())
        means = [
            float(x[chosen].mean()) if count else 0.0 for x in (confidences, right)
        ]
        bins.append(Bin(b / NUM_BINS, (b + 1) / NUM_BINS, count, *means))
    return Curve(bins, len(confidences))


def fit_calibration(words: Sequence[Judged]) -> Calibration:
    """Return the temperature and the bias that make words likeliest.

    The targets are smoothed as in Platt scaling (Lin, Lin, Weng, "A note on Platt's
    probabilistic outputs", Machine Learning 68, 2007, equation 3), so that words which
    are all right have an optimum, too.

    Args:
        words: Whether each word of a validation set is right, and its confidence.

    Returns:
        The calibration; one that changes nothing if there are fewer than `MIN_WORDS`
        words with a confidence, which is logged.
    """
    confidences, right = _to_arrays(words)
    if len(confidences) < MIN_WORDS:
        logging.warning(
            "confidences stay as they are: %d words of the validation set have one, "
            "expected at least %d to fit a temperature; give a larger set",
            len(confidences),
            MIN_WORDS,
        )
        return Calibration(num_words=len(confidences))
    from scipy.optimize import minimize

    sure = np.clip(confidences, FLOOR, 1.0 - FLOOR)
    odds = np.log(sure / (1.0 - sure))  # (N,)
    count = right.sum()
    targets = np.where(
        right > 0, (count + 1) / (count + 2), 1 / (len(right) - count + 2)
    )

    def loss(point: NDArray[np.float64]) -> float:
        score = odds / math.exp(point[0]) + point[1]
        return float((np.logaddexp(0.0, score) - targets * score).mean())

    limits = [tuple(map(math.log, TEMPERATURES)), (-20.0, 20.0)]
    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=limits).x
    if math.exp(found[0]) > TEMPERATURES[1] * 0.99:
        logging.warning(
            "the confidences say nothing about which words are right; all of them "
            "become about %.2f",
            count / len(right),
        )
    return Calibration(
        round(math.exp(found[0]), 6), round(float(found[1]), 6), len(right)
    )


def apply_calibration(
    words: Sequence[Judged], calibration: Calibration
) -> list[Judged]:
    """Return words with their confidences calibrated."""
    return [
        (is_right, None if c is None else calibration.apply(c)) for is_right, c in words
    ]


def _to_arrays(
    words: Sequence[Judged],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return confidences, limited to 0..1, and whether words are right, shape (N,)."""
    known = [(c, is_right) for is_right, c in words if c is not None]
    table = np.array(known, dtype=np.float64).reshape(-1, 2)
    return table[:, 0].clip(0.0, 1.0), table[:, 1]


def read_heard(ctm: str | Path) -> dict[str, list[Heard]]:
    """Return the words of each utterance in a ctm whose recordings are utterances.

    Raises:
        ValueError: A line is malformed.
    """
    words = read_ctm(str(ctm), case_sensitive=True)
    return {
        utt_id: [w.token for w in group if isinstance(w.token, Heard)]
        for utt_id, group in groupby(words, key=lambda word: word.recording[0])
    }


def judge_words(
    refs: Mapping[str, Sequence[str]], heard: Mapping[str, Sequence[Heard]]
) -> list[Judged]:
    """Return whether each word of utterances is right, and its confidence.

    Args:
        refs: Reference words by utterance id.
        heard: Recognized words by utterance id; all of these have a reference.
    """
    steps = align([refs[utt_id] for utt_id in heard], list(heard.values()))
    return [
        word
        for step, words in zip(steps, heard.values(), strict=True)
        for word in pair_steps(step, [word.confidence for word in words])
    ]


def pair_steps(step: bytes, confidences: Sequence[float | None]) -> Iterator[Judged]:
    """Yield for each word of a hypothesis whether it is right, and its confidence.

    Args:
        step: The alignment, as `align` returns it.
        confidences: One for each word of the hypothesis.
    """
    letters = (letter for letter in step if letter != ord("D"))
    for letter, confidence in zip(letters, confidences, strict=True):
        yield letter == ord("C"), confidence


def write_curve(curve: Curve, path: str | Path) -> None:
    """Write the bins of a curve as a table of tab-separated values."""
    with atomic_text(path) as stream:
        stream.write("\t".join(_HEAD) + "\n")
        for b in curve.bins:
            row = [f"{b.low:.1f}", f"{b.high:.1f}", str(b.num_words)]
            row += (
                [f"{b.confidence:.4f}", f"{b.right:.4f}"] if b.num_words else ["", ""]
            )
            stream.write("\t".join(row) + "\n")


def describe_curve(curve: Curve) -> str:
    """Return the expected calibration error as text."""
    return f"ECE {100 * curve.error:.2f} % of {curve.num_words} words"
