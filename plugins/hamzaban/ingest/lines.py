"""Read lines of text, and tables of JSON lines."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hamzaban.launch.notes import note_inputs
from hamzaban.utf8 import read_utf8_lines

MAX_SHOWN = 40  # characters of a value in a message
Row = dict[str, str]
_SURROGATE = re.compile("[\ud800-\udfff]")


@contextmanager
def open_utf8(path: Path) -> Iterator[Iterator[str]]:
    """Open a text file to read its lines, and note it as an input of the step.

    A file in UTF-16 that begins with its byte order mark is read, too.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    note_inputs(path)
    yield read_utf8_lines(path)


def read_json_lines(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the number and the named values of each line of a JSON lines file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line cannot be read.
    """
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
                raise ValueError(
                    f"{path}:{number}: {describe_json_fault(line, error)}, expected "
                    "one object a line; convert the file"
                ) from None
            if not isinstance(values, dict):
                raise ValueError(
                    f"{path}:{number}: {line.strip()[:MAX_SHOWN]!r}, expected an "
                    "object with named values, one a line; convert the file"
                )
            row = {k: _to_text(v) for k, v in values.items()}
            if _SURROGATE.search("".join((*row, *row.values()))):
                raise ValueError(
                    f"{path}:{number}: half of a surrogate pair, expected whole "
                    "characters; correct the escape \\ud..."
                )
            yield number, row


def describe_json_fault(line: str, error: Exception) -> str:
    """Return why a line is not JSON, with the column and the text from there on."""
    if not isinstance(error, json.JSONDecodeError):
        return "not JSON (nested too deep or a number too long)"
    rest = line[error.pos :].strip()[:MAX_SHOWN]
    shown = f" at {rest!r}" if rest else ""
    return f"not JSON (column {error.colno}{shown}: {error.msg})"


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
