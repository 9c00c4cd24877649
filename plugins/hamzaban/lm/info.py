"""The description of a trained language model: `lm.yaml`, read by the decoder."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from hamzaban.config import read_dataclass, write_config


@dataclasses.dataclass(frozen=True)
class LmInfo:
    """The description of a model.

    Attributes:
        unit: `word`, `char` or `bpe`.
        order: Longest n-gram, in units.
        normalizer: Id of the normalizer that its text passed.
        transcript_weight: Weight of the transcripts' model in the mixture, 0..1; 1 for
            a model that is not a mixture.
        bpemodel_sha256: SHA-256 of the SentencePiece model, for unit `bpe`.
        binary_sha256: SHA-256 of `lm.bin`; None in folders of earlier versions.
    """

    unit: str
    order: int
    normalizer: str
    transcript_weight: float
    bpemodel_sha256: str | None = None
    binary_sha256: str | None = None

    @classmethod
    def make(
        cls,
        unit: str,
        order: int,
        normalizer: str,
        weight: float,
        bpemodel: str | Path | None,
        *,
        binary: str | Path,
    ) -> LmInfo:
        """Return the description of a model that was just trained into `binary`."""
        pieces = bpemodel if unit == "bpe" else None
        return cls(
            unit,
            order,
            normalizer,
            transcript_weight=round(weight, 6),
            bpemodel_sha256=None if pieces is None else hash_file(pieces),
            binary_sha256=hash_file(binary),
        )


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_info(folder: str | Path, info: LmInfo) -> None:
    """Write `lm.yaml` into the model's folder, after all its other files."""
    comment = "Made by hamzaban train-lm."
    write_config(dataclasses.asdict(info), Path(folder) / "lm.yaml", comment)


def read_info(folder: str | Path) -> LmInfo:
    """Read `lm.yaml` of a model's folder.

    Raises:
        FileNotFoundError: There is no `lm.yaml`.
        ValueError: The file does not have the form that `write_info` writes.
    """
    path = Path(folder) / "lm.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: missing; train it with `hamzaban train-lm`")
    try:
        return read_dataclass(LmInfo, path)
    except ValueError as e:
        raise ValueError(f"{e}; train it again with `hamzaban train-lm`") from e


def check_binary(folder: str | Path, info: LmInfo) -> None:
    """Check that `lm.bin` in a model's folder is the file that was trained.

    KenLM reads a model with damaged n-grams without an error, and every transcript is
    then empty.

    Raises:
        FileNotFoundError: There is no `lm.bin`.
        ValueError: The file does not have the hash in `lm.yaml`.
    """
    binary = Path(folder) / "lm.bin"
    if not binary.is_file():
        raise FileNotFoundError(f"{binary}: no such model; run `hamzaban train-lm`")
    if info.binary_sha256 not in (None, hash_file(binary)):
        raise ValueError(
            f"{binary}: damaged, its SHA-256 is not the one in lm.yaml; train it again "
            "with `hamzaban train-lm`"
        )
