"""Find the form of a user's own corpus, and read its items."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.data.walk import log_leftovers
from hamzaban.ingest.columns import (
    SPLITS,
    Item,
    TableOptions,
    read_items,
)
from hamzaban.ingest.folders import check_transcripts, list_audio, read_folder
from hamzaban.ingest.kaldi import list_data_dirs, read_kaldi
from hamzaban.ingest.meanings import choose_columns
from hamzaban.ingest.tables import JSON_LINES, read_forms

TABLES = (".csv", ".tsv", *JSON_LINES)
METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl")  # of an `audiofolder`
FORMS = (
    "a table (.csv, .tsv, .jsonl), a folder with metadata.csv or metadata.jsonl, a "
    "folder with tables called train, valid or dev, and test, a "
    "Kaldi data directory (wav.scp, text, utt2spk), a folder with data directories "
    "called train, valid and test, or a folder of audio with a "
    ".txt, .lab, .srt or .vtt beside each file"
)


@dataclass(frozen=True)
class Source:
    """A corpus that can be read any number of times.

    Attributes:
        path: The path that the user gave.
        tables: Tables, each with the split that its name or folder gives, "" for none.
        kaldi: Kaldi data directories, each with its split.
        meanings: The meanings of the columns of each table that has been read.
    """

    path: Path
    tables: tuple[tuple[Path, str], ...] = ()
    kaldi: tuple[tuple[Path, str], ...] = ()
    meanings: dict[Path, Mapping[str, str]] = field(default_factory=dict)

    def read(self, options: TableOptions, speaker_folders: bool) -> Iterator[Item]:
        """Read the items of tables, data directories, or audio and text files."""
        if not self.tables and not self.kaldi:
            yield from read_folder(self.path, speaker_folders)
        for folder, split in self.kaldi:
            yield from read_kaldi(folder, split)
        for table, split in self.tables:
            meaning = self._read_meaning(table, options)
            for item in read_items(table, options, meaning):
                if self._is_below(table) and item.audio:  # absolute paths stay so
                    item = item._replace(
                        audio=f"{table.parent.name / Path(item.audio)}"
                    )
                yield item._replace(split=split or item.split)

    def _read_meaning(self, table: Path, options: TableOptions) -> Mapping[str, str]:
        if table not in self.meanings:
            delimiter, columns = options.delimiter or None, options.columns
            forms = read_forms(table, delimiter, columns=columns)
            self.meanings[table] = choose_columns(table, forms, options.given)
        return self.meanings[table]

    def folders(self) -> list[Path]:
        """Return the folders that paths in the corpus may start from."""
        if self.kaldi:  # paths mostly start where the recipe was run
            parents = (parent for d, _ in self.kaldi for parent in (d, *d.parents[:2]))
            return list(dict.fromkeys([Path(), *parents]))
        tables = [table for table, _ in self.tables]
        roots = (t.parent.parent if self._is_below(t) else t.parent for t in tables)
        return list(dict.fromkeys(roots))

    def split_folders(self) -> list[str]:
        """Return the names of the folders of splits that hold a table."""
        return [table.parent.name for table, _ in self.tables if self._is_below(table)]

    def _is_below(self, table: Path) -> bool:
        """Return whether a table lies in a folder of its split, such as train/."""
        return table.parent.parent == self.path


def has_table(path: Path) -> bool:
    """Return whether a folder has a table or a Kaldi list beside what else is there."""
    return (path / "wav.scp").is_file() or any(path.glob("metadata.*"))


def open_source(path: Path) -> Source:
    """Recognize the form of a corpus and return the corpus.

    Raises:
        FileNotFoundError: There is no such file or folder, or nothing known in it.
        ValueError: The file is not a table.
    """
    if path.is_file():
        if path.suffix.lower() in TABLES:
            _warn_of_neighbours(path)
            return Source(path, ((path, ""),))
        raise ValueError(f"{path}: neither a table nor a folder, expected {FORMS}")
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such file or folder, expected {FORMS}")
    if kaldi := list_data_dirs(path):
        return Source(path, kaldi=tuple(kaldi))
    tables = _list_tables(path)
    if tables:
        return Source(path, tuple(tables))
    if next(list_audio(path), None) is None:
        raise FileNotFoundError(f"{path}: nothing that can be read, expected {FORMS}")
    log_leftovers(path)
    check_transcripts(path)
    return Source(path)


def _warn_of_neighbours(path: Path) -> None:
    """Log the tables of other splits that lie beside the one table to be read."""
    own = SPLITS.get(path.stem.lower())
    others = [table.name for table, split in _list_splits(path.parent) if split != own]
    if own and others:
        logging.warning(
            "%s: only this table is read, and %s beside it is not; give the folder to "
            "keep its split",
            path,
            " and ".join(others),
        )


def _list_splits(path: Path) -> list[tuple[Path, str]]:
    """Return the tables of a folder that are named after a split, such as dev.tsv."""
    return [
        (file, SPLITS[file.stem.lower()])
        for file in sorted(path.iterdir())
        if file.suffix.lower() in TABLES
        and file.stem.lower() in SPLITS
        and file.is_file()
    ]


def _list_tables(path: Path) -> list[tuple[Path, str]]:
    """Return the metadata tables of a folder or its train, validation and test."""
    tables = [(path / name, "") for name in METADATA if (path / name).is_file()]
    if tables:
        return tables[:1]
    for folder in sorted(path.iterdir()):
        split = SPLITS.get(folder.name.lower())
        if split and folder.is_dir():
            names = [folder / name for name in METADATA if (folder / name).is_file()]
            tables += [(name, split) for name in names[:1]]
    return tables or _list_splits(path)
