"""Read tables of any size: tsv without quoting, csv, JSON lines."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hamzaban.launch.notes import note_inputs

JSON_LINES = (".jsonl", ".json", ".ndjson")
MAX_FIELD = 1 << 24  # characters of a csv field; Python's own limit is 131,072

Row = dict[str, str]
_SURROGATE = re.compile("[\ud800-\udfff]")


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


def read_tsv(path: Path, columns: Sequence[str]) -> Iterator[list[str] | None]:
    """Read some columns of a tab-separated table in which quotes mean nothing.

    Args:
        path: The table; its first line names the columns.
        columns: The names of the columns to read.

    Yields:
        The values of each row in the order of `columns`; None for a row that has more
        or fewer fields than the header.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A column is missing, or the file is not UTF-8.
    """
    header = read_header(path)
    places = [find_column(path, header, (name,)) for name in columns]
    with open_utf8(path) as lines:
        next(lines)
        for line in lines:
            fields = line.rstrip("\r\n").split("\t")
            yield (
                [fields[place] for place in places]
                if len(fields) == len(header)
                else None
            )


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
        return _read_json_lines(path)
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
        for number, row in _read_json_lines(path):
            forms.setdefault(tuple(row), number)
        if not forms:
            raise ValueError(f"{path}: empty, expected one object a line")
        return forms
    with _open_fields(path, delimiter or _choose_delimiter(path)) as rows:
        return {tuple(_read_names(path, rows, columns)): 1}


def _read_fields(
    path: Path, delimiter: str, columns: Sequence[str]
) -> Iterator[tuple[int, Row]]:
    with _open_fields(path, delimiter) as rows:
        header = _read_names(path, rows, columns)
        first = rows.line_num + 1  # a row may span lines, as quotes may hold breaks
        for fields in rows:
            if fields and len(fields) != len(header):
                last = f" to {rows.line_num}" if rows.line_num > first else ""
                quote = " or a quotation mark that is not closed" if last else ""
                raise ValueError(
                    f"{path}:{first}{last}: {len(fields)} fields, expected "
                    f"{len(header)} ({', '.join(header)}); correct the line{quote}"
                )
            if fields:
                yield first, dict(zip(header, fields, strict=True))
            first = rows.line_num + 1


@contextmanager
def _open_fields(path: Path, delimiter: str) -> Iterator[Any]:
    csv.field_size_limit(MAX_FIELD)
    with open_utf8(path) as lines:
        rows = csv.reader(
            lines,
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL if delimiter in ",;" else csv.QUOTE_NONE,
        )
        try:
            yield rows
        except csv.Error as error:
            raise ValueError(f"{path}:{rows.line_num}: {error}") from error


def _read_names(
    path: Path, rows: Iterator[list[str]], columns: Sequence[str]
) -> list[str]:
    names = columns or next(rows, [])
    if not names:
        raise ValueError(f"{path}: empty, expected a line of column names")
    return [name.strip() for name in names]


def _choose_delimiter(path: Path) -> str:
    with open_utf8(path) as lines:
        first = next(lines, "").rstrip("\r\n")
    if not first:
        raise ValueError(f"{path}: empty, expected a line of column names")
    return "\t" if path.suffix.lower() == ".tsv" else max("\t,;|", key=first.count)


def _read_json_lines(path: Path) -> Iterator[tuple[int, Row]]:
    with open_utf8(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                values = json.loads(line, object_pairs_hook=_each_key_once)
            except _TwiceError as error:
                raise ValueError(
                    f"{path}:{number}: key '{error}' occurs twice, expected once; "
                    "rename one"
                ) from None
            except (ValueError, RecursionError) as error:
                why = getattr(error, "msg", "nested too deep or a number too long")
                raise ValueError(
                    f"{path}:{number}: not JSON ({why}), expected one object a line; "
                    "convert the file"
                ) from None
            if not isinstance(values, dict):
                raise ValueError(
                    f"{path}:{number}: expected an object with named values"
                )
            row = {k: _to_text(v) for k, v in values.items()}
            if _SURROGATE.search("".join((*row, *row.values()))):
                raise ValueError(
                    f"{path}:{number}: half of a surrogate pair, expected whole "
                    "characters; correct the escape \\ud..."
                )
            yield number, row


class _TwiceError(Exception):
    """An object has a key twice."""


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise _TwiceError(key)
        values[key] = value
    return values


def _to_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):  # an audio of Hugging Face: {"path": ..., "bytes": ...}
        return str(value.get("path") or "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def open_utf8(path: Path) -> Iterator[Iterator[str]]:
    """Open a UTF-8 text, with or without a byte order mark, to read it line by line.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    note_inputs(path)
    with open(path, encoding="utf-8-sig", newline="\n") as stream:
        try:
            yield stream
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}: not UTF-8 ({error.reason}); convert it, as with iconv"
            ) from None
