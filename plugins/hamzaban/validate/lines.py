"""One pass over a file of a data directory: its lines, ids, order and values.

Functions that run in C check a block of lines at once; only a block with a fault is
checked line by line.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter, lt
from pathlib import Path
from typing import Protocol

from hamzaban.data.files import Pair, sorted_pairs
from hamzaban.utf8 import describe_fault
from hamzaban.validate.report import Findings
from hamzaban.validate.text import WHITE_OR_CONTROL

BLOCK_BYTES = 1 << 20
CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n")) + b"\x7f"

Fields = list[list[bytes]]
Problem = tuple[int, str, str]  # place in the block, kind, what was found


class Rule(Protocol):
    """What must follow the id on the lines of one kind of file."""

    num_fields: int  # words of a line including its id; 0 for any number from 2

    def check(self, fields: Fields, data: bytes) -> list[Problem]:
        """Return the problems of a block of lines.

        Args:
            fields: The words of each line, or the id and the rest with its newline if
                `num_fields` is 0.
            data: The same lines as in the file.
        """


class FreeRule:
    """Lines of an id and any text."""

    num_fields = 0

    def check(self, fields: Fields, data: bytes) -> list[Problem]:
        """Return no problem."""
        return []


@dataclass
class Scan:
    """The result of one pass over a file.

    Attributes:
        digest: Digest of all ids in order.
        is_sorted: Whether no id is lower than the one before.
        is_utf8: Whether all lines are UTF-8.
        column: Which word of a line is the id; only column 0 can be sorted.
    """

    path: Path
    num_lines: int = 0
    digest: bytes = b""
    is_sorted: bool = True
    is_utf8: bool = True
    column: int = 0

    def id_lines(self) -> Iterator[Pair]:
        """Yield ids in order, each with its line number as twelve digits."""
        pairs = read_id_lines(self.path, self.column)
        is_ordered = self.is_sorted and self.is_utf8 and self.column == 0
        return pairs if is_ordered else sorted_pairs(pairs)


def read_blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the number of the first line of a block, and the block's lines."""
    number = 1
    with open(path, "rb") as stream:
        while lines := stream.readlines(BLOCK_BYTES):
            yield number, lines
            number += len(lines)


def read_id_lines(path: Path, column: int = 0) -> Iterator[Pair]:
    """Yield the id and the number, as twelve digits, of each line that has an id."""
    for first, lines in read_blocks(path):
        for number, line in enumerate(lines, first):
            words = line.split(None, column + 1)
            if len(words) > column:
                yield to_text(words[column]), f"{number:012d}"


def to_text(data: bytes) -> str:
    """Decode UTF-8; other bytes become surrogate escapes."""
    return data.decode("utf-8", "surrogateescape")


def scan_file(path: Path, rule: Rule, findings: Findings) -> Scan:
    """Check a file on its own.

    Args:
        path: A file that exists.
        rule: The rule for its values.
        findings: Receives what is wrong.

    Returns:
        The scan, to compare with other files.
    """
    scan, ids = Scan(path), hashlib.blake2b()
    twice: list[tuple[int, bytes]] = []
    last, end = b"", b"\n"
    for first, lines in read_blocks(path):
        block = _Block(path, first, lines, findings)
        fields = block.split(rule.num_fields)
        keys = list(map(itemgetter(0), fields))
        if not all(map(lt, chain([last], keys), keys)):
            scan.is_sorted &= block.report_order(last, keys, twice)
        scan.is_utf8 &= block.check_characters(keys)
        for index, kind, found in rule.check(fields, block.data):
            block.report(index, kind, found)
        ids.update(b"".join([key + b"\n" for key in keys]))
        scan.num_lines += len(keys)
        last, end = keys[-1] if keys else last, lines[-1][-1:]
    scan.digest = ids.digest()
    _report_twice(scan, twice, findings)
    if scan.num_lines == 0:
        findings.add("empty-file", path, 0, "", "no lines")
    elif end != b"\n":
        findings.add(
            "no-newline", path, scan.num_lines, to_text(last), "no newline at the end"
        )
    return scan


