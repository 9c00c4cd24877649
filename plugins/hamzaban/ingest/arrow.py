"""Audio and table out of Parquet and Arrow files, as Hugging Face `datasets` has them.

An audio column holds {bytes, path}: the bytes of a file; or, in some corpora, samples,
with their rate in another column. Rows are read in batches; the rest becomes a JSON
lines table beside the audio files.
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

from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.ingest.columns import NAMES, SPLITS
from hamzaban.ingest.hashed import hash_name
from hamzaban.ingest.select import SETS

ROWS_AT_ONCE = 64
FILES_PER_FOLDER = 4000
NO_SPLITS = ("validated", "invalidated", "other", "unvalidated")  # of Common Voice
UNPACKED = "audio_file"  # the column that is added
RATES = ("samplerate", "sampling_rate", "sample_rate")
MAGIC = {b"RIFF": ".wav", b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3"}
_NOT_IN_NAME = re.compile(r"[^\w.-]+")


def find_arrow(path: Path) -> list[Path]:
    """Find Parquet files, or else Arrow files, in and below a folder, sorted."""
    for form in ("*.parquet", "data-*.arrow", "*.arrow"):
        if found := sorted(path.rglob(form)):
            return found
    return []


def choose_files(files: list[Path], read_all: bool) -> list[tuple[Path, str]]:
    """Say which files are to be read, and the split that each is.

    Where names tell splits, Common Voice's `invalidated` and the like, which are none,
    are left out, counted in the log.

    Args:
        files: Parquet or Arrow files of a corpus.
        read_all: Those of other names are read, without a split.

    Raises:
        ValueError: Some names tell a split and others something unknown.
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
            f"{(unknown or files)[0]}: names of files tell splits and this one tells "
            f"none; known: {', '.join(SPLITS)}; rename it or its folder, move away "
            "what is not to be read, or draw a split by --ignore_split true"
        )
    return kept


def unpack_arrow(files: list[tuple[Path, str]], folder: Path) -> Path:
    """Write the audio of files into a folder, and what else they say into a table.

    Args:
        files: Parquet or Arrow files of the same columns, and the split of each, as
            `choose_files` says; "" for what their rows say.
        folder: For this corpus alone. Audio that is there already and the same is
            left as it is.

    Returns:
        The table, metadata.jsonl, with the columns but that of audio, and
        `audio_file`, `split` added.

    Raises:
        ValueError: The package pyarrow is missing, or there is no column of audio.
    """
    table = folder / "metadata.jsonl"
    numbers = count()
    with atomic_text(table) as stream:
        for file, split in files:
            for row in _read_rows(file):
                name = _find_audio_column(row, file)
                audio = row.pop(name)
                number = next(numbers)
                part = folder / f"{number // FILES_PER_FOLDER:05d}"
                place = _write_audio(audio, row, part, number)
                row = {k: v for k, v in row.items() if not isinstance(v, bytes)}
                row |= {UNPACKED: str(place.relative_to(folder))}
                if split:
                    row["split"] = split
                stream.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
            logging.info("%s: unpacked to %s", file, folder)
    return table


def name_folder(path: Path) -> str:
    """Return a name of its own for what is written out of a corpus, by its path."""
    whole = path.resolve()
    return f"{_NOT_IN_NAME.sub('_', whole.stem)}-{hash_name(str(whole)):016x}"[:-8]


def find_split(file: Path) -> str:
    """Return what the name of a file, or of its folder, begins with.

    Returns:
        train, valid or test, one of `NO_SPLITS`, or "" for any other.
    """
    for name in (file.name, file.parent.name):
        word = re.split(r"[-_.]", name.lower())[0]
        if word in SPLITS or word in NO_SPLITS:
            return SPLITS.get(word, word)
    return ""


def _read_rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            f"{file}: reading it takes the package pyarrow, which is not installed; "
            "`pip install pyarrow`, or write the audio out as files with a table"
        ) from None
    try:
        if file.suffix == ".parquet":
            with pyarrow.parquet.ParquetFile(file) as parquet:
                for batch in parquet.iter_batches(ROWS_AT_ONCE):
                    yield from batch.to_pylist()
            return
        with pyarrow.memory_map(str(file)) as mapped:
            for batch in pyarrow.ipc.open_stream(mapped):
                for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                    yield from batch.slice(start, ROWS_AT_ONCE).to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{file}: cannot be read ({error}); fetch it again") from error


def _find_audio_column(row: dict[str, Any], file: Path) -> str:
    for name, value in row.items():
        is_audio = isinstance(value, dict) and "bytes" in value
        if is_audio or (name in NAMES["audio"] and isinstance(value, list)):
            return name
    raise ValueError(
        f"{file}: no column of audio; found {', '.join(row)}, expected one with bytes "
        "and path, or with samples"
    )


def _write_audio(audio: Any, row: dict[str, Any], folder: Path, number: int) -> Path:
    """Write the audio of a row; its name begins with the row's number."""
    if isinstance(audio, list):
        rate = next((row[name] for name in RATES if row.get(name)), None)
        if rate is None:
            raise ValueError(
                f"{folder}: audio {number} is samples without a rate, expected a "
                f"column {' or '.join(RATES)}; write the audio out as files"
            )
        content, suffix = _encode(audio, int(rate)), ".flac"
        title = next((str(v) for k, v in row.items() if "name" in k and v), "")
    else:
        content, title = audio["bytes"] or b"", str(audio.get("path") or "")
        suffix = _find_suffix(content, Path(title).suffix.lower())
    stem = _NOT_IN_NAME.sub("_", Path(title).stem)[-100:]
    path = folder / f"{number:08d}{'-' if stem else ''}{stem}{suffix}"
    if not _holds(path, content):
        with atomic_path(path, sync=False) as temporary:
            temporary.write_bytes(content)
    return path


def _holds(path: Path, content: bytes) -> bool:
    if not path.is_file() or path.stat().st_size != len(content):
        return False
    return path.read_bytes() == content


def _find_suffix(content: bytes, named: str) -> str:
    for magic, suffix in MAGIC.items():
        if content.startswith(magic):
            return suffix
    return named or ".mp3"


def _encode(samples: list[float], fs: int) -> bytes:
    import numpy as np
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.array(samples, np.float32), fs, format="flac")
    return file.getvalue()
