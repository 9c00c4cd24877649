"""Audio and table out of Parquet and Arrow files, as Hugging Face `datasets` has them.

An audio column holds {bytes, path}: the bytes of a file; or, in some corpora, samples,
with their rate in another column. Rows are read in batches; the rest becomes a JSON
lines table beside the audio files.
"""

import io
import json
import logging
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.ingest.columns import NAMES, SPLITS

ROWS_AT_ONCE = 64
FILES_PER_FOLDER = 4000
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


def unpack_arrow(files: list[Path], folder: Path) -> Path:
    """Write the audio of files into a folder, and what else they say into a table.

    Args:
        files: Parquet or Arrow files of the same columns. A name such as
            `valid-00000-of-00001.parquet`, or a folder `valid`, tells the split.
        folder: Audio that is there already is kept.

    Returns:
        The table, metadata.jsonl, with the columns but that of audio, and
        `audio_file`, `split` added.

    Raises:
        ValueError: The package pyarrow is missing, or there is no column of audio.
    """
    table = folder / "metadata.jsonl"
    numbers = count()
    with atomic_text(table) as stream:
        for file in files:
            split = find_split(file)
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


def find_split(file: Path) -> str:
    """Return the split that the name of a file, or of its folder, begins with."""
    for name in (file.name, file.parent.name):
        split = SPLITS.get(re.split(r"[-_.]", name.lower())[0])
        if split:
            return split
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
    if not (path.is_file() and path.stat().st_size == len(content)):
        with atomic_path(path, sync=False) as temporary:
            temporary.write_bytes(content)
    return path


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
