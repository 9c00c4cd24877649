"""Read the times of rounds from their logs, and plot the metrics of all rounds."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hamzaban.fileio import atomic_path

PICTURE = "rounds.png"
LOGS = {"train_s": "model/train.log", "emissions_s": "emissions.log"}
PANELS: dict[str, tuple[str, ...]] = {
    "errors, %": ("wer", "cer"),
    "LM against none": ("disagreement", "lm_only_share"),
    "silence": ("empty_rate", "blank_rate"),
    "words": ("type_token_ratio", "vocabulary_coverage", "top_word_share", "churn"),
    "kept, share": ("kept_share",),
    "time, s": ("train_s", "emissions_s", "label_s"),
}
_ENDED = re.compile(r"^# \S+ ended with status 0 after ([\d.]+) s$", re.MULTILINE)


def read_times(folder: Path) -> dict[str, float | None]:
    """Read how long a round's jobs took.

    Args:
        folder: The folder of the round.

    Returns:
        `train_s` and `emissions_s` in seconds. For a job that was killed and run again
        it is the time of the last run; None if there was no such job.
    """
    times: dict[str, float | None] = {}
    for name, log in LOGS.items():
        path, found = folder / log, []
        if path.is_file():
            found = _ENDED.findall(path.read_text(encoding="utf-8", errors="replace"))
        times[name] = float(found[-1]) if found else None
    return times


def draw_rounds(table: Path, picture: Path, best: int | None) -> None:
    """Plot the metrics of all rounds; leave out panels without any value.

    Args:
        table: rounds.tsv.
        picture: The PNG to write.
        best: The round to mark, if any.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with open(table, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    panels = {
        title: lines
        for title, names in PANELS.items()
        if (lines := {name: xy for name in names if (xy := _read_line(rows, name))})
    }
    columns = -(-len(panels) // 2)
    figure = Figure(figsize=(4.2 * columns, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(2, columns, squeeze=False).flat)
    for place, (title, lines) in zip(axes, panels.items(), strict=False):
        for name, points in lines.items():
            place.plot(list(points), list(points.values()), "o-", label=name)
        if best is not None:
            place.axvline(best, color="grey", linestyle=":", label="best round")
        place.set(title=title, xlabel="round", xticks=range(len(rows)))
        place.set_ylim(bottom=0)
        place.grid(alpha=0.3)
        place.legend(fontsize=7)
    for place in axes[len(panels) :]:
        place.set_axis_off()
    with atomic_path(picture) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _read_line(rows: Sequence[Mapping[str, str]], name: str) -> dict[int, float]:
    cells = {int(row["round"]): row.get(name, "-") for row in rows}
    return {number: float(cell) for number, cell in cells.items() if cell != "-"}
