"""Measure how evenly speakers and sentences contribute to a data directory."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hamzaban.validate.lines import read_blocks

MIN_UTTS = 100  # fewer say little about the corpus
MAX_GINI = 0.9
MAX_REUSE = 0.1
NUM_TOP = 10  # sentences that count as the most repeated


@dataclass(frozen=True)
class Balance:
    """The balance of a data directory.

    Attributes:
        num_utts: Number of utterances.
        num_speakers: Number of speakers.
        gini: Gini coefficient of the utterances per speaker: 0 if all have equally
            many, near 1 if one has almost all.
        top_speaker: Share of utterances of the speaker who has most, 0..1.
        num_sentences: Number of different sentences; 0 without transcripts.
        reuse: Share of utterances, 0..1, with one of the `NUM_TOP` sentences that are
            repeated most; 0 if none is repeated.
    """

    num_utts: int
    num_speakers: int
    gini: float
    top_speaker: float
    num_sentences: int
    reuse: float

    def line(self) -> str:
        """Return the numbers as text."""
        text = (
            f"{self.num_speakers} speakers, Gini {self.gini:.2f} of their utterances, "
            f"the most active has {100 * self.top_speaker:.1f} %"
        )
        if self.num_sentences:
            text += (
                f"; {self.num_sentences} different sentences, the {NUM_TOP} most "
                f"repeated have {100 * self.reuse:.1f} % of the utterances"
            )
        return text

    def warnings(self) -> Iterator[str]:
        """Yield a line for each number above its limit, with the remedy."""
        if self.num_utts < MIN_UTTS:
            return
        if self.num_speakers > 1 and self.gini > MAX_GINI:
            yield (
                f"few speakers have most utterances: Gini {self.gini:.2f}, above "
                f"{MAX_GINI}; results on other speakers will be worse, so limit the "
                "utterances of a speaker or add speakers"
            )
        if self.reuse > MAX_REUSE:
            yield (
                f"the {NUM_TOP} most repeated sentences have {100 * self.reuse:.1f} % "
                f"of the utterances, above {100 * MAX_REUSE:.0f} %; the model will "
                "learn these by heart, so limit how often a sentence is used"
            )


def measure_balance(data_dir: str | Path) -> Balance | None:
    """Return the balance of a data directory; None without utt2spk or utterances."""
    path = Path(data_dir) / "utt2spk"
    if not path.is_file():
        return None
    speakers = Counter(_read_values(path))
    counts = np.array(sorted(speakers.values()), dtype=np.float64)
    if not len(counts):
        return None
    sentences = _count_sentences(Path(data_dir) / "text")
    total = int(counts.sum())
    top = sentences[sentences > 1][:NUM_TOP].sum()
    return Balance(
        total,
        len(counts),
        compute_gini(counts),
        float(counts[-1]) / total,
        len(sentences),
        float(top) / max(1, int(sentences.sum())),
    )


def compute_gini(counts: NDArray[np.float64]) -> float:
    """Return the Gini coefficient of counts, which rise and are not all 0.

    Examples:
        >>> compute_gini(np.array([1.0, 1.0, 1.0]))
        0.0
        >>> compute_gini(np.array([0.0, 0.0, 0.0, 8.0]))
        0.75
    """
    size = len(counts)
    ranks = np.arange(1, size + 1)
    return float(((2 * ranks - size - 1) * counts).sum() / (size * counts.sum()))


def _read_values(path: Path) -> Iterator[bytes]:
    """Yield what follows the id on each line, with single blanks."""
    for _, lines in read_blocks(path):
        for line in lines:
            words = line.split()
            if words:
                yield b" ".join(words[1:])


def _count_sentences(path: Path) -> NDArray[np.int64]:
    """Return how often each sentence occurs, most first; only digests are in memory."""
    digests = array("q")
    for sentence in _read_values(path) if path.is_file() else ():
        digest = hashlib.blake2b(sentence, digest_size=8).digest()
        digests.append(int.from_bytes(digest, "little", signed=True))
    _, counts = np.unique(np.array(digests, dtype=np.int64), return_counts=True)
    return np.sort(counts)[::-1]
