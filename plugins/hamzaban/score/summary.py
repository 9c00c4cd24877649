"""The two summary tables of sclite's result.txt: percentages and raw counts.

Layout, arithmetic and rounding are those of the files that sclite 2.10 writes; widths
are counted in bytes, as in sclite.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

PAGE_WIDTH = 80
TITLE = "SYSTEM SUMMARY PERCENTAGES by SPEAKER"
_HEADER = (" SPKR", " # Snt", "# Wrd", "Corr", " Sub", " Del", " Ins", " Err", "S.Err")
_BARS = (0, 2)  # columns followed by a bar
_NOTE = """
* No Reference words for this/these speaker(s).  Word counts supplied
  rather than percents.
# No Reference words for this/these speaker(s).  NCE not computable.
+ Speaker(s) with no reference data is ignored
"""


@dataclass(frozen=True)
class Row:
    """A row of a table: cells, their alignment ("l" or "c"), the rule above it."""

    cells: Sequence[str]
    side: str
    rule: str = ""


def format_summary(
    title: str, speakers: Sequence[str], counts: NDArray[np.int64]
) -> str:
    """Return both tables, percentages first.

    Args:
        title: Name of the system, at the head of each table.
        speakers: Names of S speakers.
        counts: For each speaker utterances, utterances with an error, and correct,
            substituted, deleted, inserted tokens, shape (S, 6).
    """
    return "".join(format_table(title, speakers, counts, raw=r) for r in (False, True))


def format_table(
    title: str, speakers: Sequence[str], counts: NDArray[np.int64], *, raw: bool
) -> str:
    """Return the table of counts, or of percentages, below its heading.

    Args:
        title: Name of the system.
        speakers: Names of S speakers.
        counts: As for `format_summary`.
        raw: Whether to show counts.
    """
    rows = counts.tolist()
    table = _layout(title, _make_rows(speakers, rows, raw=raw))
    if not raw and any(_count_refs(row) == 0 for row in rows):
        table += _NOTE
    return f"\n\n\n{_centre(TITLE, PAGE_WIDTH)}\n\n{table}"


def _count_refs(row: Sequence[int]) -> int:
    return sum(row[2:5])


def _percent(part: float, whole: float) -> float:
    return part / whole * 100.0 if whole else 0.0


def round_percent(part: float, whole: float) -> float:
    """Return a share in per cent with one digit, rounded as in sclite; 0 of nothing."""
    return _round(_percent(part, whole), 1)


def _round(number: float, digits: int) -> float:
    """Return a number rounded half away from zero, in a 32-bit float, as in sclite."""
    scaled = int(number * 10.0**digits + (0.5 if number > 0.0 else -0.5))
    return float(np.float32(scaled)) / 10.0**digits


def _one_digit(number: float, mark: str = " ") -> str:
    return f"{_round(number, 1):5.1f}{mark}"


def _whole(number: float, mark: str = " ") -> str:
    return f"{_round(number, 0):5.0f}{mark}"


def _make_rates(row: Sequence[int], raw: bool) -> list[float]:
    """Return correct, sub, del, ins, err and sentence errors, as counts or percentages.

    The first five are always counts for a speaker without reference tokens.
    """
    snt, snt_err, corr, sub, dele, ins = row
    rates: list[float] = [corr, sub, dele, ins, sub + ins + dele]
    refs = _count_refs(row)
    if not raw and refs:
        rates = [_percent(rate, refs) for rate in rates]
    return [*rates, snt_err if raw else _percent(snt_err, snt)]


def _make_rows(
    speakers: Sequence[str], counts: list[list[int]], *, raw: bool
) -> list[Row]:
    total = [sum(column) for column in zip(*counts, strict=True)]
    number = _whole if raw else _one_digit
    rows = [Row(_HEADER, "l", "-")]
    for name, row in zip(speakers, counts, strict=True):
        rates = _make_rates(row, raw)
        shown = [number(rate) for rate in rates]
        if not raw and not _count_refs(row):
            shown[:5] = [_whole(rate, "*") for rate in rates[:5]]
        cells = [f" {name} ", f"{row[0]:5d}", f"{_count_refs(row):5d}", *shown]
        rows.append(Row(cells, "l", "-"))
    rates = _make_rates(total, raw)
    if not raw and not _count_refs(total):  # zeros for the sum, in sclite's way
        rates[:5] = [0.0] * 5
    shown = [number(rate) for rate in rates]
    name = " Sum" if raw else " Sum/Avg"
    cells = [name, f"{total[0]:5d}", f"{_count_refs(total):5d}", *shown]
    return [*rows, Row(cells, "l", "="), *_make_statistics(counts, raw)]


def _make_statistics(counts: list[list[int]], raw: bool) -> list[Row]:
    """Return rows with mean, standard deviation and median over the speakers."""
    refs = [_count_refs(row) for row in counts]
    empty = 0 if raw else refs.count(0)
    rates = [_make_rates(row, raw) for row in counts]
    columns: list[list[float]] = [[row[0] for row in counts], list(refs)]
    columns += [
        _drop_empty(list(column), refs if empty else [])
        for column in zip(*(row[:5] for row in rates), strict=True)
    ]
    columns.append([row[5] for row in rates])
    marks = [" ", " ", *["+" if empty else " "] * 5, " "]
    names = (" Mean ", " S.D. ", "Median")
    described = zip(*map(_describe, columns), strict=True)
    rows: list[Row] = []
    for name, values in zip(names, described, strict=True):
        shown = [_one_digit(v, mark) for v, mark in zip(values, marks, strict=True)]
        rows.append(Row([name, *shown], "c", "" if rows else "="))
    return rows


def _drop_empty(column: list[float], refs: Sequence[int]) -> list[float]:
    """Return a column without speakers that have no reference tokens, in sclite's way.

    sclite closes the gaps from left to right but looks for them at their old places.
    With several such speakers, it leaves out others. The numbers here are the same.
    """
    column = list(column)
    for s, ref in enumerate(refs):
        if ref == 0:
            column[s:] = [*column[s + 1 :], -1000.0]
    return column[: len(column) - list(refs).count(0)]


def _describe(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, sample standard deviation and median; zeros for no values."""
    size = len(values)
    if not size:
        return 0.0, 0.0, 0.0
    mean = _add(values) / size
    squares = _add((value - mean) * (value - mean) for value in values)
    spread = math.sqrt(squares / (size - 1)) if squares else 0.0
    ordered, middle = sorted(values), size // 2
    median = ordered[middle]
    if size % 2 == 0:
        median = (ordered[middle] + ordered[middle - 1]) / 2
    return mean, spread, median


