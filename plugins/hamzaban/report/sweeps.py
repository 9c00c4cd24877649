"""The sweeps over decoding weights that tune-decoder made."""

import csv
from collections.abc import Sequence
from pathlib import Path

from hamzaban.report.chart import MAX_COLOURS, Chart, Series
from hamzaban.report.page import Sweep

TABLE = "tune.tsv"
GREEDY = "greedy"  # search of the row that a sweep is compared with
_NEEDED = ("lm_weight", "word_score", "beam_size", "wer")


def read_sweeps(exp: Path) -> list[Sweep]:
    """Read every tune.tsv below an experiment.

    Raises:
        ValueError: A table lacks a column, or a cell is no number.
    """
    return [_read_sweep(path, exp) for path in sorted(exp.glob(f"**/{TABLE}"))]


def _read_sweep(path: Path, exp: Path) -> Sweep:
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    head = list(rows[0]) if rows else []
    if not rows or any(name not in head for name in _NEEDED):
        raise ValueError(
            f"{path}: columns are {', '.join(head) or 'missing'}, expected at least "
            f"{', '.join(_NEEDED)}; make it with tune-decoder"
        )
    try:
        points = [
            {name: float(row[name]) for name in _NEEDED}
            for row in rows
            if row.get("search") != GREEDY
        ]
        if not points:
            raise ValueError("no row of a search")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}; make it anew with tune-decoder") from error
    best = min(points, key=lambda point: point["wer"])
    name = (
        f"{path.parent.relative_to(exp).as_posix()}: lowest WER {best['wer']:g} % at "
        f"LM weight {best['lm_weight']:g}, word score {best['word_score']:g}, "
        f"beam {best['beam_size']:g}"
    )
    cells = [[row[column] or "" for column in head] for row in rows]
    return Sweep(name, head, cells, _make_charts(points))


def _make_charts(points: Sequence[dict[str, float]]) -> list[Chart]:
    """Draw WER over the LM weight: a chart a beam, a line a word score."""
    charts = []
    for beam in sorted({point["beam_size"] for point in points}):
        chosen = [point for point in points if point["beam_size"] == beam]
        scores = sorted({point["word_score"] for point in chosen})
        lines = [
            Series(
                f"word score {score:g}",
                {p["lm_weight"]: p["wer"] for p in chosen if p["word_score"] == score},
                1 + number % MAX_COLOURS,
                number >= MAX_COLOURS,
            )
            for number, score in enumerate(scores)
        ]
        charts.append(Chart(f"WER on valid, %, beam {beam:g}", lines, "LM weight"))
    return charts
