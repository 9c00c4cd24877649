"""What a trained language model is: `lm.yaml` beside it, read by the decoder."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from hamzaban.config import read_dataclass, write_config


@dataclasses.dataclass(frozen=True)
class LmInfo:
    """A model's description.

    Attributes:
        unit: `word`, `char` or `bpe`.
        order: Of its n-grams.
        normalizer: Id of the normalizer of its text.
        transcript_weight: Of the transcripts' model in the mixture; 1 if not mixed.
        bpemodel_sha256: Of the SentencePiece model of unit `bpe`.
    """

    unit: str
    order: int
    normalizer: str
    transcript_weight: float
    bpemodel_sha256: str | None = None

    @classmethod
    def make(
        cls,
        unit: str,
        order: int,
        normalizer: str,
        weight: float,
        bpemodel: str | Path | None,
    ) -> LmInfo:
        """Describe a model that was just trained."""
        digest = None
        if unit == "bpe" and bpemodel is not None:
            digest = hash_file(bpemodel)
        return cls(unit, order, normalizer, round(weight, 6), digest)


def hash_file(path: str | Path) -> str:
    """Give the SHA-256 of a file."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_info(folder: str | Path, info: LmInfo) -> None:
    """Write `lm.yaml` into the model's folder, last of its files."""
    comment = "Made by hamzaban train-lm."
    write_config(dataclasses.asdict(info), Path(folder) / "lm.yaml", comment)


def read_info(folder: str | Path) -> LmInfo:
    """Read `lm.yaml` of a model's folder.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is not what `write_info` writes.
    """
    path = Path(folder) / "lm.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: missing; train it with `hamzaban train-lm`")
    try:
        return read_dataclass(LmInfo, path)
    except ValueError as e:
        raise ValueError(f"{e}; train it again with `hamzaban train-lm`") from e
