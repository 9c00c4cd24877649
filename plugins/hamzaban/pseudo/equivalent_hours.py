"""How many labelled hours an error rate is worth: read off a curve of both."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from hamzaban.fileio import atomic_path


@dataclasses.dataclass(frozen=True)
class EquivalentHours:
    """What a rate is worth.

    Attributes:
        wer: The rate, in percent.
        hours: Labelled hours with the same rate; None outside of the curve.
        low: The last measured hours before; None: before the first.
        high: The first measured hours after; None: after the last.
    """

    wer: float
    hours: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Say it in words."""
        if self.low is None:
            return f"WER {self.wer:g} %: fewer than {self.high:g} labelled hours"
        if self.high is None:
            return f"WER {self.wer:g} %: more than {self.low:g} labelled hours"
        return (
            f"WER {self.wer:g} %: equals {self.hours:.3g} labelled hours "
            f"(between {self.low:g} and {self.high:g})"
        )


def read_curve(path: str | Path) -> dict[float, float]:
    """Read a table with columns `hours` and `wer`; several lines of the same are runs.

    Returns:
        The mean WER in percent, by hours, rising.

    Raises:
        FileNotFoundError: The table is missing.
        ValueError: A column, a number or a second amount of hours is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such table of labelled hours and WER")
    runs: dict[float, list[float]] = defaultdict(list)
    with open(path, encoding="utf-8", newline="") as f:
        for number, row in enumerate(csv.DictReader(f, delimiter="\t"), 2):
            try:
                hours, wer = (float(row[name]) for name in ("hours", "wer"))
            except (KeyError, TypeError, ValueError) as e:
                raise ValueError(
                    f"{path}:{number}: {row} found, expected numbers in columns "
                    "`hours` and `wer`, divided by tabs"
                ) from e
            if not (0 < hours < math.inf and 0 <= wer < math.inf):
                raise ValueError(f"{path}:{number}: {hours:g} h, {wer:g} % are no rate")
            runs[hours].append(wer)
    if len(runs) < 2:
        raise ValueError(f"{path}: {len(runs)} amount of hours found, expected two up")
    return {hours: sum(runs[hours]) / len(runs[hours]) for hours in sorted(runs)}


def compute_hours(curve: Mapping[float, float], wer: float) -> EquivalentHours:
    """Read off the hours of a rate: lines between points, hours on a logarithmic axis.

    Where a noisy curve has the rate several times, the middle of the first and the last
    (on that axis) counts, and the bracket holds them all. Nothing is extrapolated.

    Args:
        curve: WER in percent by hours, rising; two points or more.
        wer: In percent.

    Examples:
        >>> print(compute_hours({1: 60.0, 4: 30.0}, 45.0))
        WER 45 %: equals 2 labelled hours (between 1 and 4)
    """
    found = []
    for (low, before), (high, after) in itertools.pairwise(curve.items()):
        if min(before, after) <= wer <= max(before, after):
            part = (before - wer) / (before - after) if before != after else 0.5
            log_hours = math.log(low) + part * math.log(high / low)
            found.append((log_hours, low, high))
    if found:
        middle = math.exp((found[0][0] + found[-1][0]) / 2)
        return EquivalentHours(wer, middle, found[0][1], found[-1][2])
    if wer > max(curve.values()):
        return EquivalentHours(wer, None, None, min(curve))
    return EquivalentHours(wer, None, max(curve), None)


def draw_hours(
    curve: Mapping[float, float], found: Sequence[EquivalentHours], path: Path
) -> None:
    """Draw the curve and the rates read off it, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(list(curve), list(curve.values()), "o-", label="labelled")
    for item in found:
        axes.axhline(item.wer, color="grey", linestyle=":")
        if item.hours is not None:
            axes.plot(item.hours, item.wer, "s", label=f"{item.hours:.3g} h")
    axes.set(xscale="log", xlabel="labelled hours", ylabel="WER, %")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
