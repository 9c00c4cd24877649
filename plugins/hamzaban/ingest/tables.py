"""Read tables of any size: tsv without quoting, csv, JSON lines."""

import csv
import functools
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hamzaban.ingest.lines import MAX_SHOWN, Row, open_utf8, read_json_lines

JSON_LINES = (".jsonl", ".json", ".ndjson")
MAX_FIELD = 1 << 24  # characters of a csv field; Python's own limit is 131,072

MAX_NAMED = 6  # columns named in a message about their number
_SEP = re.compile(r'"?sep=(.)"?\s*', re.I)  # Excel's first line: what is between fields


def read_header(path: Path) -> list[str]:
    """Return the columns of a tab-separated table.

    Raises:
        ValueError: The table is empty.
    """
    with open_utf8(path) as lines:
        header = next(lines, "")
    if not header.strip():
        raise ValueError(f"{path}: empty, expected a line of column names")
    return header.rstrip("\r\n").split("\t")


def read_tsv(
    path: Path, columns: Sequence[str]
) -> Iterator[tuple[int, list[str] | str]]:
    """Read some columns of a tab-separated table in which quotes mean nothing.

    Args:
        path: The table; its first line names the columns.
        columns: The names of the columns to read.

    Yields:
        Line number, and the values in the order of `columns`; for a row that has more
        or fewer fields than the header, what is wrong with it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A column is missing, or the file is not UTF-8.
    """
    header = read_header(path)
    places = [find_column(path, header, (name,)) for name in columns]
    with open_utf8(path) as lines:
        next(lines)
        for number, line in enumerate(lines, 2):
            fields = line.rstrip("\r\n").split("\t")
            if fault := describe_misfit(fields, header):
                yield number, fault
            else:
                yield number, [fields[place] for place in places]


def describe_misfit(fields: Sequence[str], header: Sequence[str]) -> str:
    """Return how a row differs from the columns in number, with the values concerned.

    Args:
        fields: The values of the row.
        header: The names of the columns.

    Returns:
        Such as "4 fields, expected 3 (file, text, speaker): after column 'speaker'
        ('a') follows 'b'"; "" for a row of the right length.
    """
    if len(fields) == len(header):
        return ""
    names = f" ({', '.join(header)})" if len(header) <= MAX_NAMED else ""
    counts = f"{len(fields)} fields, expected {len(header)}{names}"
    last = min(len(fields), len(header)) - 1
    shown = f"column '{header[last]}' ({fields[last][:MAX_SHOWN]!r})"
    if len(fields) > len(header):
        return f"{counts}: after {shown} follows {fields[last + 1][:MAX_SHOWN]!r}"
    return f"{counts}: the row ends after {shown}, without '{header[last + 1]}'"


def find_column(path: Path, header: Sequence[str], names: Sequence[str]) -> int:
    """Return the place of the first of `names` that the header has.

    Raises:
        ValueError: It has none of them.
    """
    for name in names:
        if name in header:
            return header.index(name)
    raise ValueError(
        f"{path}: no column {' or '.join(names)}; found {', '.join(header)}"
    )


def read_rows(
    path: Path, delimiter: str | None = None, *, columns: Sequence[str] = ()
) -> Iterator[tuple[int, Row]]:
    """Read a csv, tsv or JSON lines table; the suffix of its name says which it is.

    Args:
        path: The table. The first line of csv and tsv names the columns.
        delimiter: The character between fields. None: a tab in `.tsv`, otherwise the
            most frequent of tab, comma, semicolon and `|` in the first line.
        columns: The names of the columns, where the first line is data.

    Yields:
        Line number and values by column; missing values are "".

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line cannot be read.
    """
    if path.suffix.lower() in JSON_LINES:
        return read_json_lines(path)
    return _read_fields(path, delimiter or _choose_delimiter(path), columns)


