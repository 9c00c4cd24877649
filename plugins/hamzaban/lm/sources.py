"""Normalize the texts of language models, without the lines that leak."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from hamzaban.fileio import atomic_text
from hamzaban.lm.audit import Leak, Texts
from hamzaban.lm.text import (
    count_marks,
    load_normalizer,
    normalize,
    read_plain,
    read_transcripts,
)
from hamzaban.text.marks import MarkCounts

TRANSCRIPTS, FURTHER = "transcripts", "further"


def write_sources(
    texts: Texts,
    folder: Path,
    dropped: list[Leak],
    *,
    lang: str | None,
    nj: int,
    marks: str,
) -> dict[str, Path]:
    """Write the normalized lines of each text that models are trained or measured on.

    Args:
        texts: The texts.
        folder: Folder to write `<name>.txt` to.
        dropped: Lines of the further text that are left out.
        lang: Language whose normalizer is used; None: the text is not normalized.
        nj: Number of processes that normalize.
        marks: What becomes of sounds, such as [laughter]; they are counted in the log.

    Returns:
        The files by the name of the text.

    Raises:
        ValueError: There is a mark of a sound, and `marks` is `refuse`.
    """
    places = {leak.place for leak in dropped}
    counts = MarkCounts()

    def read_further() -> Iterator[str]:
        for path in texts.lm:
            lines = count_marks(read_plain(path), marks, counts, path)
            for number, line in enumerate(lines, 1):
                if f"{path}:{number}" not in places:
                    yield line

    def chain(paths: Iterable[Path]) -> Iterator[str]:
        for path in paths:
            yield from count_marks(read_transcripts(path), marks, counts, path)

    readers: dict[str, Iterator[str]] = {}
    if texts.train:
        readers[TRANSCRIPTS] = chain(texts.train)
    if texts.lm:
        readers[FURTHER] = read_further()
    if texts.valid:
        readers["valid"] = chain(texts.valid)
    for path in texts.test:
        readers[_find_free_name(path.parent.name, readers)] = chain((path,))
    for name, lines in readers.items():
        with atomic_text(folder / f"{name}.txt") as f:
            read = normalize(lines, load_normalizer(lang), nj, marks)
            f.writelines(line + "\n" for line in read)
    for text in counts.describe():
        logging.info("%s; --marks %s", text, marks)
    return {name: folder / f"{name}.txt" for name in readers}


def _find_free_name(name: str, taken: Collection[str]) -> str:
    return name if name not in taken else f"{name}-{len(taken)}"
