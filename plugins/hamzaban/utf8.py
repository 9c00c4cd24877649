"""Read the lines of text files as UTF-8, and name the place where one is not.

A file in UTF-16 or UTF-32 that begins with its byte order mark, as Excel and Notepad
write it, is read as such.
"""

import codecs
import gzip
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

MARKS = {  # UTF-32 first, since its mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CONVERT = (
    "convert the file, for example by `iconv -f WINDOWS-1256 -t UTF-8` if that is "
    "its encoding"
)
HEAD_BYTES = 512  # read from the head of a file to find its encoding
MAX_SHOWN = 20  # characters shown before a byte that is not UTF-8
_logged: set[tuple[Path, str]] = set()


def read_utf8_lines(path: str | Path) -> Iterator[str]:
    """Yield the lines of a text file with their ends, without a byte order mark.

    A file whose name ends in .gz is unpacked.
    Lines end in `\\n`. If the file has none, they end in `\\r`, as on old Macs.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not UTF-8, nor marked as UTF-16 or UTF-32.
    """
    opener: Any = gzip.open if Path(path).suffix == ".gz" else open
    with opener(path, "rb") as stream:
        encoding = _find_encoding(stream, path)
        if encoding != "utf-8":
            yield from _read_marked(stream, path, encoding)
            return
        for number, line in enumerate(stream, 1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
                if b"\r" in line[:-1] and not line.endswith(b"\n"):
                    yield from _split_returns(decode_line(line, f"{path}:1"))
                    return
            try:
                yield line.decode()
            except UnicodeDecodeError:
                yield decode_line(line, f"{path}:{number}")


def decode_line(line: bytes, place: str) -> str:
    """Return a line as text.

    Args:
        line: The line.
        place: Its file and number.

    Raises:
        ValueError: It is not UTF-8. The message names the column and the byte.
    """
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{place}: {describe_fault(error)}; {CONVERT}") from None


def describe_fault(error: UnicodeDecodeError) -> str:
    """Return a message that names the byte that is not UTF-8 and its column, from 1."""
    line = error.object
    before = line[: error.start].decode()
    shown = before[-MAX_SHOWN:].strip()
    after = f", after '{shown}'" if shown else ""
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        after += ", as at the head of a file in UTF-16"
    byte = line[error.start]
    return f"not UTF-8 (byte 0x{byte:02X} in column {len(before) + 1}{after})"


def _find_encoding(stream: BinaryIO, path: str | Path) -> str:
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            path = Path(path)
            if (key := (path.parent.parent, path.suffix)) not in _logged:
                _logged.add(key)  # once for a folder of transcripts
                logging.warning(
                    "%s: read as %s because of its byte order mark", path, encoding
                )
            return encoding
    halves = [head[parity::2].count(0) for parity in (0, 1)]
    if max(halves) > 1 and not min(halves):  # every other byte of ASCII is 0
        name = "UTF-16LE" if halves[1] else "UTF-16BE"
        raise ValueError(
            f"{path}:1: {name} without a byte order mark, expected UTF-8; convert the "
            f"file by `iconv -f {name} -t UTF-8`"
        )
    return "utf-8"


def _read_marked(stream: BinaryIO, path: str | Path, encoding: str) -> Iterator[str]:
    number = 0
    lines = io.TextIOWrapper(stream, encoding=encoding, newline="\n")
    try:
        for line in lines:
            number += 1
            yield line
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}:{number + 1}: not {encoding} ({error.reason}), although it has "
            "its byte order mark; convert the file to UTF-8"
        ) from None


def _split_returns(text: str) -> Iterator[str]:
    yield from (f"{line}\n" for line in text.rstrip("\r").split("\r"))
