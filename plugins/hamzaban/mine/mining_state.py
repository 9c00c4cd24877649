"""What is known of a source and of each of its parts, kept on disk to go on from."""

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
VERSION = 2  # a change of what is mined or stored makes old records worthless


class Chunk(NamedTuple):
    """A span of a source, kept or dropped.

    Attributes:
        start: First sample, counted at `fs` from the first of the source.
        end: One after the last.
        reason: Why it was dropped, one word; "-" if it was kept.
        speech_ratio: Share of its frames that are speech.
        level_db: RMS level in dB of full scale.
        clipping: Share of its samples at or above `clip_level`.
        language: Code given by the language filter; "" where there is none.
        score: That the filter gave with it.
        num_bytes: Size of its file; 0 without one.
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
        """Whether it was found worth keeping, duplicates aside."""
        return self.reason == KEPT


@dataclass(frozen=True)
class Source:
    """A file as it was found.

    Attributes:
        path: As given or found.
        sha256: Of its bytes; "" if it could not be read.
        num_bytes: Its size.
        media: What its audio is; None where there is none to read.
        bounds: First samples of its parts, counted at `fs`; the last part is open.
        reason: Why it gives nothing, one word; "".
        detail: The message that goes with it.
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
    """What was mined of a part of a source.

    Attributes:
        start: Its first sample, counted at `fs` from the first of the source.
        num_samples: How many were decoded.
        chunks: Kept and dropped, by start.
        faults: Number of packets that could not be decoded.
        fault: The first message.
        is_short: It ended before the next part begins.
        head: Mean squares of its first frames.
        tail: Mean squares of the frames after its end, the next part's head.
        numbers: Fingerprints of its chunks, one after the other, uint32.
        is_one_channel: Its channels cancel each other, and one was taken.
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
    """Write what was found of a file."""
    with atomic_text(path, sync=False) as stream:
        json.dump({"version": VERSION, **asdict(source)}, stream, ensure_ascii=False)


def load_source(path: Path) -> Source | None:
    """Return what `save_source` wrote; None where there is nothing of this version.

    A damaged record is named in the log and counts as none.
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
    """Write what was mined of a part."""
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
    """Return what `save_part` wrote; None where there is nothing of this version.

    A damaged record is named in the log and counts as none.

    Args:
        path: The file.
        with_numbers: Read the fingerprints, too; else there are none.
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
