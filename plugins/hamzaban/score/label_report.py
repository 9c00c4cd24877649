"""Error rates by the labels of an stm, in the table of `sclite -o lur`."""

import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.score.sclite import Scored
from hamzaban.score.time_marked import read_stm
from hamzaban.score.trn import read_lines

_HEADER = re.compile(r';;\s*(CATEGORY|LABEL)\s+"([^"]*)"\s+"([^"]*)"\s+"([^"]*)"')


@dataclass(frozen=True)
class Labels:
    """The labels of the segments of an stm.

    Attributes:
        titles: Title and description of each label that the head of the stm defines.
        categories: Title of each category, by the place of its labels in `<o,f0,male>`.
        by_utterance: Labels of each utterance id.
    """

    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    categories: Mapping[int, str] = field(default_factory=dict)
    by_utterance: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def list_columns(self) -> dict[int, list[str]]:
        """Return the labels that are defined and used by their place, in order."""
        places: dict[int, list[str]] = {}
        used = [labels for labels in self.by_utterance.values() if labels]
        for label in self.titles:
            for labels in used:
                if label in labels:
                    places.setdefault(list(labels).index(label), []).append(label)
                    break
        return places


def read_labels(stm: Path, *, case_sensitive: bool) -> Labels:
    """Return the labels of an stm: those that its head defines, and its segments'."""
    titles: dict[str, tuple[str, str]] = {}
    categories: dict[int, str] = {}
    for _, line in read_lines(stm):
        found = _HEADER.match(line)
        if found and found[1] == "LABEL":
            titles[found[2].lower()] = found[3], found[4]
        elif found and found[2].isdigit():
            categories[int(found[2])] = found[3]
    segments = read_stm(stm, case_sensitive=case_sensitive)
    by_utterance = {
        s.utt_id: tuple(label.lower() for label in s.labels)
        for s in segments
        if s.is_scored
    }
    return Labels(titles, categories, by_utterance)


def format_labels(scored: Scored, title: str, labels: Labels) -> Iterator[str]:
    """Yield the table: a row for each speaker, a column for each label.

    A cell has the number of reference words in square brackets and the error rate in
    per cent. The last rows are over the speakers that have the label.
    """
    groups = labels.list_columns()
    columns = [label for group in groups.values() for label in group]
    rows = [_head(labels, columns), _measured(columns)]
    cells = {
        name: _count(scored, us, labels, columns) for name, us in scored.groups.items()
    }
    rows += [[name, *map(_format_cell, row)] for name, row in cells.items()]
    rows += _summarize(list(cells.values()), len(columns))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ends = {0}  # columns with a double bar after them
    for group in groups.values():
        ends.add(max(ends) + len(group))
    lines = [_draw(row, widths, ends) for row in rows]
    inner = len(lines[0]) - 2
    yield f",{'-' * inner}.\n"
    yield f"|{f'System: {title}':^{inner}}|\n"
    for label in columns:
        yield f"|{' -> '.join(labels.titles[label]):^{inner}}|\n"
    rule = f"|{'-' * inner}|\n"
    names = [labels.categories.get(place, "") for place in groups]
    if any(names):
        yield rule + f"|{' || '.join(filter(None, names)):^{inner}}|\n"
    for number, line in enumerate(lines):
        if number == len(rows) - 4:
            yield f"|{'=' * inner}|\n"
        elif number != 1 and number < len(rows) - 2:
            yield rule
        yield f"{line}\n"
    yield f"`{'-' * inner}'\n"


def _head(labels: Labels, columns: Sequence[str]) -> list[str]:
    return ["SPKR", *(labels.titles[label][0] for label in columns)]


def _measured(columns: Sequence[str]) -> list[str]:
    return ["", *("#Wrd  %WE" for _ in columns)]


def _draw(row: Sequence[str], widths: Sequence[int], ends: set[int]) -> str:
    cells = [f" {cell:^{width}} " for cell, width in zip(row, widths, strict=True)]
    text = "|"
    for number, cell in enumerate(cells):
        bar = "||" if number in ends and 0 < number < len(cells) - 1 else "|"
        text += cell + bar
    return text


Cell = tuple[int, float] | None  # reference words, error rate in per cent


def _count(
    scored: Scored, chosen: Sequence[int], labels: Labels, columns: Sequence[str]
) -> list[Cell]:
    """Return the cells of some utterances."""
    cells: list[Cell] = []
    for label in columns:
        found = [
            u
            for u in chosen
            if label in labels.by_utterance.get(scored.trn_ids[u][1:-1], ())
        ]
        corr, sub, dele, ins = scored.counts[found].sum(axis=0).tolist()
        refs = corr + sub + dele
        rate = 100.0 * (sub + dele + ins) / refs if refs else 0.0
        cells.append((refs, rate) if refs else None)
    return cells


def _format_cell(cell: Cell) -> str:
    return "" if cell is None else f"[{cell[0]}] {cell[1]:5.1f}"


def _summarize(rows: Sequence[Sequence[Cell]], size: int) -> list[list[str]]:
    """Return the rows with sum, mean, standard deviation and median over speakers."""
    table: list[list[str]] = [["Set Sum/Avg"], ["Mean"], ["StdDev"], ["Median"]]
    for column in range(size):
        cells = [row[column] for row in rows]
        known = [cell for cell in cells if cell is not None]
        refs, rates = [cell[0] for cell in known], [cell[1] for cell in known]
        wrong = sum(refs_ * rate for refs_, rate in known)
        total = (sum(refs), wrong / sum(refs) if sum(refs) else 0.0)
        table[0].append(_format_cell(total if known else None))
        for row, measure in zip(table[1:], _MEASURES, strict=True):
            values = (int(measure(refs)), measure(rates)) if known else None
            row.append(_format_cell(values))
    return table


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


_MEASURES: Sequence[Callable[[Sequence[float]], float]] = (
    statistics.fmean,
    _spread,
    statistics.median,
)
