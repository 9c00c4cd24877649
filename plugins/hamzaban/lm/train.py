"""Train the n-gram models of one folder, and report leaks and perplexities."""

from __future__ import annotations

import collections
import gzip
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from hamzaban.fileio import atomic_path, atomic_text, remove_leftovers
from hamzaban.lm import kenlm
from hamzaban.lm.arpa import mix, read_arpa, write_arpa
from hamzaban.lm.audit import IN_LM, Leak, Texts, check_leaks, list_leaks, write_leaks
from hamzaban.lm.info import LmInfo, write_info
from hamzaban.lm.ngram_options import LmOptions, NgramOptions
from hamzaban.lm.perplexity import Row, log_row, write_report
from hamzaban.lm.sources import FURTHER, TRANSCRIPTS, write_sources
from hamzaban.lm.text import (
    bpe_splitter,
    load_normalizer,
    normalizer_id,
    read_plain,
    split_chars,
    split_words,
    write_text,
)

MIXED = "mixed"


def train_lms(
    texts: Texts,
    output_dir: str | Path,
    options: LmOptions,
    *,
    lang: str | None = None,
    bpemodel: str | Path | None = None,
    nj: int = 1,
    marks: str = "drop",
) -> list[Row]:
    """Train the models that the options name and report their perplexities.

    Args:
        texts: Texts of the models. Models of `train` and `lm` are mixed linearly, with
            the weight that makes `valid` likeliest; the models are measured on `valid`
            and `test`.
        output_dir: Folder to write `<unit>/{lm.bin,lm.arpa.gz,units.txt,lm.yaml}`, two
            reports (`report.tsv`, `leaks.tsv`) and the normalized text (`text/`) to.
        options: Options of conf/lm.yaml.
        lang: Language whose normalizer is used; None: the text is not normalized.
        bpemodel: SentencePiece model of unit `bpe`; without it, that unit is left out.
        nj: Number of processes that normalize.
        marks: What becomes of sounds, such as [laughter] (see `text.marks.read_marks`).

    Returns:
        The lines of `report.tsv`.

    Raises:
        ValueError: There is no text, or it leaks.
        FileNotFoundError: A file or a program of KenLM is missing.
    """
    output_dir = Path(output_dir)
    remove_leftovers(output_dir)
    models = _choose_models(options, bpemodel)
    leaks = _audit(texts, output_dir, options, lang, nj)
    sources = write_sources(
        texts, output_dir / "text", leaks, lang=lang, nj=nj, marks=marks
    )
    rows: list[Row] = []
    for unit, ngram in models.items():
        job = _Job(unit, ngram, options.memory, output_dir / unit, bpemodel)
        rows += job.run(sources)
        job.describe(lang, bpemodel)
    write_report(rows, output_dir / "report.tsv")
    return rows


def _choose_models(
    options: LmOptions, bpemodel: str | Path | None
) -> dict[str, NgramOptions]:
    models = dict(options.models)
    if bpemodel is None and models.pop("bpe", None) is not None:
        logging.info("no --bpemodel: the model of pieces (bpe) is left out")
    return models


def make_splitter(unit: str, bpemodel: str | Path | None) -> Callable[[str], list[str]]:
    """Return the function that splits a line into units.

    Raises:
        ValueError: Unit `bpe` lacks its SentencePiece model.
    """
    if unit != "bpe":
        return split_words if unit == "word" else split_chars
    if bpemodel is None:
        raise ValueError("unit bpe needs a SentencePiece model; give --bpemodel")
    return bpe_splitter(bpemodel)


