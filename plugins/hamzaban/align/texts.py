"""Read the text of a recording: plain, stm, srt, vtt, or a column of a table."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hamzaban.ingest.lines import open_utf8
from hamzaban.ingest.meanings import NAMES, plain_name
from hamzaban.ingest.tables import read_forms, read_rows
from hamzaban.ingest.transcripts import read_captions
from hamzaban.score.time_marked import read_stm

TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
CAPTIONS = (".srt", ".vtt")
MAX_WORDS = 30  # a longer line of plain text is split
_SENTENCE_END = re.compile(r"(?<=[.!?؟۔।…])[\"'»”’)\]]*\s+")


class Sentence(NamedTuple):
    """A sentence as the user wrote it, and where: file and line."""

    text: str
    place: str


def read_sentences(path: Path) -> list[Sentence]:
    """Read the sentences of a text, in order; the suffix of its name tells the format.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line cannot be read, or there is no sentence.
    """
    suffix = path.suffix.lower()
    if suffix in TABLES:
        found = _read_table(path)
    elif suffix in CAPTIONS:
        texts = enumerate(read_captions(path), 1)
        found = (Sentence(caption.text, f"{path}:#{n}") for n, caption in texts)
    elif suffix == ".stm":
        found = _read_stm(path)
    else:
        found = _read_plain(path)
    sentences = [s for s in found if s.text.strip()]
    if not sentences:
        raise ValueError(
            f"{path}: no sentence found, expected text; a suffix .srt, .vtt, .stm, "
            ".csv, .tsv or .jsonl tells the format, any other means plain text"
        )
    return sentences


def split_sentences(line: str, max_words: int = MAX_WORDS) -> list[str]:
    """Split a line after marks that end sentences, and long sentences between words.

    Args:
        line: A line of text.
        max_words: A line of so many words stays as it is; longer sentences are cut.

    Examples:
        >>> split_sentences("Is it? It is.")
        ['Is it? It is.']
        >>> split_sentences("Is it? It is.", max_words=3)
        ['Is it?', 'It is.']
    """
    if len(line.split()) <= max_words:
        return [line.strip()]
    pieces: list[str] = []
    start = 0
    for found in (*_SENTENCE_END.finditer(line), None):
        end = found.end() if found else len(line)
        words = line[start:end].split()
        firsts = range(0, len(words), max_words)
        pieces += (" ".join(words[i : i + max_words]) for i in firsts)
        start = end
    return pieces


def _read_plain(path: Path) -> Iterator[Sentence]:
    with open_utf8(path) as lines:
        for number, line in enumerate(lines, 1):
            for piece in split_sentences(line):
                yield Sentence(piece, f"{path}:{number}")


def _read_table(path: Path) -> Iterator[Sentence]:
    header = [name for form in read_forms(path) for name in form]
    known = [n for name in NAMES["text"] for n in header if plain_name(n) == name]
    if not known:
        raise ValueError(
            f"{path}: no column of text known; found {', '.join(header)}; rename it to "
            "text, or give a file of plain text"
        )
    for number, row in read_rows(path):
        yield Sentence(row.get(known[0], "").strip(), f"{path}:{number}")


def _read_stm(path: Path) -> Iterator[Sentence]:
    segments = [segment for segment in read_stm(path) if segment.is_scored]
    names = sorted({" ".join(segment.recording) for segment in segments})
    if len(names) > 1:
        raise ValueError(
            f"{path}: {len(names)} recordings ({names[0]}, {names[1]} ...), expected "
            "the text of one; divide the file"
        )
    for number, segment in enumerate(segments, 1):
        yield Sentence(segment.text, f"{path}:#{number}")
