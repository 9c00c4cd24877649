"""Take a language model that was made elsewhere: an ARPA file or a KenLM binary."""

from __future__ import annotations

import gzip
import io
import itertools
import logging
import mmap
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.lm import kenlm
from hamzaban.lm.arpa import BOS, EOS, UNK
from hamzaban.lm.info import LmInfo, write_info
from hamzaban.text.tokens import SPACE, WORD_BOUNDARY

FORMS = "an ARPA file (it may be gzipped) or a binary of KenLM's build_binary"
NORMALIZER = "unknown, made elsewhere"  # in lm.yaml
SPECIAL = frozenset((BOS, EOS, UNK, "<UNK>"))
_KENLM, _GZIP, _HEAD = b"mmap lm http://kheafield.com/code", b"\x1f\x8b", b"\\data\\"
_ORDER_AT, _HAS_WORDS_AT = 88, 100  # bytes of a KenLM binary
_NEUTRAL = {BOS: "-99\t<s>", EOS: "0\t</s>"}  # lines of ARPA that affect no ranking
_SAMPLE = 2000  # words that are read to guess the unit
_FEW = 0.02  # share of words of a longer kind in a model of characters
_LOOK_AHEAD = 2**16


@dataclass(frozen=True)
class Foreign:
    """A model that was made elsewhere.

    Attributes:
        path: The file.
        is_binary: Whether it is KenLM's binary; otherwise ARPA.
        order: Longest n-gram.
        words: Its vocabulary, with KenLM's own words.
    """

    path: Path
    is_binary: bool
    order: int
    words: list[str]

    @property
    def units(self) -> list[str]:
        """Return the vocabulary without KenLM's own words."""
        return [word for word in self.words if word not in SPECIAL]

    @property
    def missing(self) -> list[str]:
        """Return the marks of sentence begin and end that the model lacks."""
        known = set(self.words)
        return [mark for mark in (BOS, EOS) if mark not in known]


