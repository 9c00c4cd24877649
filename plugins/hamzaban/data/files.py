"""Kaldi data directories: kinds of files, streaming readers, sorting.

A line is an id, a space and the rest. Lines are sorted by the bytes of their ids
(LC_ALL=C), which is also the order of Python's strings. No function holds a whole file
in memory.
"""

import codecs
import heapq
import itertools
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from hamzaban.utf8 import CONVERT, decode_line, describe_fault

MAX_PAIRS = 500_000  # lines held in memory when a file has to be sorted
_SPK_FILES = re.compile(r"spk2\w+|cmvn\.scp")
_RECO_FILES = re.compile(r"reco2\w+|wav\.scp")
_UTT_FILES = re.compile(r"utt2\w+|text(_\w+)?|segments|(feats|vad)\.scp")
_VALUE_FILES = re.compile(r"feats_type|audio_format|frame_shift")

Pair = tuple[str, str]


def kind_of(name: str, has_segments: bool = False) -> str | None:
    """Return the kind of ids that the lines of a file begin with.

    Args:
        name: File name in a data directory, such as `wav.scp`.
        has_segments: The directory has a file `segments`, so that wav.scp and reco2*
            are keyed by recording and not by utterance.

    Returns:
        "utt", "spk", "reco", "value" (one value, no keys) or None (not a data file).
    """
    if _RECO_FILES.fullmatch(name):
        return "reco" if has_segments else "utt"
    kinds = {"utt": _UTT_FILES, "spk": _SPK_FILES, "value": _VALUE_FILES}
    return next((kind for kind, form in kinds.items() if form.fullmatch(name)), None)


def list_files(data_dir: str | Path) -> dict[str, str]:
    """Return the kind (see `kind_of`) of each data file of a directory, by sorted name.

    Raises:
        NotADirectoryError: There is no such directory.
        FileNotFoundError: It has no utt2spk.
    """
    data_dir = Path(data_dir)
    if not data_dir.is_dir():
        raise NotADirectoryError(
            f"{data_dir}: no such data directory; expected a folder with utt2spk"
        )
    if not (data_dir / "utt2spk").is_file():
        raise FileNotFoundError(
            f"{data_dir}/utt2spk: no such file; a data directory needs one, "
            "a line `utt_id spk_id` for each utterance"
        )
    has_segments = (data_dir / "segments").is_file()
    names = sorted(path.name for path in data_dir.iterdir() if path.is_file())
    kinds = {name: kind_of(name, has_segments) for name in names}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def read_scp(path: str | Path) -> Iterator[Pair]:
    """Read a Kaldi file line by line: the id, then the rest ("" where there is none).

    Spaces or tabs separate the id from the rest; other white space belongs to the rest,
    but for the carriage return of a Windows line end.
    A byte order mark at the start of the file is skipped.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is blank or is not UTF-8.

    Examples:
        >>> _ = Path("text").write_text("utt1 salaam\\nutt2\\n", encoding="utf-8")
        >>> list(read_scp("text"))
        [('utt1', 'salaam'), ('utt2', '')]
    """
    path = Path(path)
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, 1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            fields = line.split(None, 1)
            try:
                key = fields[0].decode()
                rest = fields[1].rstrip(b" \t\r\n").decode() if len(fields) > 1 else ""
            except IndexError:
                raise ValueError(f"{path}:{number}: blank line; remove it") from None
            except UnicodeDecodeError:
                decode_line(line, f"{path}:{number}")
                raise
            yield key, rest


def find_lines(path: str | Path, key: str) -> list[int]:
    """Return the numbers of the lines of a Kaldi file that have an id."""
    return [number for number, (k, _) in enumerate(read_scp(path), 1) if k == key]


def read_spk2utt(path: str | Path) -> Iterator[Pair]:
    """Read spk2utt as pairs (spk_id, utt_id) in file order; lines may have any length.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not UTF-8.
    """
    for number, spk_id, utt_ids in read_spk2utt_pieces(path):
        if number == 1:
            spk_id = spk_id.removeprefix(codecs.BOM_UTF8)
        try:
            for utt_id in utt_ids:
                yield spk_id.decode(), utt_id.decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}:{number}: {describe_fault(error)}; {CONVERT}"
            ) from None


def read_spk2utt_pieces(
    path: str | Path, piece_bytes: int = 1 << 20
) -> Iterator[tuple[int, bytes, list[bytes]]]:
    """Read spk2utt in pieces, so that a speaker may have any number of utterances.

    Args:
        path: The file.
        piece_bytes: Most bytes read at once, at least the length of the longest id.

    Yields:
        Line number, spk_id, some utt_ids. A long line comes as several pieces, a
        blank line as one with an empty spk_id.
    """
    with open(path, "rb") as stream:
        number, spk_id, carry = 1, b"", b""
        while piece := stream.readline(piece_bytes):
            piece = carry + piece
            is_end = piece.endswith(b"\n")
            words = piece.split()
            carry = b"" if is_end or piece[-1:] in b" \t" else words.pop()
            if not spk_id and words:
                spk_id = words.pop(0)
            if words or is_end:
                yield number, spk_id, words
            if is_end:
                number, spk_id = number + 1, b""
        if spk_id or carry:  # the last line has no newline
            yield number, spk_id or carry, [carry] if spk_id and carry else []


def sorted_pairs(pairs: Iterable[Pair], max_pairs: int = MAX_PAIRS) -> Iterator[Pair]:
    """Yield pairs of strings sorted, on disk if they are many.

    Args:
        pairs: Pairs without line breaks, and without spaces in the first string.
        max_pairs: Most pairs held in memory.
    """
    pairs = iter(pairs)
    chunk = sorted(itertools.islice(pairs, max_pairs))
    if len(chunk) < max_pairs:
        yield from chunk
        return
    with tempfile.TemporaryDirectory(prefix="hamzaban-sort-") as folder:
        runs: list[Path] = []
        while chunk:
            runs.append(Path(folder) / str(len(runs)))
            with open_text(runs[-1]) as stream:
                stream.writelines(f"{key} {rest}\n" for key, rest in chunk)
            chunk = sorted(itertools.islice(pairs, max_pairs))
        yield from heapq.merge(*map(read_run, runs))


def read_run(path: Path) -> Iterator[Pair]:
    """Read a sorted run from disk as `read_scp` does, but without its checks."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        for line in stream:
            key, _, rest = line[:-1].partition(" ")
            yield key, rest


def open_text(path: Path) -> TextIO:
    """Open a file to write; bytes read as surrogate escapes are written unchanged."""
    return open(path, "w", encoding="utf-8", errors="surrogateescape", newline="\n")


def read_value(path: Path) -> str:
    """Read a file that holds one value, such as feats_type."""
    return path.read_text(encoding="utf-8").strip()


def log_left_out(source: Path, files: Mapping[str, str]) -> None:
    """Log which files are not data files and are left out."""
    names = {path.name for path in source.iterdir() if path.is_file()} - set(files)
    if names:
        left = " ".join(sorted(names))
        logging.info("%s: not data files, left out: %s", source, left)


def require_utts(num_utts: int, source: Path) -> None:
    """Refuse to write a directory without utterances.

    Raises:
        ValueError: `num_utts` is 0.
    """
    if num_utts == 0:
        raise ValueError(
            f"{source}/utt2spk: no utterance is left to write; expected at least one; "
            "check the selection"
        )