def _add(values: Iterable[float]) -> float:
    """Return a sum rounded at each step, unlike `sum` of Python 3.12."""
    total = 0.0
    for value in values:
        total += value
    return total


def _length(text: str) -> int:
    return len(text.encode())


def _centre(text: str, width: int) -> str:
    left = (width - _length(text)) // 2
    return " " * left + text + " " * (width - _length(text) - left)


def _layout(title: str, rows: Sequence[Row]) -> str:
    """Return a table as text: a title, then rows of nine columns."""
    columns = zip(*(row.cells for row in rows), strict=True)
    sizes = [max(map(_length, cells)) for cells in columns]
    narrow = sum(sizes) + len(sizes) + 1
    width = max(narrow, _length(title) + 2)
    spare = _share_out(width - narrow, len(sizes))
    indent = " " * max(0, (PAGE_WIDTH - width) // 2)
    extra = width - 2 - _length(title)
    lines = [f",{'-' * (width - 2)}."]
    lines.append(f"|{' ' * (extra // 2)}{title}{' ' * (extra - extra // 2)}|")
    for above, row in pairwise([None, *rows]):
        assert row is not None
        if row.rule:
            crossed = above is not None and row.rule == "-"
            lines.append(_draw_rule(row.rule, sizes, spare, crossed))
        lines.append(_draw_row(row, sizes, spare))
    lines.append(f"`{'-' * (width - 2)}'")
    return "".join(f"{indent}{line}\n" for line in lines)


def _share_out(spare: int, columns: int) -> list[int]:
    """Return the blanks that each column gets if the title is wider than the table."""
    ends = [int(_round(spare / columns * (c + 1), 0)) for c in range(columns - 1)]
    return [b - a for a, b in pairwise([0, *ends, spare])]


def _draw_rule(
    rule: str, sizes: Sequence[int], spare: Sequence[int], crossed: bool
) -> str:
    parts = [rule * (size + more) for size, more in zip(sizes, spare, strict=True)]
    for column, part in enumerate(parts[:-1]):
        parts[column] = part + ("+" if crossed and column in _BARS else rule)
    return f"|{''.join(parts)}|"


def _draw_row(row: Row, sizes: Sequence[int], spare: Sequence[int]) -> str:
    parts = []
    for column, (cell, size, more) in enumerate(
        zip(row.cells, sizes, spare, strict=True)
    ):
        centred = column > 0 or row.side == "c"
        text = _centre(cell, size) if centred else cell + " " * (size - _length(cell))
        parts.append(" " * (more // 2) + text + " " * (more - more // 2))
        parts.append("|" if column in _BARS or column == len(sizes) - 1 else " ")
    return "|" + "".join(parts)
