"""Emissions on disk: CTC log-posteriors, float16, compressed, read by utt_id.

A folder holds `meta.json` and parts: `00000.bin`, the compressed matrices one after the
other, and `00000.idx`, lines `utt_id offset bytes frames`. The index is written last: a
part with one is complete. Half-precision numbers are stored as all upper bytes, then
all lower bytes, which zlib compresses a fifth better.
"""

from __future__ import annotations

import dataclasses
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hamzaban.config import read_dataclass
from hamzaban.fileio import atomic_path, atomic_text, read_record, warn_of_damage

META = "meta.json"
MIN_LOG_PROB = -60000.0  # close to the lowest float16
LANGUAGES = ".lang"  # end of the name of a part's file of languages
_PART = re.compile(r"\d{5}\.(bin|idx|lang)")

LogProbs = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Meta:
    """What a store holds.

    Attributes:
        source: Hashes of the model and of the utterances.
        num_tokens: Number of tokens, V.
        frame_shift_s: Time between two frames.
        num_utts: Number of utterances of the complete store.
        num_parts: Number of parts of the complete store.
    """

    source: dict[str, str]
    num_tokens: int
    frame_shift_s: float
    num_utts: int
    num_parts: int


def write_meta(folder: Path, meta: Meta) -> None:
    """Write what a store will hold; remove parts of another model or other data."""
    if folder.is_dir() and read_meta(folder) != meta:
        for path in folder.iterdir():
            if path.name == META or _PART.fullmatch(path.name):
                path.unlink()
    with atomic_text(folder / META) as f:
        json.dump(dataclasses.asdict(meta), f, indent=1, sort_keys=True)


def read_meta(folder: Path) -> Meta | None:
    """Return what a store holds; None if there is none, or it is damaged."""
    values = read_record(folder / META)
    if values is None:
        return None
    try:
        return read_dataclass(Meta, values, str(folder / META))
    except ValueError as error:
        warn_of_damage(folder / META, str(error))
        return None


def missing_parts(folder: Path, meta: Meta) -> list[int]:
    """Return the numbers of the parts that are not there yet, or are damaged."""
    names = {path.name for path in folder.glob("*.idx")} if folder.is_dir() else set()
    return [
        number
        for number in range(meta.num_parts)
        if f"{number:05d}.idx" not in names or not _is_whole(folder, number)
    ]


def _is_whole(folder: Path, number: int) -> bool:
    """Return whether the index of a part can be read and its matrices are all there."""
    index, matrices = (folder / f"{number:05d}.{end}" for end in ("idx", "bin"))
    try:
        places = list(_read_index(index))
        size = places[-1][1] + places[-1][2] if places else 0
        if matrices.stat().st_size == size:
            return True
        reason = f"the matrices have {matrices.stat().st_size} bytes, expected {size}"
    except (OSError, ValueError) as error:
        reason = str(error)
    warn_of_damage(index, reason)
    return False


def _read_index(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """Yield utt_id, offset, size in bytes and number of frames of each utterance."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            utt_id, offset, size, frames = line.split()
            yield utt_id, int(offset), int(size), int(frames)


def write_part(
    folder: Path, number: int, emissions: Iterable[tuple[str, LogProbs]]
) -> None:
    """Write one part.

    Args:
        folder: Folder of the store.
        number: Number of the part, from 0.
        emissions: utt_id and log-posteriors, shape (T, V), of each utterance.
    """
    lines, offset = [], 0
    with (
        atomic_path(folder / f"{number:05d}.bin") as temporary,
        open(temporary, "wb") as f,
    ):
        for utt_id, log_probs in emissions:
            packed = pack(log_probs)
            f.write(packed)
            lines.append(f"{utt_id} {offset} {len(packed)} {len(log_probs)}\n")
            offset += len(packed)
    with atomic_text(folder / f"{number:05d}.idx") as f:
        f.writelines(lines)


def pack(log_probs: LogProbs) -> bytes:
    """Return log-posteriors, shape (T, V), rounded to float16 and compressed."""
    half = np.maximum(log_probs, MIN_LOG_PROB).astype("<f2")
    planes = half.reshape(-1).view(np.uint8).reshape(-1, 2).T
    return zlib.compress(np.ascontiguousarray(planes).tobytes(), 1)


def unpack(packed: bytes, num_tokens: int) -> LogProbs:
    """Return the log-posteriors, shape (T, V), that `pack` rounded and compressed."""
    planes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(2, -1)
    half = np.ascontiguousarray(planes.T).reshape(-1).view("<f2")
    return half.astype(np.float32).reshape(-1, num_tokens)


class EmissionStore:
    """A complete store, open for reading in any order."""

    def __init__(self, folder: str | Path) -> None:
        """Read the indices.

        Raises:
            FileNotFoundError: There is no store.
            ValueError: The store is not complete.
        """
        self.folder = Path(folder)
        meta = read_meta(self.folder)
        if meta is None:
            raise FileNotFoundError(
                f"{self.folder}/{META}: missing or unreadable; make the emissions with "
                "`hamzaban make-emissions`"
            )
        self.meta = meta
        self._places: dict[str, tuple[int, int, int, int]] = {}
        missing = missing_parts(self.folder, meta)
        if not missing:
            for part in range(meta.num_parts):
                for utt_id, *place in _read_index(self.folder / f"{part:05d}.idx"):
                    offset, size, frames = place
                    self._places[utt_id] = (part, offset, size, frames)
        if missing or len(self._places) != meta.num_utts:
            raise ValueError(
                f"{self.folder}: {len(missing)} of {meta.num_parts} parts are missing; "
                "run `hamzaban make-emissions` again, which makes the missing ones"
            )

    def check_tokens(self, num_tokens: int) -> None:
        """Check that the emissions have a column for each token of a list.

        Raises:
            ValueError: They have more or fewer.
        """
        if num_tokens != self.meta.num_tokens:
            raise ValueError(
                f"{self.folder}: emissions of {self.meta.num_tokens} tokens, but the "
                f"token list has {num_tokens}; make them with the same model"
            )

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        """Yield the utt_ids, sorted."""
        return iter(sorted(self._places))

    def __contains__(self, utt_id: str) -> bool:
        """Return whether the store has an utterance."""
        return utt_id in self._places

    def num_frames(self, utt_id: str) -> int:
        """Return the number of frames of an utterance."""
        return self._find(utt_id)[3]

    def read(self, utt_id: str) -> LogProbs:
        """Return the log-posteriors of an utterance, shape (T, V); T may be 0.

        Raises:
            KeyError: The store does not have the utterance.
            ValueError: The part that holds the utterance is damaged.
        """
        part, offset, size, frames = self._find(utt_id)
        path = self.folder / f"{part:05d}.bin"
        with open(path, "rb") as f:
            f.seek(offset)
            packed = f.read(size)
        try:
            log_probs = unpack(packed, self.meta.num_tokens)
            if len(log_probs) == frames:
                return log_probs
            reason = f"{len(log_probs)} frames found, its index says {frames}"
        except (zlib.error, ValueError) as e:
            reason = str(e)
        raise ValueError(
            f"{path}: {utt_id} cannot be read ({reason}); remove the folder and run "
            "`hamzaban make-emissions`"
        )

    def _find(self, utt_id: str) -> tuple[int, int, int, int]:
        if utt_id not in self._places:
            raise KeyError(f"{self.folder}: utt_id {utt_id} is not in the store")
        return self._places[utt_id]
