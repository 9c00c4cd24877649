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


@dataclass(frozen=True)
class _Axis:
    """An axis: its ends and its ticks."""

    low: float
    high: float
    ticks: Sequence[float]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Return the share of the axis at which a value lies."""
        scale = math.log10 if self.logarithmic else float
        low, high = scale(self.low), scale(self.high)
        return (scale(value) - low) / (high - low)


def draw_chart(chart: Chart) -> str:
    """Return a chart as an SVG element.

    Raises:
        ValueError: It has no point.
    """
    lines = [(series, _finite(chart, series)) for series in chart.series]
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    if not xs:
        raise ValueError(f"chart '{chart.title}' has no point to draw")
    x_axis, y_axis = _make_x_axis(xs), _make_y_axis(ys, chart.logarithmic)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + x_axis.place(x) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - y_axis.place(y) * (HEIGHT - TOP - BOTTOM)

    parts = [_draw_y_tick(place(x_axis.low, t)[1], t) for t in y_axis.ticks]
    parts += [_draw_x_tick(place(t, y_axis.low)[0], t) for t in x_axis.ticks]
    for series, points in lines:
        parts.append(_draw_line(series, [place(x, y) for x, y in points]))
        for x, y in points:
            text = f"{series.name}, {chart.x_title} {x:g}: {y:.4g}"
            parts.append(_draw_point(series, place(x, y), text))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title)} by {escape(chart.x_title)}">'
        f"{''.join(parts)}"
        f'<text class="t" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" '
        f'text-anchor="middle">{escape(chart.x_title)}</text></svg>'
    )


def nice_ticks(low: float, high: float, least_step: float = 0.0) -> list[float]:
    """Return about five round numbers between `low` and `high`."""
    if high <= low:
        return [low]
    raw = max((high - low) / 5, least_step)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _make_x_axis(xs: Sequence[float]) -> _Axis:
    whole = all(float(x).is_integer() for x in xs)
    low, high = _widen(min(xs), max(xs))
    return _Axis(low, high, nice_ticks(min(xs), max(xs), 1.0 if whole else 0.0))


def _make_y_axis(ys: Sequence[float], logarithmic: bool) -> _Axis:
    low, high = min(ys), max(ys)
    if logarithmic:
        low, high = (low, high) if high > low else (low / 2, high * 2)
        return _Axis(low, high, _log_ticks(low, high), True)
    if 0 < low < high / 2:  # show zero unless that hides how the values differ
        low = 0.0
    low, high = _widen(low, high)
    return _Axis(low, high, nice_ticks(low, high))


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 3 else (1,)
    return [t for p in powers for s in steps if low <= (t := s * 10.0**p) <= high]


def _finite(chart: Chart, series: Series) -> list[tuple[float, float]]:
    return [
        (x, y)
        for x, y in sorted(series.points.items())
        if math.isfinite(y) and (y > 0 or not chart.logarithmic)
    ]


def _widen(low: float, high: float) -> tuple[float, float]:
    """Return a range that is not empty."""
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


def _draw_point(series: Series, place: tuple[float, float], text: str) -> str:
    return (
        f'<circle class="c{series.colour}" cx="{place[0]:.1f}" cy="{place[1]:.1f}" '
        f'r="2.5"><title>{escape(text)}</title></circle>'
    )


def _draw_line(series: Series, placed: Sequence[tuple[float, float]]) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    dashed = ' stroke-dasharray="5 3"' if series.dashed else ""
    return f'<polyline class="l c{series.colour}" points="{points}"{dashed}/>'