def read_foreign_lm(path: str | Path, limit: int | None = None) -> Foreign:
    """Recognize a file of a language model and read its vocabulary.

    Args:
        path: The file.
        limit: Number of words to read; None: all.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no such model, is damaged, or has no vocabulary.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such language model; give {FORMS}")
    with open(path, "rb") as stream:
        head = stream.read(_LOOK_AHEAD)
    if head.startswith(_KENLM):
        return _read_binary(path)
    if not head.startswith(_GZIP) and _HEAD not in head:
        raise ValueError(f"{path}: no \\data\\ at its head, expected {FORMS}")
    try:
        return _read_arpa_words(path, limit)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path}: damaged ({error}); copy or download it again"
        ) from error


def guess_unit(path: str | Path) -> str:
    """Return the unit of a model by its first words: word, char or bpe."""
    return unit_of(read_foreign_lm(path, _SAMPLE).units)


def unit_of(units: Sequence[str]) -> str:
    """Return what the words of a vocabulary are: word, char or bpe."""
    sample = list(itertools.islice(units, _SAMPLE))
    if any(unit.startswith(WORD_BOUNDARY) and len(unit) > 1 for unit in sample):
        return "bpe"
    longer = sum(len(unit) > 1 and unit != SPACE for unit in sample)
    return "char" if longer <= _FEW * len(sample) else "word"


def install_lm(
    foreign: Foreign, output_dir: str | Path, unit: str, bpemodel: Path | None = None
) -> Path:
    """Write a model as train-lm writes its own: lm.bin, units.txt, lm.yaml.

    A model without sentence begin or end gets one that changes no ranking.

    Args:
        foreign: The model, its whole vocabulary read.
        output_dir: Folder of language models.
        unit: Unit of the model, which names its folder.
        bpemodel: SentencePiece model, for unit `bpe`.

    Returns:
        The folder of the model.

    Raises:
        ValueError: KenLM cannot read the file.
        FileNotFoundError: `build_binary` is not installed, which packs ARPA files.
    """
    folder = Path(output_dir) / unit
    folder.mkdir(parents=True, exist_ok=True)
    if foreign.missing:
        logging.warning(
            "%s: no %s in the model: %s",
            foreign.path,
            " and no ".join(foreign.missing),
            "the score of a sentence's end is that of an unknown word"
            if foreign.is_binary
            else "sentence ends are not scored",
        )
    if foreign.is_binary:
        with atomic_path(folder / "lm.bin") as temporary:
            shutil.copyfile(foreign.path, temporary)
    else:
        work = folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        _write_arpa(foreign, work / "lm.arpa")
        try:
            kenlm.pack(work / "lm.arpa", folder / "lm.bin", "1G")
        except ValueError as error:
            reason = str(error).partition(": ")[2]
            raise ValueError(f"{foreign.path}: {reason}; make it again") from error
        finally:
            shutil.rmtree(work)
    _try_reading(foreign, folder / "lm.bin")
    with atomic_text(folder / "units.txt") as f:
        f.writelines(f"{word} 0\n" for word in foreign.units)  # no counts
    info = LmInfo.make(
        unit, foreign.order, NORMALIZER, 1.0, bpemodel, binary=folder / "lm.bin"
    )
    write_info(folder, info)
    return folder


def _try_reading(foreign: Foreign, binary: Path) -> None:
    try:
        kenlm.load_binary(binary, foreign.words[:2])
    except ValueError as error:
        binary.unlink()
        raise ValueError(
            f"{foreign.path}: KenLM cannot read it (order {foreign.order}, expected "
            f"at most {kenlm.MAX_ORDER}, and a binary of this KenLM's version); make "
            "it again, or give the ARPA file"
        ) from error


def _read_binary(path: Path) -> Foreign:
    with (
        open(path, "rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        start = data.rfind(b"<unk>\0")
        has_words = len(data) > _HAS_WORDS_AT and data[_HAS_WORDS_AT] == 1
        if not has_words or start < 0:
            raise ValueError(
                f"{path}: a KenLM binary without its words, or cut short; expected one "
                "with them: build it without the options that omit words"
            )
        words = data[start:].decode("utf-8", "replace").rstrip("\0").split("\0")
        return Foreign(path, True, data[_ORDER_AT], words)


def _open_arpa(path: Path) -> io.TextIOWrapper:
    with open(path, "rb") as stream:
        is_packed = stream.read(2) == _GZIP
    raw: Any = gzip.open(path, "rb") if is_packed else open(path, "rb")  # noqa: SIM115
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None)


def _read_arpa_words(path: Path, limit: int | None) -> Foreign:
    order, words = 0, list[str]()
    try:
        with _open_arpa(path) as lines:
            if not any(line.strip() == _HEAD.decode() for line in _head_of(lines)):
                raise ValueError(f"{path}: no \\data\\ at its head, expected {FORMS}")
            for line in lines:
                if line.startswith("ngram "):
                    order = int(line[6:].partition("=")[0])
                elif line.startswith("\\1-grams:"):
                    break
            for line in lines:
                if line.startswith("\\") or len(words) == limit:
                    break
                fields = line.split()
                words += fields[1:2]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 ({error}); convert it") from error
    if not words:
        raise ValueError(f"{path}: no line after \\1-grams:, expected its words")
    return Foreign(path, False, order, words)


def _head_of(lines: Iterable[str]) -> Iterator[str]:
    return itertools.islice(lines, 1000)


def _write_arpa(foreign: Foreign, path: Path) -> None:
    """Write an ARPA file unpacked, with LF and with the marks that it lacks."""
    extra = [_NEUTRAL[mark] for mark in foreign.missing]
    with _open_arpa(foreign.path) as lines, atomic_text(path) as f:
        body = itertools.dropwhile(lambda line: line.strip() != "\\data\\", lines)
        for line in body:
            if extra and line.startswith("ngram 1="):
                line = f"ngram 1={int(line.partition('=')[2]) + len(extra)}\n"
            f.write(line)
            if line.startswith("\\1-grams:"):
                f.writelines(f"{added}\t0\n" for added in extra)
