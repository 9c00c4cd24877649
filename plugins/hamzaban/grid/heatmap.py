"""The matrix of a grid as a picture: a colour for each error rate."""

import math
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_path
from hamzaban.grid.cells import FAILED, WAITING
from hamzaban.grid.report import describe_place
from hamzaban.grid.table import Table

CELL_IN = (1.0, 0.45)  # inches
DARK = 0.55  # above this point of the scale, text is white
FAILED_COLOUR, OTHER_COLOUR = "#f6c7c3", "#eeeeee"
DPI = 150


def draw_heatmap(table: Table, path: Path) -> None:
    """Draw the mean rates, the best row first; failed cells are red and hatched.

    Each column has its own scale of colours, on which the best rate is the lightest,
    because columns (languages, say) differ more than rows.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, columns = table.by_rank(), list(table.conditions)
    size = (2.2 + CELL_IN[0] * len(columns), 1.0 + CELL_IN[1] * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for x, condition in enumerate(columns):
        means = {name: table.mean(name, condition) for name in rows}
        known = [mean for mean in means.values() if not math.isnan(mean)]
        for y, name in enumerate(rows):
            shade = _shade(means[name], known)
            _draw_cell(axes, (x, y), table, (name, condition), shade)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{table.metric.upper()}, %", fontsize=10)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def _shade(mean: float, known: list[float]) -> float | None:
    """Return the position of a mean between best (0) and worst (1) of its column."""
    if math.isnan(mean):
        return None
    width = max(known) - min(known)
    return (mean - min(known)) / width if width else 0.0


def _draw_cell(
    axes: Any,
    place: tuple[int, int],
    table: Table,
    names: tuple[str, str],
    shade: float | None,
) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    cells = table.at(*names)
    has_failed = any(cell.state.name == FAILED for cell in cells)
    colour: Any = FAILED_COLOUR if has_failed else OTHER_COLOUR
    if shade is not None:
        colour = colormaps["YlGnBu"](0.05 + 0.9 * shade)
    corner = (place[0] - 0.5, place[1] - 0.5)
    edge, hatch = ("#c0392b", "///") if has_failed else ("white", None)
    patch = Rectangle(corner, 1, 1, facecolor=colour, edgecolor=edge, hatch=hatch)
    axes.add_patch(patch)
    text = describe_place(cells).replace(" (", "\n(")
    if all(cell.state.name == WAITING for cell in cells):
        text = "not run"
    white = shade is not None and shade > DARK
    box = {"facecolor": colour, "edgecolor": "none", "pad": 1.5} if has_failed else None
    axes.text(
        *place, text, ha="center", va="center", fontsize=7, bbox=box,
        color="white" if white else "black",
    )  # fmt: skip
