"""Compare the ids of two files, and utt2spk with spk2utt, in streams.

Only files whose digests differ are read again and merged in order. Unsorted ones are
sorted first, on disk if necessary.
"""

import hashlib
import os
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from hamzaban.data.files import Pair, read_spk2utt_pieces, sorted_pairs
from hamzaban.validate.lines import CONTROL_BYTES, Scan, read_blocks, to_text
from hamzaban.validate.report import Findings
from hamzaban.validate.text import WHITE_OR_CONTROL

Group = tuple[str, list[str]]


def compare_ids(
    reference: Scan, other: Scan, findings: Findings, noun: str = "utt_id"
) -> None:
    """Report the ids that only one of two files has.

    Args:
        reference: The file that defines the ids.
        other: The file that must have the same ids.
        findings: Receives what is wrong.
        noun: Name of the ids in findings.
    """
    if reference.digest == other.digest:
        return
    joined = _merge(_group(reference.id_lines()), _group(other.id_lines()))
    for key, left, right in joined:
        if not left:
            found = f"{noun} is not in {reference.path.name}"
            findings.add("unknown-id", other.path, int(right[0]), key, found)
        elif not right:
            found = f"{noun} is not in {other.path.name}"
            findings.add("missing-id", reference.path, int(left[0]), key, found)


def _group(pairs: Iterator[Pair]) -> Iterator[Group]:
    for key, group in groupby(pairs, itemgetter(0)):
        yield key, [rest for _, rest in group]


def _merge(
    left: Iterator[Group], right: Iterator[Group]
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each key of two sorted streams with its lists of values, [] for none."""
    one, two = next(left, None), next(right, None)
    while one or two:
        if two is None or (one is not None and one[0] < two[0]):
            assert one is not None
            yield one[0], one[1], []
            one = next(left, None)
        elif one is None or two[0] < one[0]:
            yield two[0], [], two[1]
            two = next(right, None)
        else:
            yield one[0], one[1], two[1]
            one, two = next(left, None), next(right, None)


def scan_spk2utt(path: Path, findings: Findings) -> tuple[Scan, bytes]:
    """Check spk2utt on its own; a line may be longer than memory.

    Returns:
        The scan of its speakers, and the digest of its lines `utt_id spk_id`.
    """
    scan, speakers, pairs = Scan(path), hashlib.blake2b(), hashlib.blake2b()
    last, number_before, is_alone, last_number = b"", 0, False, 0
    for number, spk_id, utt_ids in read_spk2utt_pieces(path):
        pairs.update(b"".join([b"%s %s\n" % (utt_id, spk_id) for utt_id in utt_ids]))
        if number == number_before:
            is_alone = is_alone and not utt_ids
            continue
        _report_alone(path, number_before, last, is_alone, findings)
        is_alone, number_before = not utt_ids, number
        if not spk_id:
            findings.add("blank-line", path, number, "", "blank line")
            is_alone = False
            continue
        speakers.update(spk_id + b"\n")
        _check_speaker(scan, number, (last, last_number), spk_id, findings)
        last, last_number = spk_id, number
        scan.num_lines += 1
    _report_alone(path, number_before, last, is_alone, findings)
    if scan.num_lines == 0:
        findings.add("empty-file", path, 0, "", "no lines")
    elif not _ends_line(path):
        found = "no newline at the end"
        findings.add("no-newline", path, number_before, to_text(last), found)
    scan.digest = speakers.digest()
    return scan, pairs.digest()


def _ends_line(path: Path) -> bool:
    with open(path, "rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def _report_alone(
    path: Path, number: int, spk_id: bytes, is_alone: bool, findings: Findings
) -> None:
    if is_alone:
        found = "nothing follows the id, expected utt_ids"
        findings.add("format", path, number, to_text(spk_id), found)


def _check_speaker(
    scan: Scan,
    number: int,
    before: tuple[bytes, int],
    spk_id: bytes,
    findings: Findings,
) -> None:
    key, (last, last_number) = to_text(spk_id), before
    if spk_id < last:
        scan.is_sorted = False
        found = f"stands after {to_text(last)}"
        findings.add("unsorted", scan.path, number, key, found)
    elif spk_id == last:
        found = f"id occurs twice, first on line {last_number}"
        findings.add("duplicate", scan.path, number, key, found)
    if WHITE_OR_CONTROL.search(key) or spk_id.translate(None, CONTROL_BYTES) != spk_id:
        found = "id has a control character or odd white space"
        findings.add("id-characters", scan.path, number, key, found)


def compare_speakers(utt2spk: Path, spk2utt: Path, findings: Findings) -> None:
    """Report where spk2utt differs from utt2spk; call it if their digests differ.

    A different order of the same pairs is not reported.
    """
    left = _group(sorted_pairs(_utt2spk_lines(utt2spk)))
    right = _group(sorted_pairs(_spk2utt_lines(spk2utt)))
    for utt_id, ones, twos in _merge(left, right):
        if not twos:
            found = "utt_id is not in spk2utt"
            findings.add("spk2utt", utt2spk, _number(ones[0]), utt_id, found)
            continue
        for two in twos[1:]:
            found = f"utt_id occurs twice, first on line {_number(twos[0])}"
            findings.add("spk2utt", spk2utt, _number(two), utt_id, found)
        if not ones:
            found = "utt_id is not in utt2spk"
            findings.add("spk2utt", spk2utt, _number(twos[0]), utt_id, found)
        elif ones[0][13:] != twos[0][13:]:
            found = f"speaker {twos[0][13:]}, but utt2spk has {ones[0][13:]}"
            findings.add("spk2utt", spk2utt, _number(twos[0]), utt_id, found)


def _utt2spk_lines(path: Path) -> Iterator[Pair]:
    """Yield utt_id, and the line number as twelve digits followed by the speaker."""
    for first, lines in read_blocks(path):
        for number, line in enumerate(lines, first):
            words = [*line.split(None, 1), b""]
            if words[0]:
                yield to_text(words[0]), f"{number:012d} {to_text(words[1].strip())}"


def _spk2utt_lines(path: Path) -> Iterator[Pair]:
    for number, spk_id, utt_ids in read_spk2utt_pieces(path):
        rest = f"{number:012d} {to_text(spk_id)}"
        for utt_id in utt_ids:
            yield to_text(utt_id), rest


def _number(rest: str) -> int:
    return int(rest[:12])
