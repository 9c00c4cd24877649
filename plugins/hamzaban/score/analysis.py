"""Analyse the errors of a scored set and write the analysis as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.score.bootstrap import Plan
from hamzaban.score.breakdown import (
    Group,
    break_down,
    break_down_speakers,
    break_down_values,
    measure_signals,
    require_utterances,
)
from hamzaban.score.classes import (
    ClassErrors,
    count_class,
    make_classes,
    read_word_list,
    read_word_tags,
)
from hamzaban.score.confusions import (
    Confusions,
    Variant,
    count_confusions,
    count_spacing_errors,
    measure_spelling,
    score_characters,
)
from hamzaban.score.sclite import Scored
from hamzaban.score.trn import read_text


@dataclass(frozen=True)
class Details:
    """Inputs and options of an analysis, besides the scored set.

    Attributes:
        word_lists: Files of words by name of the class.
        word_tags: File with a tag for each reference word.
        utt_tags: Kaldi files, such as utt2dialect, by name.
        script: Script of the language; the class `foreign` has words of other scripts.
        data_dir: Data directory of the set, for durations and levels.
        top: Number of confusions to list.
        nj: Number of threads that read audio.
    """

    word_lists: Mapping[str, Path] = field(default_factory=dict)
    word_tags: Path | None = None
    utt_tags: Mapping[str, Path] = field(default_factory=dict)
    script: str | None = None
    data_dir: Path | None = None
    top: int = 20
    nj: int = 1


@dataclass(frozen=True)
class Analysis:
    """The errors of a scored set; tokens are words unless stated otherwise.

    Attributes:
        classes: Errors by class of word.
        groups: Error rates by `speaker`, `duration`, `level` and tag of utterances.
        words: Confusions of words.
        characters: Confusions of characters.
        spelling: Error rates with other ways to write spaces and ZWNJ.
        spacing_errors: Number of word errors in which only spaces and ZWNJ differ.
    """

    classes: Sequence[ClassErrors]
    groups: Mapping[str, Sequence[Group]]
    words: Confusions
    characters: Confusions
    spelling: Sequence[Variant]
    spacing_errors: int


def analyse(scored: Scored, details: Details, plan: Plan) -> Analysis:
    """Return the analysis of the errors of a scored set.

    Args:
        scored: Aligned words.
        details: Further inputs and options.
        plan: Plan of the bootstrap for intervals.

    Raises:
        ValueError: A list, a tag file or the data directory does not fit.
    """
    lists = {name: read_word_list(path) for name, path in details.word_lists.items()}
    classes = make_classes(scored, lists, details.script)
    if details.word_tags is not None:
        classes += read_word_tags(details.word_tags, scored)
    characters = score_characters(scored)
    return Analysis(
        [count_class(scored, word_class, plan) for word_class in classes],
        _make_groups(scored, details, plan),
        count_confusions(scored, details.top),
        count_confusions(characters, details.top),
        measure_spelling(scored, characters),
        count_spacing_errors(scored),
    )


def _make_groups(
    scored: Scored, details: Details, plan: Plan
) -> dict[str, Sequence[Group]]:
    groups: dict[str, Sequence[Group]] = {"speaker": break_down_speakers(scored, plan)}
    utt_ids = []
    if details.data_dir is not None:
        utt2spk = details.data_dir / "utt2spk"
        utt_ids = require_utterances(scored, read_text(utt2spk), utt2spk)
        signals = measure_signals(details.data_dir, utt_ids, details.nj)
        durations = [signals[utt_id].duration_s for utt_id in utt_ids]
        levels = [signals[utt_id].level_db for utt_id in utt_ids]
        groups["duration"] = break_down_values(scored, durations, "s", plan)
        groups["level"] = break_down_values(scored, levels, "dB", plan)
    for name, path in details.utt_tags.items():
        if not utt_ids:
            raise ValueError(f"--utt_tags {name}: needs --data_dir, for utterance ids")
        tags = read_text(path)
        labels = [tags.get(utt_id, "not tagged") for utt_id in utt_ids]
        groups[name] = break_down(scored, labels, plan)
    return groups


def format_analysis(analysis: Analysis) -> Iterator[str]:
    """Yield the lines of an analysis as text."""
    head = ("class", "words", "sub", "del", "ins", "WER", "95 %", "missed most")
    rows = [
        (
            *map(str, (c.name, c.num_words, c.sub, c.dele, c.ins)),
            _percent(c.rate),
            format_bounds(c.interval),
            " ".join(f"{word} {count}" for word, count in c.missed),
        )
        for c in analysis.classes
    ]
    yield from _format_table(head, rows)
    for name, groups in analysis.groups.items():
        rows = [
            (
                g.name,
                str(g.num_utterances),
                str(g.num_tokens),
                str(g.errors),
                _percent(g.rate),
                format_bounds(g.interval),
            )
            for g in groups
        ]
        yield ""
        yield from _format_table((name, "utts", "words", "err", "WER", "95 %"), rows)
    yield ""
    yield from _format_spelling(analysis)
    for unit, confusions in (
        ("words", analysis.words),
        ("characters", analysis.characters),
    ):
        yield from _format_confusions(unit, confusions)


def format_bounds(interval: tuple[float, float] | None) -> str:
    """Return an interval of shares in per cent; empty for None."""
    if interval is None:
        return ""
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.2f}"


def _format_spelling(analysis: Analysis) -> Iterator[str]:
    rows = [
        (
            v.kind.upper(),
            v.name,
            str(v.errors),
            str(v.size),
            _percent(v.errors / v.size if v.size else None),
        )
        for v in analysis.spelling
    ]
    yield from _format_table(("rate", "spelling", "errors", "tokens", "%"), rows)
    yield f"{analysis.spacing_errors} word errors differ in spaces and ZWNJ only"


def _format_confusions(unit: str, confusions: Confusions) -> Iterator[str]:
    for name, found in (
        ("substituted", [(f"{a} -> {b}", n) for a, b, n in confusions.substituted]),
        ("deleted", confusions.deleted),
        ("inserted", confusions.inserted),
    ):
        yield ""
        yield f"{unit} {name} most often"
        for text, count in found:
            yield f"{count:6d}  {text}"


def _format_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        cells[0] = row[0].ljust(widths[0])
        cells[-1] = row[-1]
        yield "  ".join(cells).rstrip()
