"""Hypotheses, and the files they are written to, in ESPnet's layout."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hamzaban.decode.calibration import Calibration
from hamzaban.decode.path import (
    LogProbs,
    Word,
    collapse,
    extend_words,
    list_runs,
    path_confidence,
)
from hamzaban.fileio import atomic_text
from hamzaban.text.tokens import Tokenizer


@dataclasses.dataclass(frozen=True)
class Result:
    """One hypothesis of one utterance.

    Attributes:
        tokens: Tokens.
        token_int: Ids of the tokens.
        words: Words, with times.
        total: Score by which hypotheses are ranked.
        acoustic: Log-probability (natural log) by the acoustic model.
        lm: Log-probability (natural log) by the language model; 0 without one.
        confidence: Mean log-posterior of the frames that are not blank, at most 0.
        path: Token of each frame, blanks included, T of them; empty if the search has
            no path.
        word_ends: Frame that completes each word of a lexicon.
    """

    tokens: tuple[str, ...] = ()
    token_int: tuple[int, ...] = ()
    words: tuple[Word, ...] = ()
    total: float = 0.0
    acoustic: float = 0.0
    lm: float = 0.0
    confidence: float = float("-inf")
    path: tuple[int, ...] = ()
    word_ends: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(word.text for word in self.words)


def make_result(
    tokenizer: Tokenizer,
    log_probs: LogProbs,
    path: Sequence[int],
    words: Sequence[Word],
    scores: tuple[float, float, float],
    *,
    word_ends: Sequence[int] = (),
) -> Result:
    """Return the hypothesis of a path through the frames.

    Args:
        tokenizer: Tokenizer of the acoustic model.
        log_probs: Log-posteriors (natural log), shape (T, V).
        path: Token of each frame, blanks included.
        words: Words along the path, each up to its last spike.
        scores: Total, acoustic and language model score, in nats.
        word_ends: Frame that completes each word of a lexicon.
    """
    ids = collapse(path)
    tokens = tokenizer.ids2tokens(ids)
    text = " ".join(word.text for word in words)
    if tokenizer.tokens2text(tokens) != text:  # a repeated last piece was merged
        tokens = tokenizer.text2tokens(text)
        ids = tokenizer.tokens2ids(tokens)
    confidence = path_confidence(log_probs, path)
    words = extend_words(words, list_runs(log_probs, path), len(log_probs))
    spelled = (tuple(tokens), tuple(ids), tuple(words))
    return Result(*spelled, *scores, confidence, tuple(path), tuple(word_ends))


def write_results(
    results: Mapping[str, Sequence[Result]],
    output_dir: str | Path,
    frame_shift_s: float,
    calibration: Calibration | None = None,
) -> None:
    """Write the files of an inference directory, sorted by utterance; `text` last.

    `ctm` has lines `utt_id 1 start duration word confidence`, in seconds, with
    estimated ends of words (see `decode.path.extend_words`); `nbest` is
    JSON lines with rank, text and scores (natural logarithms) of every hypothesis.
    Scores and confidences have four decimals; the last ones depend on `batch_bins`,
    because the padding of a batch changes how sums are rounded.

    Args:
        results: Hypotheses of each utterance, the best first; an utterance without any
            gets an empty line.
        output_dir: Folder to write the files to.
        frame_shift_s: Time between two frames.
        calibration: Changes the confidences of words in `ctm`; None: they stay.
    """
    output_dir = Path(output_dir)
    calibration = calibration or Calibration()
    best = {utt_id: (found or [Result()])[0] for utt_id, found in results.items()}
    columns: dict[str, Callable[[Result], str]] = {
        "token": lambda found: " ".join(found.tokens),
        "token_int": lambda found: " ".join(map(str, found.token_int)),
        "score": lambda found: f"{found.total:.4f}",
        "confidence": lambda found: f"{found.confidence:.4f}",
    }
    for name, column in columns.items():
        with atomic_text(output_dir / name) as f:
            for utt_id in sorted(best):
                f.write(f"{utt_id} {column(best[utt_id])}".rstrip(" ") + "\n")
    with atomic_text(output_dir / "ctm") as f:
        for utt_id in sorted(best):
            words = [
                dataclasses.replace(word, confidence=calibration.apply(word.confidence))
                for word in best[utt_id].words
            ]
            f.writelines(_format_ctm(utt_id, words, frame_shift_s))
    with atomic_text(output_dir / "nbest") as f:
        for utt_id in sorted(results):
            f.writelines(_format_nbest(utt_id, results[utt_id]))
    with atomic_text(output_dir / "text") as f:
        for utt_id in sorted(best):
            f.write(f"{utt_id} {best[utt_id].text}".rstrip(" ") + "\n")


def _format_ctm(utt_id: str, words: Sequence[Word], shift_s: float) -> list[str]:
    return [
        f"{utt_id} 1 {word.start * shift_s:.2f} {(word.end - word.start) * shift_s:.2f}"
        f" {word.text} {word.confidence:.4f}\n"
        for word in words
    ]


def _format_nbest(utt_id: str, results: Sequence[Result]) -> list[str]:
    lines = []
    for rank, found in enumerate(results, 1):
        row = {
            "utt_id": utt_id,
            "rank": rank,
            "text": found.text,
            "total": _round(found.total),
            "acoustic": _round(found.acoustic),
            "lm": _round(found.lm),
            "words": len(found.words),
            "confidence": _round(found.confidence),
        }
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return lines


def _round(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
