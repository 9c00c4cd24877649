"""Convert an error rate to equivalent labelled hours, by a measured curve of both."""

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
    """The labelled hours that reach the same error rate.

    Attributes:
        wer: The error rate in percent.
        hours: Labelled hours with that rate; None if the rate is outside the curve.
        low: The measured amount of hours just below; None if there is none.
        high: The measured amount of hours just above; None if there is none.
    """

    wer: float
    hours: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Return the result as a line of text."""
        if self.low is None:
            return f"WER {self.wer:g} %: fewer than {self.high:g} labelled hours"
        if self.high is None:
            return f"WER {self.wer:g} %: more than {self.low:g} labelled hours"
        return (
            f"WER {self.wer:g} %: equals {self.hours:.3g} labelled hours "
            f"(between {self.low:g} and {self.high:g})"
        )


def read_curve(path: str | Path) -> dict[float, float]:
    """Read a table with columns `hours` and `wer`.

    Lines with equal hours are repeated runs, whose WER is averaged.

    Returns:
        The mean WER in percent by hours, in rising order of hours.

    Raises:
        FileNotFoundError: The table is missing.
        ValueError: A column or a number is missing, or all lines have the same hours.
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
                raise ValueError(
                    f"{path}:{number}: {hours:g} h and {wer:g} % found, expected hours "
                    "above 0 and a WER of 0 or more; correct the line"
                )
            runs[hours].append(wer)
    if len(runs) < 2:
        raise ValueError(
            f"{path}: {len(runs)} amounts of hours found, expected 2 or more; add lines"
        )
    return {hours: sum(runs[hours]) / len(runs[hours]) for hours in sorted(runs)}


def compute_hours(curve: Mapping[float, float], wer: float) -> EquivalentHours:
    """Interpolate the hours that belong to an error rate, on a logarithmic axis.

    Where a noisy curve crosses the rate several times, the result is halfway between
    the first and the last crossing on that axis, and `low` and `high` enclose all of
    them. Nothing is extrapolated.

    Args:
        curve: WER in percent by hours, in rising order; two points or more.
        wer: The error rate in percent.

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
    """Draw the curve with the converted error rates as a PNG."""
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