def _report_twice(
    scan: Scan, twice: list[tuple[int, bytes]], findings: Findings
) -> None:
    """Report ids that occur twice; in an unsorted file they need not be neighbours."""
    if scan.is_sorted and not twice:
        return
    before: Pair = ("", "")
    for pair in scan.id_lines():
        if pair[0] == before[0]:
            found = f"id occurs twice, first on line {int(before[1])}"
            findings.add("duplicate", scan.path, int(pair[1]), pair[0], found)
        else:
            before = pair


class _Block:
    """A block of lines of a file, and which of them are checked further."""

    def __init__(
        self, path: Path, first: int, lines: list[bytes], findings: Findings
    ) -> None:
        self.path, self.first, self.lines = path, first, lines
        self.findings = findings
        self.data = b"".join(lines)
        self.places: list[int] | range = range(len(lines))
        self.keys: list[bytes] = []

    def report(self, index: int, kind: str, found: str) -> None:
        """Report a finding about the line at `index` of the fields."""
        number = self.first + self.places[index]
        self.findings.add(kind, self.path, number, to_text(self.keys[index]), found)

    def split(self, num_fields: int) -> Fields:
        """Return the lines as fields; report lines with too few or too many."""
        if num_fields:
            fields = list(map(bytes.split, self.lines))
            is_good = set(map(len, fields)) == {num_fields}
        else:
            fields = [line.split(None, 1) for line in self.lines]
            is_good = min(map(len, fields)) == 2
        if not is_good:
            fields = self._keep_good(fields, num_fields)
        self.keys = list(map(itemgetter(0), fields))
        return fields

    def _keep_good(self, fields: Fields, num_fields: int) -> Fields:
        is_text = self.path.name.startswith("text")
        self.places = []
        for place, words in enumerate(fields):
            number = self.first + place
            if not words:
                self.findings.add("blank-line", self.path, number, "", "blank line")
                continue
            self.places.append(place)
            if num_fields and len(words) != num_fields:
                found = f"{len(words)} words, expected {num_fields}"
            elif len(words) < 2:
                found = "nothing follows the id"
            else:
                continue
            kind = "empty-text" if is_text else "format"
            self.findings.add(kind, self.path, number, to_text(words[0]), found)
            words[1:] = [b""] * max(num_fields - 1, 1)  # keep the id without a value
        return [words for words in fields if words]

    def report_order(
        self, last: bytes, keys: list[bytes], twice: list[tuple[int, bytes]]
    ) -> bool:
        """Report ids that are lower than the one before; note equal ones in `twice`."""
        is_sorted = True
        for index, key in enumerate(keys):
            if key < last:
                is_sorted = False
                self.report(index, "unsorted", f"stands after {to_text(last)}")
            elif key == last:
                twice.append((self.first + self.places[index], key))
            last = key
        return is_sorted

    def check_characters(self, keys: list[bytes]) -> bool:
        """Report odd characters; return whether all lines are UTF-8."""
        if len(self.data.translate(None, CONTROL_BYTES)) != len(self.data):
            self._check_lines("control-character", _control_in)
            if b"\r\n" in self.data:
                self._check_lines("line-end", _line_end_in)
        if self.data.isascii():
            return True
        if not all(map(bytes.isascii, keys)):
            for index, key in enumerate(keys):
                if odd := WHITE_OR_CONTROL.search(to_text(key)):
                    mark = " (a byte order mark; `hamzaban copy-data` removes it)"
                    is_mark = odd.group() == "\ufeff" and not odd.start()
                    what = f"id has {_name(odd.group())}{mark if is_mark else ''}"
                    self.report(index, "id-characters", what)
        try:
            self.data.decode()
        except UnicodeDecodeError:
            self._check_lines("not-utf8", _not_utf8_in)
            return False
        return True

    def _check_lines(self, kind: str, find: Callable[[bytes], str | None]) -> None:
        for number, line in enumerate(self.lines, self.first):
            if found := find(line):
                key = to_text((line.split(None, 1) or [b""])[0])
                self.findings.add(kind, self.path, number, key, found)


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"


def _control_in(line: bytes) -> str | None:
    line = line.removesuffix(b"\r\n")
    found = next((byte for byte in line if byte in CONTROL_BYTES), None)
    return None if found is None else f"control character {_name(chr(found))}"


def _line_end_in(line: bytes) -> str | None:
    return "Windows line end (CRLF)" if line.endswith(b"\r\n") else None


def _not_utf8_in(line: bytes) -> str | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return describe_fault(error)
    return None
