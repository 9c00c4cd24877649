"""Pseudo-labels: the text that a decoder found, and metrics to judge it by."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.path import BLANK_ID, LogProbs, add_blank_score, greedy_path
from hamzaban.decode.result import Result
from hamzaban.fileio import atomic_text
from hamzaban.text.tokens import Tokenizer

MIN_CONFIDENCE = -1000.0  # score of a label without tokens
LM_ONLY_ERROR = 0.5  # a word with a higher error rate counts as found by the LM only


@dataclasses.dataclass(frozen=True)
class Label:
    """A pseudo-label. Scores are natural logarithms.

    Attributes:
        utt_id: The utterance.
        text: The text in the script of the target; empty if nothing was found.
        duration_s: Length of the utterance.
        num_frames: Number of frames, T.
        blank_rate: Share of frames whose most likely token is blank.
        score: Total score of the search: acoustic model, language model and words.
        confidence: Mean log-posterior of the frames of its path that are not blank.
        edits: Edits between its spelling and the greedy path, in characters of the
            source tokens without spaces.
        num_spelled: Characters of its spelling.
        num_greedy: Characters of the greedy path.
        lm_only: Number of words that the greedy path does not have at their place: it
            differs there by more than LM_ONLY_ERROR.
    """

    utt_id: str
    text: str = ""
    duration_s: float = 0.0
    num_frames: int = 0
    blank_rate: float = 1.0
    score: float = 0.0
    confidence: float = MIN_CONFIDENCE
    edits: int = 0
    num_spelled: int = 0
    num_greedy: int = 0
    lm_only: int = 0

    @property
    def words(self) -> list[str]:
        """The words of the text."""
        return self.text.split()

    @property
    def num_chars(self) -> int:
        """Number of characters of the text, without spaces."""
        return len(self.text) - self.text.count(" ")

    @property
    def disagreement(self) -> float:
        """Edits over the length of the longer decoding, 0..1; 0 if both are empty."""
        return self.edits / max(self.num_spelled, self.num_greedy, 1)


class Labeller:
    """Labels utterances by a beam search over words, compared with the greedy path."""

    def __init__(self, beam: BeamSearch, tokenizer: Tokenizer, shift_s: float) -> None:
        """Keep a search with a lexicon, and the time between two frames."""
        self._beam, self._tokenizer, self._shift_s = beam, tokenizer, shift_s

    def label(self, utt_id: str, log_probs: LogProbs) -> Label:
        """Decode one utterance; `log_probs` has shape (T, V), T may be 0."""
        num_frames = len(log_probs)
        found = self._beam.decode(log_probs)
        log_probs = add_blank_score(log_probs, self._beam.options.blank_score)
        greedy = np.array(greedy_path(log_probs), np.int64)  # (T,)
        base = Label(
            utt_id,
            duration_s=round(num_frames * self._shift_s, 4),
            num_frames=num_frames,
            blank_rate=float((greedy == BLANK_ID).mean()) if num_frames else 1.0,
            num_greedy=len(self._read(greedy)),
        )
        if not found or not found[0].words:
            return dataclasses.replace(base, edits=base.num_greedy)
        return self._judge(base, found[0], greedy)

    def _judge(self, base: Label, best: Result, greedy: np.ndarray) -> Label:
        from rapidfuzz.distance import Levenshtein

        path = np.array(best.path, np.int64)
        spelled, heard = self._read(path), self._read(greedy)
        lm_only, start = 0, 0
        for end in best.word_ends:
            own, other = (self._read(p[start : end + 1]) for p in (path, greedy))
            edits = Levenshtein.distance(own, other)
            lm_only += edits > LM_ONLY_ERROR * max(len(own), 1)
            start = end + 1
        return dataclasses.replace(
            base,
            text=best.text,
            score=round(best.total, 4),
            confidence=round(best.confidence, 4),
            edits=Levenshtein.distance(spelled, heard),
            num_spelled=len(spelled),
            lm_only=lm_only,
        )

    def _read(self, path: np.ndarray) -> str:
        """Return the text of a path without blanks, repeats and spaces."""
        if not len(path):
            return ""
        starts = np.ones(len(path), bool)
        starts[1:] = path[1:] != path[:-1]
        ids = path[starts & (path != BLANK_ID)]
        text = self._tokenizer.tokens2text(self._tokenizer.ids2tokens(ids.tolist()))
        return text.replace(" ", "")


def write_labels(labels: Iterable[Label], path: str | Path) -> None:
    """Write labels as JSON lines, in the order given."""
    with atomic_text(path) as f:
        for label in labels:
            f.write(json.dumps(vars(label), ensure_ascii=False) + "\n")


def read_labels(paths: Sequence[str | Path]) -> Iterator[Label]:
    """Read what `write_labels` wrote.

    Raises:
        ValueError: A line is not a label.
    """
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                try:
                    yield Label(**json.loads(line))
                except (ValueError, TypeError) as e:
                    raise ValueError(
                        f"{path}:{number}: not a label ({e}); remove the folder and "
                        "run `hamzaban pseudo-label` again"
                    ) from e
