"""Records of sources and of their parts on disk, which reruns continue from."""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hamzaban.config import read_dataclass
from hamzaban.fileio import atomic_path, atomic_text, read_record, warn_of_damage
from hamzaban.mine.decode import Media

KEPT = "-"
VERSION = 2  # raise it when a change of mining or of records invalidates old records


class Chunk(NamedTuple):
    """A span of a source, kept or dropped.

    Attributes:
        start: First sample, counted at `fs` from the start of the source.
        end: The sample after the last.
        reason: One word that says why it was dropped; "-" if it was kept.
        speech_ratio: Share of its frames that are speech.
        level_db: RMS level in dB of full scale.
        clipping: Share of its samples at or above `clip_level`.
        language: Code from the language filter; "" if there is none.
        score: Score from the language filter.
        num_bytes: Size of its file; 0 if there is none.
        num_numbers: Length of its fingerprint.
    """

    start: int
    end: int
    reason: str
    speech_ratio: float
    level_db: float = 0.0
    clipping: float = 0.0
    language: str = ""
    score: float = 0.0
    num_bytes: int = 0
    num_numbers: int = 0

    @property
    def is_kept(self) -> bool:
        """Return whether the chunk is kept, unless it is a duplicate."""
        return self.reason == KEPT


@dataclass(frozen=True)
class Source:
    """A media file.

    Attributes:
        path: Path as given or found.
        sha256: Digest of its bytes; "" if it could not be read.
        num_bytes: Its size.
        media: Its audio stream; None if it cannot be read.
        bounds: First samples of its parts, counted at `fs`; the last part ends with it.
        reason: One word that says why it cannot be mined; "" if it can.
        detail: The message for the reason.
    """

    path: str
    sha256: str
    num_bytes: int
    media: Media | None = None
    bounds: tuple[int, ...] = (0,)
    reason: str = ""
    detail: str = ""


@dataclass
class Part:
    """The result of mining a part of a source.

    Attributes:
        start: Its first sample, counted at `fs` from the start of the source.
        num_samples: Number of samples decoded.
        chunks: Its chunks, kept and dropped, by start.
        faults: Number of packets that could not be decoded.
        fault: The first error message of the decoder.
        is_short: Whether it ended before the next part begins.
        head: Mean squares of its first frames.
        tail: Mean squares of the frames after its end, which the next part begins with.
        numbers: Concatenated fingerprints of its chunks, uint32.
        is_one_channel: Whether one channel was taken because the channels cancelled.
    """

    start: int
    num_samples: int
    chunks: list[Chunk]
    faults: int
    fault: str
    is_short: bool
    head: np.ndarray
    tail: np.ndarray
    numbers: np.ndarray
    is_one_channel: bool = False


def save_source(path: Path, source: Source) -> None:
    """Write the record of a file."""
    with atomic_text(path, sync=False) as stream:
        json.dump({"version": VERSION, **asdict(source)}, stream, ensure_ascii=False)


def load_source(path: Path) -> Source | None:
    """Return what `save_source` wrote; None if there is no record of this version.

    The log names a damaged record, which counts as none.
    """
    values = read_record(path)
    if values is None or values.pop("version", None) != VERSION:
        return None
    try:
        return read_dataclass(Source, values, str(path))
    except ValueError as error:
        warn_of_damage(path, str(error))
        return None


def save_part(path: Path, part: Part) -> None:
    """Write the record of a part."""
    values = {name: getattr(part, name) for name in _PLAIN}
    text = json.dumps({"version": VERSION, **values}).encode()
    file = io.BytesIO()
    np.savez(
        file,
        record=np.frombuffer(text, np.uint8),
        head=part.head,
        tail=part.tail,
        numbers=part.numbers,
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(file.getbuffer())


def load_part(path: Path, *, with_numbers: bool = False) -> Part | None:
    """Return what `save_part` wrote; None if there is no record of this version.

    The log names a damaged record, which counts as none.

    Args:
        path: The file.
        with_numbers: Whether to read the fingerprints; else they are empty.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = json.loads(arrays["record"].tobytes())
            if values.pop("version", None) != VERSION:
                return None
            values["chunks"] = [Chunk(*fields) for fields in values["chunks"]]
            none = np.zeros(0, np.uint32)
            return Part(
                head=arrays["head"],
                tail=arrays["tail"],
                numbers=arrays["numbers"] if with_numbers else none,
                **values,
            )
    except FileNotFoundError:
        return None
    except Exception as error:  # damaged bytes make readers raise anything
        warn_of_damage(path, f"{type(error).__name__}: {error}")
        return None


_PLAIN = (
    "start",
    "num_samples",
    "chunks",
    "faults",
    "fault",
    "is_short",
    "is_one_channel",
)
