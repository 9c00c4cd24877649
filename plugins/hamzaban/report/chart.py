"""Line charts as SVG whose colours follow the style sheet of the page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 34
MAX_COLOURS = 6


@dataclass(frozen=True)
class Series:
    """A line of a chart.

    Attributes:
        name: Name in the legend.
        points: y by x.
        colour: Number of the colour in the style sheet, from 1.
        dashed: Whether it is drawn dashed.
    """

    name: str
    points: Mapping[float, float]
    colour: int = 1
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: What the y axis shows, with its unit.
        series: The lines; values that are not finite are left out.
        x_title: What the x axis shows.
        logarithmic: Whether the y axis is.
    """

    title: str
    series: Sequence[Series]
    x_title: str = "epoch"
    logarithmic: bool = False

    @property
    def svg(self) -> str:
        """The chart as an SVG element."""
        return draw_chart(self)


def draw_chart(chart: Chart) -> str:
    """Draw a chart.

    Raises:
        ValueError: It has no point.
    """
    lines = [(series, _finite(chart, series)) for series in chart.series]
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    if not xs:
        raise ValueError(f"chart '{chart.title}' has no point to draw")
    y_ticks = (
        _log_ticks(min(ys), max(ys)) if chart.logarithmic else nice_ticks(*_span(ys))
    )
    x_ticks = [t for t in nice_ticks(*_span(xs)) if min(xs) <= t <= max(xs)]
    x_low, x_high = _widen(min(xs), max(xs))
    ends = [min(ys), max(ys), *y_ticks]
    scale = math.log10 if chart.logarithmic else float
    y_low, y_high = _widen(scale(min(ends)), scale(max(ends)))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low)
        up = (scale(y) - y_low) / (y_high - y_low)
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    parts = [_draw_y_tick(place(x_low, t)[1], t) for t in y_ticks]
    parts += [_draw_x_tick(place(t, y_ticks[0])[0], t) for t in x_ticks]
    for series, points in lines:
        placed = [place(x, y) for x, y in points]
        parts.append(_draw_line(series, placed))
        for (x, y), (across, up) in zip(points, placed, strict=True):
            text = f"{series.name}, {chart.x_title} {x:g}: {y:.4g}"
            parts.append(
                f'<circle class="c{series.colour}" cx="{across:.1f}" cy="{up:.1f}" '
                f'r="2.5"><title>{escape(text)}</title></circle>'
            )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title)} by {escape(chart.x_title)}">'
        f"{''.join(parts)}"
        f'<text class="t" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" '
        f'text-anchor="middle">{escape(chart.x_title)}</text></svg>'
    )


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Choose about `count` round numbers from `low` to `high`."""
    if high <= low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 3 else (1,)
    ticks = [s * 10.0**p for p in powers for s in steps]
    inside = [t for t in ticks if low <= t <= high]
    return inside or [low]


def _finite(chart: Chart, series: Series) -> list[tuple[float, float]]:
    return [
        (x, y)
        for x, y in sorted(series.points.items())
        if math.isfinite(y) and (y > 0 or not chart.logarithmic)
    ]


def _span(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _widen(low: float, high: float) -> tuple[float, float]:
    """Give a range that is not empty."""
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _number(value: float) -> str:
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return f"{value:g}"


def _draw_y_tick(up: float, value: float) -> str:
    return (
        f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up:.1f}" '
        f'y2="{up:.1f}"/><text class="t" x="{LEFT - 5}" y="{up + 3.5:.1f}" '
        f'text-anchor="end">{_number(value)}</text>'
    )


def _draw_x_tick(across: float, value: float) -> str:
    return (
        f'<text class="t" x="{across:.1f}" y="{HEIGHT - BOTTOM + 14}" '
        f'text-anchor="middle">{_number(value)}</text>'
    )


def _draw_line(series: Series, placed: Sequence[tuple[float, float]]) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    dashed = ' stroke-dasharray="5 3"' if series.dashed else ""
    return f'<polyline class="l c{series.colour}" points="{points}"{dashed}/>'
