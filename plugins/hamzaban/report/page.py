"""The report as one HTML page."""

import base64
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hamzaban.report.chart import Chart
from hamzaban.report.lineage import Command
from hamzaban.report.parts import Parts, encode_json
from hamzaban.report.results import Experiment, Row
from hamzaban.report.rounds import Rounds
from hamzaban.report.rows import AUDIO_SHARD, SHARD
from hamzaban.report.sets import SetStatistics
from hamzaban.report.vocabulary import Vocabulary
from hamzaban.score.analysis import Analysis, format_bounds
from hamzaban.score.compare import Comparison
from hamzaban.score.compare_text import conclude, describe_method, format_p
from hamzaban.score.kinds import KINDS
from hamzaban.score.tokens import SPACE_SYMBOL
from hamzaban.score.word_scripts import count_characters

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("data", "text", "sound", "table", "vocabulary", "report")
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
        direction: `rtl` or `ltr`, of its texts.
        key: Key of its parts of the data.
        sound_key: Key of the parts of its recordings; empty without audio.
        vocabulary: Counts of its words.
    """

    row: Row
    analysis: Analysis
    direction: str
    key: str
    sound_key: str
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Sweep:
    """A table of a tuning run.

    Attributes:
        name: Name of the folder in which it was made.
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
    """The content of the page.

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
        leaks: What training shares with valid and test.
        sounds: Which recordings the page holds.
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
    leaks: Sequence[str] = ()
    sounds: Sequence[str] = ()

    @property
    def kinds(self) -> list[str]:
        """Return the error rates besides WER that a row has, in the order of KINDS."""
        found = {kind for row in self.rows for kind in row.rates} - {"wer"}
        return [kind for kind in KINDS if kind in found]


def render_page(page: Page, parts: Parts) -> str:
    """Return the page: nothing to load but the files of `parts`, light and dark."""
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
        count="{:,}".format,
        bounds=format_bounds,
        clock=format_clock,
        p=format_p,
        conclude=conclude,
        method=describe_method,
        visible=show_invisible,
    )
    template = environment.get_template("report.html.j2")
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    script = read_script()
    return template.render(
        page=page,
        style=style,
        bar=draw_interval,
        script=script,
        policy=make_policy(script, parts.has_files),
        parts=parts.inline,
        start=describe_views(page.details, parts.folder),
    )


def read_script() -> str:
    """Return the program of the page, its modules in one scope."""
    modules = [(TEMPLATES / f"{name}.js").read_text("utf-8") for name in SCRIPTS]
    return "\n".join(['(() => {\n"use strict";', *modules, "})();", ""])


def make_policy(script: str, has_files: bool) -> str:
    """Return what a browser may run and load: nothing that an utterance may say.

    Args:
        script: The program of the page.
        has_files: Whether parts of the data are files.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" + " 'self' file:" * has_files
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; "
        "media-src data: 'self' file:; img-src data:"
    )


def describe_views(details: Sequence[Detail], folder: str) -> str:
    """Return what the program of the page is told about views, as JSON."""
    views = [
        {
            "key": detail.key,
            "set": detail.row.dataset,
            "decoding": detail.row.inference,
            "sound": detail.sound_key,
            "size": detail.row.num_utterances,
        }
        for detail in details
    ]
    return encode_json(
        {"views": views, "folder": folder, "shard": SHARD, "audioShard": AUDIO_SHARD}
    )


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
    sides: Counter[str] = Counter()
    for char, count in count_characters(texts).items():
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