def read_forms(
    path: Path, delimiter: str | None = None, *, columns: Sequence[str] = ()
) -> dict[tuple[str, ...], int]:
    """Return the sets of columns that rows have, and the first line of each.

    In a csv or tsv table all rows have the same columns. In JSON lines any row may
    leave some out, so that the whole file is read.

    Args:
        path: The table.
        delimiter: As for `read_rows`.
        columns: As for `read_rows`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line cannot be read, or there is none.
    """
    forms: dict[tuple[str, ...], int] = {}
    if path.suffix.lower() in JSON_LINES:
        for number, row in read_json_lines(path):
            forms.setdefault(tuple(row), number)
        if not forms:
            raise ValueError(f"{path}: empty, expected one object a line")
        return forms
    with open_fields(path, delimiter or _choose_delimiter(path)) as rows:
        return {tuple(_read_names(path, rows, columns)): 1}


def _read_fields(
    path: Path, delimiter: str, columns: Sequence[str]
) -> Iterator[tuple[int, Row]]:
    with open_fields(path, delimiter) as rows:
        header = _read_names(path, rows, columns)
        first = rows.line_num + 1  # a row may span lines, as quotes may hold breaks
        for fields in rows:
            if not any(map(str.strip, fields)):  # blank, or Excel's ",,,"
                fields = []
            if fields and (fault := describe_misfit(fields, header)):
                last = f" to {rows.line_num}" if rows.line_num > first else ""
                remedy = _mend_misfit(delimiter, spans_lines=bool(last))
                raise ValueError(f"{path}:{first}{last}: {fault}; {remedy}")
            if fields:
                yield first, dict(zip(header, fields, strict=True))
            first = rows.line_num + 1


def _mend_misfit(delimiter: str, *, spans_lines: bool) -> str:
    if spans_lines:
        return "correct the line or a quotation mark that is not closed"
    if delimiter in ",;":
        return f"correct the line, or quote a value that holds '{delimiter}'"
    name = "tab" if delimiter == "\t" else f"'{delimiter}'"
    return f"correct the line, or write a space for a {name} or line break in a value"


@contextmanager
def open_fields(path: Path, delimiter: str) -> Iterator[Any]:
    """Open a table as a reader of the csv module, which has the line as `line_num`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not UTF-8, or a value has no end.
    """
    csv.field_size_limit(MAX_FIELD)
    with open_utf8(path) as lines:
        rows = csv.reader(
            _prepare_lines(path, lines),
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL if delimiter in ",;" else csv.QUOTE_NONE,
        )
        try:
            yield rows
        except csv.Error as error:
            raise ValueError(
                f"{path}:{rows.line_num}: {error}, expected values of at most "
                f"{MAX_FIELD} characters; look for a quotation mark that is not closed"
            ) from error


def _prepare_lines(path: Path, lines: Iterator[str]) -> Iterator[str]:
    """Yield lines as the csv module takes them.

    The line by which Excel names the delimiter becomes blank. A carriage return within
    a line, which that module refuses, becomes a space.
    """
    for number, line in enumerate(lines, 1):
        if number == 1 and _SEP.fullmatch(line.rstrip("\r\n")):
            line = "\n"
        if "\r" in line:
            line = line.rstrip("\r\n")
            if "\r" in line:
                _log_return(path, number)
                line = line.replace("\r", " ")
            line += "\n"
        yield line


@functools.lru_cache(1000)
def _log_return(path: Path, number: int) -> None:
    logging.warning(
        "%s:%d: a carriage return within the line is read as a space", path, number
    )


def _read_names(
    path: Path, rows: Iterator[list[str]], columns: Sequence[str]
) -> list[str]:
    names = columns or next(filter(None, rows), [])
    if not names:
        raise ValueError(f"{path}: empty, expected a line of column names")
    return [name.strip() for name in names]


def _choose_delimiter(path: Path) -> str:
    with open_utf8(path) as lines:
        first = next(lines, "").rstrip("\r\n")
        if found := _SEP.fullmatch(first):
            return found[1]
        first = first or next((line.rstrip("\r\n") for line in lines), "")
    if not first:
        raise ValueError(f"{path}: empty, expected a line of column names")
    return "\t" if path.suffix.lower() == ".tsv" else max("\t,;|", key=first.count)