class _Job:
    """The model of one unit."""

    def __init__(
        self,
        unit: str,
        ngram: NgramOptions,
        memory: str,
        folder: Path,
        bpemodel: str | Path | None,
    ) -> None:
        self.unit, self.folder, self.weight = unit, folder, 1.0
        self._ngram, self._memory = ngram, memory
        self._split = make_splitter(unit, bpemodel)
        self._work = folder / "work"

    def run(self, sources: dict[str, Path]) -> list[Row]:
        """Train, mix, pack and measure the models; remove all temporary files."""
        shutil.rmtree(self._work, ignore_errors=True)
        texts = {name: self._work / f"{name}.txt" for name in sources}
        for name, path in sources.items():
            count = write_text(read_plain(path), texts[name], self._split)
            if not count:
                raise ValueError(f"{path}: no sentence found, expected one or more")
        kinds = [name for name in (TRANSCRIPTS, FURTHER) if name in sources]
        for name in kinds:
            arpa, ngram = self._work / f"{name}.arpa", self._ngram
            kenlm.train(
                texts[name], arpa, ngram.order, prune=ngram.prune, memory=self._memory
            )
            kenlm.pack(arpa, self._work / f"{name}.bin", self._memory)
        final = kinds[0]
        if len(kinds) == 2:
            final = MIXED
            kinds.append(MIXED)
            self._mix(texts["valid"])
        rows = [row for name in kinds for row in self._measure(name, texts)]
        self._keep(final, [texts[name] for name in kinds if name != MIXED])
        shutil.rmtree(self._work)
        return rows

    def describe(self, lang: str | None, bpemodel: str | Path | None) -> None:
        """Write `lm.yaml`, after all other files."""
        name = normalizer_id(load_normalizer(lang))
        order = self._ngram.order
        binary = self.folder / "lm.bin"
        info = LmInfo.make(self.unit, order, name, self.weight, bpemodel, binary=binary)
        write_info(self.folder, info)

    def _mix(self, valid: Path) -> None:
        arpas = [self._work / f"{name}.arpa" for name in (TRANSCRIPTS, FURTHER)]
        models = [read_arpa(path) for path in arpas]
        probs = []
        for path, model in zip(arpas, models, strict=True):
            lm = kenlm.Model(path.with_suffix(".bin"), model.words)
            found = lm.score_units(read_plain(valid))
            probs.append(np.array([10**log10 * known for _, log10, known in found]))
        self.weight = kenlm.choose_weight(*probs)
        logging.info(
            "%s: weight of the transcripts %.4f, of the further text %.4f",
            self.unit,
            self.weight,
            1 - self.weight,
        )
        write_arpa(mix(models[0], models[1], self.weight), self._work / f"{MIXED}.arpa")
        kenlm.pack(
            self._work / f"{MIXED}.arpa", self._work / f"{MIXED}.bin", self._memory
        )

    def _measure(self, name: str, texts: dict[str, Path]) -> Iterator[Row]:
        counts, words = _read_head(self._work / f"{name}.arpa")
        model = kenlm.Model(self._work / f"{name}.bin", words)
        for held_out, path in texts.items():
            if held_out in (TRANSCRIPTS, FURTHER):
                continue
            score = model.score(read_plain(path))
            row = Row(self.unit, name, counts, held_out, score)
            log_row(row)
            yield row

    def _keep(self, name: str, texts: list[Path]) -> None:
        arpa = self._work / f"{name}.arpa"
        counts = collections.Counter(
            unit for path in texts for line in read_plain(path) for unit in line.split()
        )
        ranked = sorted(counts, key=lambda unit: (-counts[unit], unit))
        with atomic_text(self.folder / "units.txt") as f:
            f.writelines(f"{unit} {counts[unit]}\n" for unit in ranked)
        with (
            atomic_path(self.folder / "lm.arpa.gz") as temporary,
            open(arpa, "rb") as source,
            open(temporary, "wb") as raw,
            gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,
        ):
            shutil.copyfileobj(source, packed)
        with atomic_path(self.folder / "lm.bin") as temporary:
            shutil.copyfile(self._work / f"{name}.bin", temporary)


def _audit(
    texts: Texts, output_dir: Path, options: LmOptions, lang: str | None, nj: int
) -> list[Leak]:
    if not texts.train and not texts.lm:
        raise ValueError("no text to train on; give --train_text or --lm_text")
    if texts.train and texts.lm and not texts.valid:
        raise ValueError("no valid text to weight two texts on; give --valid_text")
    leaks = list_leaks(texts, lang, nj) if texts.valid or texts.test else []
    leaks = [leak for leak in leaks if leak.kind != "speakers"]
    write_leaks(leaks, output_dir / "leaks.tsv")
    dropped = [k for k in leaks if options.drop_leaks and k.role.startswith("lm-")]
    check_leaks([k for k in leaks if k not in dropped], options.allow_leaks, IN_LM)
    if dropped:
        logging.warning(
            "%d lines of the further text left out, because valid or test has the same "
            "or nearly the same; %s lists them",
            len({leak.place for leak in dropped}),
            output_dir / "leaks.tsv",
        )
    return dropped


def _read_head(arpa: Path) -> tuple[str, list[str]]:
    """Return the numbers of n-grams of an ARPA file, and its words."""
    counts, words = [], []
    with open(arpa, encoding="utf-8", newline="\n") as f:
        for line in f:
            if line.startswith("ngram "):
                counts.append(line.strip().partition("=")[2])
            elif "\t" in line:
                words.append(line.rstrip("\n").split("\t")[1])
            elif line.startswith("\\2-grams") or line.startswith("\\end"):
                break
    return " ".join(counts), words
