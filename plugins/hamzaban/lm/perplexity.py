"""Report the perplexities of language models."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from hamzaban.fileio import atomic_text
from hamzaban.lm import kenlm

COLUMNS = (
    *("unit", "model", "ngrams", "set", "sentences", "tokens", "oov"),
    *("oov_percent", "perplexity"),
)


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the report: the score of a text by a model."""

    unit: str
    model: str
    ngrams: str
    set: str
    score: kenlm.Score


def log_row(row: Row) -> None:
    """Log a line of the report."""
    logging.info(
        "%s, %s (%s n-grams), %s: perplexity %.2f, OOV %d of %d (%.2f %%)",
        row.unit,
        row.model,
        row.ngrams,
        row.set,
        row.score.perplexity,
        row.score.oov,
        row.score.tokens,
        100 * row.score.oov / max(row.score.tokens, 1),
    )


def write_report(rows: list[Row], path: Path) -> None:
    """Write `report.tsv`."""
    with atomic_text(path) as f:
        f.write("\t".join(COLUMNS) + "\n")
        for row in rows:
            score, share = row.score, 100 * row.score.oov / max(row.score.tokens, 1)
            values = [row.unit, row.model, row.ngrams, row.set, score.sentences]
            values += [score.tokens, score.oov]
            values += [f"{share:.2f}", f"{score.perplexity:.2f}"]
            f.write("\t".join(map(str, values)) + "\n")
