"""Read text for language models, normalize it and split it into units."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text
from hamzaban.processes import run_on_processes
from hamzaban.text.marks import (
    MarkCounts,
    decode_entities,
    normalize_marked,
    read_marks,
)
from hamzaban.text.tokens import SPACE
from hamzaban.utf8 import read_utf8_lines

RAW = "raw"  # id that stands for no normalizer
RESERVED = frozenset(("<s>", "</s>", "<unk>"))  # KenLM's own words
CHUNK_LINES = 20_000
NO_LANG = (None, "", "noinfo")


def read_plain(path: str | Path) -> Iterator[str]:
    """Yield all lines of a file of sentences, with HTML entities decoded.

    A byte order mark is skipped, and a file whose name ends in .gz is unpacked.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: The file is not UTF-8.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file of text")
    for line in read_utf8_lines(path):
        yield decode_entities(line.rstrip("\r\n"))


def read_transcripts(path: str | Path) -> Iterator[str]:
    """Return an iterator over the transcripts of a Kaldi `text` file."""
    return (text for _, text in read_scp(path))


def load_normalizer(lang: str | None) -> Any:
    """Return the normalizer of a language's training text; None without a language."""
    if lang in NO_LANG:
        return None
    from hamzaban.text.normalizer import Normalizer

    return Normalizer(lang, "train")


def normalizer_id(normalizer: Any) -> str:
    """Return the id of a normalizer; `raw` for None."""
    return RAW if normalizer is None else str(normalizer.id)


def count_marks(
    lines: Iterable[str], marks: str, counts: MarkCounts, place: str | Path
) -> Iterator[str]:
    """Yield lines as they are, and count the marks of sounds and speakers in them.

    Raises:
        ValueError: There is a mark of a sound, and `marks` is `refuse`.
    """
    for number, line in enumerate(lines, 1):
        where = f"{place}:{number}"
        counts.add(read_marks(line, marks, where).marks, where)
        yield line


def normalize(
    lines: Iterable[str], normalizer: Any, nj: int = 1, marks: str = "drop"
) -> Iterator[str]:
    """Yield normalized lines, in order, with all white space as single spaces.

    Args:
        lines: Lines of text.
        normalizer: Normalizer that `load_normalizer` returned.
        nj: Number of processes.
        marks: What becomes of sounds, such as [laughter] (see `text.marks.read_marks`).

    Yields:
        A line for each line of the input; it may be empty.

    Raises:
        ValueError: A process died.
    """
    source = iter(lines)
    chunks = iter(lambda: list(itertools.islice(source, CHUNK_LINES)), [])
    nj = 1 if normalizer is None else nj
    work = partial(_normalize_chunk, normalizer, marks)
    for chunk in run_on_processes(work, chunks, nj, in_order=True):
        yield from chunk


def _normalize_chunk(normalizer: Any, marks: str, lines: list[str]) -> list[str]:
    rules = str if normalizer is None else normalizer.normalize
    read = (normalize_marked(line, rules, marks) for line in lines)
    return [" ".join(line.split()) for line in read]


def write_text(
    lines: Iterable[str], path: str | Path, split: Callable[[str], Sequence[str]]
) -> int:
    """Write lines split into units for `lmplz`; empty lines are left out.

    Args:
        lines: Normalized lines.
        path: The file to write.
        split: Returns the units of a line.

    Returns:
        Number of lines written.

    Raises:
        ValueError: A line has a word that KenLM reserves.
    """
    count = 0
    with atomic_text(path) as f:
        for number, line in enumerate(lines, 1):
            units = split(line)
            if not units:
                continue
            if not RESERVED.isdisjoint(units):
                found = next(unit for unit in units if unit in RESERVED)
                raise ValueError(
                    f"{path}: line {number} of its source has {found!r}, which is "
                    "KenLM's own word; take it out of the text"
                )
            f.write(" ".join(units) + "\n")
            count += 1
    return count


def split_words(line: str) -> list[str]:
    """Return the words of a line."""
    return line.split()


def split_chars(line: str) -> list[str]:
    """Return the characters of a line, with `<space>` between words, as in ESPnet."""
    return [SPACE if char == " " else char for char in line]


def bpe_splitter(bpemodel: str | Path) -> Callable[[str], list[str]]:
    """Return a function that splits a line into pieces of a SentencePiece model.

    Raises:
        FileNotFoundError: There is no such model.
    """
    from hamzaban.text.tokens import load_pieces

    processor = load_pieces(bpemodel)
    return lambda line: processor.encode(line, out_type=str) if line else []
