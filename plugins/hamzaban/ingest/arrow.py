"""Unpack Parquet and Arrow files, as Hugging Face `datasets` writes them.

The audio column holds {bytes, path}, where bytes are a whole audio file or missing. In
some corpora it holds a path, or samples whose rate is in another column. Rows are read
in batches. The other columns become a JSON lines table beside the audio files.
"""

import io
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from hamzaban.audio.stream import check_rate
from hamzaban.data.walk import walk_files
from hamzaban.extras import name_install
from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.ingest.columns import SPLITS
from hamzaban.ingest.finder import USUAL
from hamzaban.ingest.hashed import hash_name
from hamzaban.ingest.meanings import NAMES
from hamzaban.ingest.select import SETS

ROWS_AT_ONCE = 64
FILES_PER_FOLDER = 4000
NO_SPLITS = ("validated", "invalidated", "other", "unvalidated")  # of Common Voice
UNPACKED = "audio_file"  # name of the added column
RATES = ("samplerate", "sampling_rate", "sample_rate")
MAGIC = {b"RIFF": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3"}
_NOT_IN_NAME = re.compile(r"[^\w.-]+")


def list_arrow_files(path: Path) -> list[Path]:
    """Return the Parquet files of a folder, or else its Arrow files, sorted."""
    files = sorted(map(Path, walk_files(path)))
    for form in ("*.parquet", "data-*.arrow", "*.arrow"):
        if found := [file for file in files if file.match(form)]:
            return found
    return []


def choose_files(files: list[Path], read_all: bool) -> list[tuple[Path, str]]:
    """Return the files to read, and the split of each.

    Where names tell splits, files such as Common Voice's `invalidated`, which is no
    split, are left out and counted in the log.

    Args:
        files: Parquet or Arrow files of a corpus.
        read_all: Whether to read files of other names, too, without a split.

    Raises:
        ValueError: Some file names give a split and others do not.
    """
    named = [(file, find_split(file)) for file in files]
    names = {split for _, split in named}
    if len(names) == 1 and not names & set(SETS):
        return [(file, "") for file in files]
    kept = [(file, split) for file, split in named if split not in NO_SPLITS]
    for name, num_files in Counter(s for _, s in named if s in NO_SPLITS).items():
        logging.info("Parquet or Arrow files left out: %d of %s", num_files, name)
    unknown = [file for file, split in kept if not split]
    if not kept or (unknown and not read_all):
        raise ValueError(
            f"{(unknown or files)[0]}: other file names give splits and this one gives "
            f"none; known: {', '.join(SPLITS)}; rename it or its folder, move away "
            "what is not to be read, or draw a split by --ignore_split true"
        )
    return kept


def unpack_arrow(files: list[tuple[Path, str]], folder: Path) -> Path:
    """Write the audio of files into a folder, and their other columns into a table.

    A row that holds only a path keeps it if there is no such file beside the Parquet or
    Arrow file.

    Args:
        files: Parquet or Arrow files of the same columns, and the split of each, as
            `choose_files` returns it; "" if the rows give it.
        folder: A folder for this corpus alone. Audio files that are there already are
            not written again.

    Returns:
        The table, metadata.jsonl: all columns except that of audio, and the columns
        `audio_file` and `split`.

    Raises:
        ValueError: The package pyarrow is missing, there is no column of audio, or a
            file cannot be read.
    """
    table = folder / "metadata.jsonl"
    numbers = count()
    with atomic_text(table) as stream:
        for file, split in files:
            for audio, row in _read_rows(file):
                number = next(numbers)
                content, title = _read_audio(audio, row, f"{file}: row {number}")
                row = {k: v for k, v in row.items() if not isinstance(v, bytes)}
                row[UNPACKED] = (
                    _write_audio(content, title, folder, number)
                    if content
                    else _find_beside(file, title)
                )
                if split:
                    row["split"] = split
                stream.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
            logging.info("%s: unpacked to %s", file, folder)
    return table


def name_folder(path: Path) -> str:
    """Return a folder name for the unpacked files of a corpus, unique by its path."""
    whole = path.resolve()
    return f"{_NOT_IN_NAME.sub('_', whole.stem)}-{hash_name(str(whole)):016x}"[:-8]


def find_split(file: Path) -> str:
    """Return the split that the name of a file, or of its folder, begins with.

    Returns:
        train, valid or test, one of `NO_SPLITS`, or "" for any other.
    """
    for name in (file.name, file.parent.name):
        word = re.split(r"[-_.]", name.lower())[0]
        if word in SPLITS or word in NO_SPLITS:
            return SPLITS.get(word, word)
    return ""


def _read_rows(file: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the audio of each row, and its other columns."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            f"{file}: reading it takes the package pyarrow, which is not installed; "
            f"{name_install('train')} installs it; or write the audio out as files "
            "with a table"
        ) from None
    try:
        if file.suffix == ".parquet":
            with pyarrow.parquet.ParquetFile(file) as parquet:
                name = _choose_audio_column(parquet.schema_arrow, file)
                for batch in parquet.iter_batches(ROWS_AT_ONCE):
                    yield from ((row.pop(name), row) for row in batch.to_pylist())
            return
        with pyarrow.memory_map(str(file)) as mapped:
            stream = pyarrow.ipc.open_stream(mapped)
            name = _choose_audio_column(stream.schema, file)
            for batch in stream:
                for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                    rows = batch.slice(start, ROWS_AT_ONCE).to_pylist()
                    yield from ((row.pop(name), row) for row in rows)
    except pyarrow.ArrowException as error:
        raise ValueError(f"{file}: cannot be read ({error}); fetch it again") from error


def _choose_audio_column(schema: Any, file: Path) -> str:
    """Return the column that holds audio, or else the one that holds paths."""
    from pyarrow import types

    for field in schema:
        if types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0:
            return field.name
    named = [field for field in schema if field.name in NAMES["audio"]]
    for field in named:
        if types.is_list(field.type) or types.is_large_list(field.type):
            return field.name
    for field in named:
        if types.is_string(field.type) or types.is_large_string(field.type):
            return field.name
    raise ValueError(
        f"{file}: no column of audio; found {', '.join(schema.names)}, expected one "
        f"with bytes and path, or one of samples or paths called {NAMES['audio'][0]}, "
        f"{', '.join(NAMES['audio'][1:])}"
    )


def _read_audio(audio: Any, row: dict[str, Any], place: str) -> tuple[bytes, str]:
    """Return the bytes of a row's audio file, b"" if there are none, and its path."""
    if audio is None or isinstance(audio, str):
        return b"", audio or ""
    if isinstance(audio, dict):
        return audio["bytes"] or b"", str(audio.get("path") or "")
    title = next((str(v) for k, v in row.items() if "name" in k and v), "")
    if not audio:
        return b"", ""
    rate = next((row[name] for name in RATES if row.get(name)), None)
    if rate is None:
        raise ValueError(
            f"{place}: samples without a rate, expected a column "
            f"{' or '.join(RATES)}; write the audio out as files"
        )
    return _encode(audio, rate, place), title


def _find_beside(file: Path, audio: str) -> str:
    """Return the path of a row's audio beside the file, or the path as it is."""
    folders = (d / name for d in file.absolute().parents[:2] for name in USUAL)
    found = (d / audio for d in folders if audio and (d / audio).is_file())
    return str(next(found, audio))


def _write_audio(content: bytes, title: str, folder: Path, number: int) -> str:
    """Write the audio of a row; return its path in the folder."""
    stem = _NOT_IN_NAME.sub("_", Path(title).stem)[-100:]
    suffix = _choose_suffix(content, Path(title).suffix.lower())
    name = f"{number:08d}{'-' if stem else ''}{stem}{suffix}"
    path = folder / f"{number // FILES_PER_FOLDER:05d}" / name
    if not _holds(path, content):
        with atomic_path(path, sync=False) as temporary:
            temporary.write_bytes(content)
    return str(path.relative_to(folder))


def _holds(path: Path, content: bytes) -> bool:
    if not path.is_file() or path.stat().st_size != len(content):
        return False
    return path.read_bytes() == content


def _choose_suffix(content: bytes, named: str) -> str:
    for magic, suffix in MAGIC.items():
        if content.startswith(magic):
            return suffix
    return named or ".mp3"


def _encode(samples: list[Any], rate: Any, place: str) -> bytes:
    """Return samples as a FLAC file.

    Args:
        samples: In -1..1, one for each time or one list of channels for each time.
        rate: What the row states as the rate, in Hz.
        place: The file and row, for messages.

    Raises:
        ValueError: The rate or the samples cannot be those of audio.
    """
    import numpy as np
    import soundfile

    try:
        fs = int(rate)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{place}: rate {str(rate)[:40]!r}, expected a number of Hz; correct it"
        ) from None
    check_rate(fs, place)
    file = io.BytesIO()
    try:
        soundfile.write(file, np.array(samples, np.float32), fs, format="flac")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{place}: its list is not audio ({error}), expected samples in -1..1; "
            "write the audio out as files"
        ) from error
    return file.getvalue()
