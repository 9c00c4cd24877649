"""What decoding finds, and the files it is written to, in ESPnet's layout."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hamzaban.decode.path import Word
from hamzaban.fileio import atomic_text

NAMES = ("text", "token", "token_int", "score", "confidence", "ctm", "nbest")


@dataclasses.dataclass(frozen=True)
class Result:
    """One hypothesis of one utterance.

    Attributes:
        tokens: Its tokens.
        token_int: Their ids.
        words: Its words, with times.
        total: The score it was ranked by.
        acoustic: Log-probability (natural log) that the acoustic model gives it.
        lm: That of the language model; 0 without one.
        confidence: Mean log-posterior of its frames that are not blank, at most 0.
    """

    tokens: tuple[str, ...] = ()
    token_int: tuple[int, ...] = ()
    words: tuple[Word, ...] = ()
    total: float = 0.0
    acoustic: float = 0.0
    lm: float = 0.0
    confidence: float = float("-inf")

    @property
    def text(self) -> str:
        """The words, divided by spaces."""
        return " ".join(word.text for word in self.words)


def write_nbest(
    results: Mapping[str, Sequence[Result]],
    output_dir: str | Path,
    frame_shift_s: float,
) -> None:
    """Write the files of an inference directory, sorted by utterance; `text` last.

    `ctm` has lines `utt_id 1 start duration word confidence`, in seconds; `nbest` is
    JSON lines with rank, text and scores (natural logarithms) of every hypothesis.

    Args:
        results: The hypotheses of each utterance, the best first; none for an empty
            one, which gets its line as well.
        output_dir: Where the files go.
        frame_shift_s: Time between two frames.
    """
    output_dir = Path(output_dir)
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
            f.writelines(_format_ctm(utt_id, best[utt_id].words, frame_shift_s))
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
