"""The report as one HTML page."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hamzaban.report.chart import Chart
from hamzaban.report.lineage import Command
from hamzaban.report.results import Experiment, Row
from hamzaban.report.rounds import Rounds
from hamzaban.report.sets import SetStatistics
from hamzaban.report.worst import Utterance
from hamzaban.score.analysis import Analysis, format_bounds
from hamzaban.score.compare import Comparison
from hamzaban.score.compare_text import conclude, describe_method, format_p
from hamzaban.score.kinds import KINDS
from hamzaban.score.tokens import SPACE_SYMBOL

TEMPLATES = Path(__file__).parent / "templates"
PACKAGES = (
    *("espnet", "torch", "torchaudio", "s3prl", "numpy", "sentencepiece"),
    *("flashlight-text", "kenlm", "soundfile", "matplotlib"),
)


@dataclass(frozen=True)
class Detail:
    """A decoded set looked at closely.

    Attributes:
        row: Which set.
        analysis: Its errors.
        worst: Its utterances with most errors.
        direction: `rtl` or `ltr`, of its texts.
    """

    row: Row
    analysis: Analysis
    worst: Sequence[Utterance]
    direction: str


@dataclass(frozen=True)
class Sweep:
    """A table of a tuning run.

    Attributes:
        name: Where it was made.
        head: Names of the columns.
        rows: The cells.
        charts: Its picture.
    """

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    charts: Sequence[Chart] = ()


@dataclass(frozen=True)
class Page:
    """What stands on the page.

    Attributes:
        title: Name of the first experiment.
        experiments: All experiments, the first one in detail.
        rows: Their error rates.
        comparisons: How systems differ, by test set.
        rate_charts: WER and CER by epoch, all experiments.
        curves: Further charts by name of the training.
        sweeps: Tuning runs.
        rounds: Rounds of pseudo-labelling.
        details: Decoded sets of the first experiment.
        sets: Data statistics.
        commands: The commands that made the first experiment.
        environment: Lines of name and value.
        notes: What is missing, and why.
    """

    title: str
    experiments: Sequence[Experiment]
    rows: Sequence[Row]
    comparisons: Mapping[str, Comparison]
    rate_charts: Sequence[Chart] = ()
    curves: Mapping[str, Sequence[Chart]] = field(default_factory=dict)
    sweeps: Sequence[Sweep] = ()
    rounds: Sequence[Rounds] = ()
    details: Sequence[Detail] = ()
    sets: Sequence[SetStatistics] = ()
    commands: Sequence[Command] = ()
    environment: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()

    @property
    def kinds(self) -> list[str]:
        """Error rates but WER that some row has, in the order of KINDS."""
        found = {kind for row in self.rows for kind in row.rates} - {"wer"}
        return [kind for kind in KINDS if kind in found]


def render_page(page: Page) -> str:
    """Write the page: no script, nothing to load, light and dark."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=format_percent,
        bounds=format_bounds,
        clock=format_clock,
        p=format_p,
        conclude=conclude,
        method=describe_method,
        visible=show_invisible,
    )
    template = environment.get_template("report.html.j2")
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return template.render(page=page, style=style, bar=draw_interval)


def format_percent(share: float | None, digits: int = 1) -> str:
    """Write a share in per cent; a dash for None."""
    return "\N{EN DASH}" if share is None else f"{100 * share:.{digits}f}"


def show_invisible(token: str) -> str:
    """Return a token in a visible form.

    A token that shows nothing is named, and a mark stands on a dotted circle.
    """
    if token == SPACE_SYMBOL:
        return "space"
    categories = {unicodedata.category(char)[0] for char in token}
    if categories == {"M"}:
        return "\N{DOTTED CIRCLE}" + token
    if categories <= {"C", "Z"}:
        return " ".join(unicodedata.name(c, f"U+{ord(c):04X}").lower() for c in token)
    return token


def format_clock(seconds: float | None) -> str:
    """Write a duration as hours, minutes and seconds."""
    if seconds is None:
        return "\N{EN DASH}"
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return " ".join([*parts, f"{rest:.0f} s" if parts else f"{rest:.1f} s"])


def draw_interval(row: Row, rows: Sequence[Row]) -> dict[str, float]:
    """Place the WER of a row and its interval on a scale common to all rows.

    Returns:
        `low`, `width` and `mid` in per cent of the scale, which starts at 0.
    """
    shown = [row.rates["wer"] for row in rows]
    highest = max(
        [rate.interval[1] if rate.interval else rate.rate or 0.0 for rate in shown]
    )
    rate, scale = row.rates["wer"], 100 / (highest or 1.0)
    low, high = rate.interval or (rate.rate or 0.0, rate.rate or 0.0)
    return {
        "low": low * scale,
        "width": (high - low) * scale,
        "mid": (rate.rate or 0.0) * scale,
    }


def compute_direction(texts: Iterable[Sequence[str]]) -> str:
    """Return the direction that most letters of texts are written in."""
    chars: Counter[str] = Counter()
    for words in texts:
        for word in words:
            chars.update(word)
    sides: Counter[str] = Counter()
    for char, count in chars.items():
        sides[unicodedata.bidirectional(char)] += count
    return "rtl" if sides["R"] + sides["AL"] > sides["L"] else "ltr"


def list_versions(lines: Sequence[str]) -> list[tuple[str, str]]:
    """List versions of all that takes part.

    Args:
        lines: What `describe_environment` of the scores returns.
    """
    found: list[tuple[str, str]] = []
    for line in lines:
        name, _, value = line.strip(" -").partition(": ")
        found.append((name, value.strip("`")))
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found
