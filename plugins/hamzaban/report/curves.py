"""The curves of a training as charts of the page and as a picture."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from hamzaban.fileio import atomic_path
from hamzaban.report.chart import MAX_COLOURS, Chart, Series
from hamzaban.report.epochs import Epochs

# Title, unit factor, lines (part, name), whether a decade or more asks for a
# logarithmic y axis.
TRAINING = (
    ("loss", 1.0, (("train", "loss"), ("valid", "loss")), True),
    ("learning rate", 1.0, (("train", "optim0_lr0"),), False),
    ("gradient norm before clipping", 1.0, (("train", "grad_norm"),), True),
)
PRETRAINING = (
    ("loss", 1.0, (("train", "loss"), ("valid", "loss")), True),
    ("contrastive accuracy, %", 100.0, (("train", "acc"), ("valid", "acc")), False),
    (
        "code perplexity",
        1.0,
        (("valid", "code_perplexity1"), ("valid", "code_perplexity2")),
        False,
    ),
)
RATES = (("WER on valid, %", "wer"), ("CER on valid, %", "cer"))

Plot = tuple[str, float, Sequence[tuple[str, str]], bool]


def make_rate_charts(runs: Mapping[str, Epochs]) -> list[Chart]:
    """Return a chart of WER and one of CER, with a line for each experiment.

    Args:
        runs: What train.log says, by the letter of the experiment.
    """
    charts = []
    for title, name in RATES:
        lines = [
            Series(
                label,
                {e: 100 * value for e, value in epochs.get("valid", name).items()},
                1 + number % MAX_COLOURS,
                number >= MAX_COLOURS,
            )
            for number, (label, epochs) in enumerate(runs.items())
        ]
        lines = [line for line in lines if line.points]
        if lines:
            charts.append(Chart(title, lines))
    return charts


def make_charts(epochs: Epochs, plots: Sequence[Plot]) -> list[Chart]:
    """Return the charts of one training, without those that have no numbers."""
    charts = []
    for title, factor, lines, logarithmic in plots:
        series = [
            Series(
                f"{part} {name}",
                {e: factor * value for e, value in epochs.get(part, name).items()},
                number,
            )
            for number, (part, name) in enumerate(lines, start=1)
        ]
        series = [line for line in series if line.points]
        if series:
            charts.append(
                Chart(title, series, logarithmic=logarithmic and _spans_decade(series))
            )
    return charts


def _spans_decade(series: Sequence[Series]) -> bool:
    values = [y for line in series for y in line.points.values() if isfinite(y)]
    return bool(values) and min(values) > 0 and max(values) >= 10 * min(values)


def write_picture(
    charts: Sequence[Chart], names: Mapping[str, str], path: Path
) -> None:
    """Write charts side by side as PNG.

    Args:
        charts: One or more.
        names: Names for the legend in place of those of the lines.
        path: The file to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(charts), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, chart in zip(
        figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True
    ):
        for line in chart.series:
            xs, ys = zip(*sorted(line.points.items()), strict=True)
            axes.plot(
                xs,
                ys,
                "--" if line.dashed else "-",
                label=names.get(line.name, line.name),
            )
        if chart.logarithmic:
            axes.set_yscale("log")
        axes.set_xlabel(chart.x_title)
        axes.set_ylabel(chart.title)
        axes.grid(alpha=0.3)
        if len(chart.series) > 1:
            axes.legend(fontsize=7)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
