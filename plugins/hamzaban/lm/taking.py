"""Take a model that was made elsewhere in place of training one, and measure it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hamzaban.fileio import remove_leftovers
from hamzaban.lm import kenlm
from hamzaban.lm.audit import Texts
from hamzaban.lm.fit import check_fit
from hamzaban.lm.foreign import Foreign, install_lm, read_foreign_lm, unit_of
from hamzaban.lm.perplexity import Row, log_row, write_report
from hamzaban.lm.text import load_normalizer, normalize, read_transcripts
from hamzaban.lm.train import make_splitter
from hamzaban.text.tokens import BpeTokenizer, Tokenizer, build_tokenizer


def take_lm(
    path: Path,
    texts: Texts,
    output_dir: Path,
    *,
    lang: str | None = None,
    token_list: Path | None = None,
    bpemodel: Path | None = None,
    nj: int = 1,
) -> list[Row]:
    """Write a ready model where train-lm writes its own, and report perplexities.

    Args:
        path: ARPA file, gzipped or not, or KenLM's binary.
        texts: Texts, of which `valid` and `test` are measured.
        output_dir: Folder to write `<unit>/{lm.bin,units.txt,lm.yaml}` and
            `report.tsv` to.
        lang: Language whose text rules the words are compared with.
        token_list: Tokens of the recognizer, which the words are compared with.
        bpemodel: SentencePiece model of the recognizer.
        nj: Number of processes that normalize.

    Returns:
        The lines of `report.tsv`.

    Raises:
        ValueError: The file is no such model, or does not fit the recognizer.
        FileNotFoundError: A file, or a program of KenLM, is missing.
    """
    remove_leftovers(output_dir)
    foreign = read_foreign_lm(path)
    unit = unit_of(foreign.units)
    split = make_splitter(unit, bpemodel)
    tokenizer = None
    if token_list is not None:
        kind = "bpe" if bpemodel is not None else "char"
        tokenizer = build_tokenizer(kind, token_list, bpemodel)
    normalizer = load_normalizer(lang)
    normalized = None
    if normalizer is not None:
        normalized = list(normalize(foreign.units, normalizer, nj))
    compare_words(foreign, unit, tokenizer, normalized)
    folder = install_lm(foreign, output_dir, unit, bpemodel)
    model = kenlm.Model(folder / "lm.bin", foreign.words)
    rows = []
    for source in (*texts.valid, *texts.test):
        lines = normalize(read_transcripts(source), normalizer, nj)
        score = model.score(" ".join(split(line)) for line in lines if line)
        row = Row(unit, path.name, str(foreign.order), source.parent.name, score)
        log_row(row)
        rows.append(row)
    write_report(rows, output_dir / "report.tsv")
    return rows


def install_for_search(
    path: Path,
    output_dir: Path,
    unit: str,
    tokenizer: Tokenizer,
    bpemodel: Path | None,
) -> Path:
    """Install a model for a search; return the folder of language models.

    Raises:
        ValueError: The units of the model are not those of the search, or it does not
            fit the tokens.
        FileNotFoundError: A file, or a program of KenLM, is missing.
    """
    foreign = read_foreign_lm(path)
    found = unit_of(foreign.units)
    if found != unit:
        raise ValueError(
            f"{path}: a language model of unit {found}, but the search takes {unit}; "
            "give another model, or another search in --inference_config"
        )
    compare_words(foreign, unit, tokenizer, None)
    install_lm(foreign, output_dir, unit, bpemodel)
    return output_dir


def compare_words(
    foreign: Foreign,
    unit: str,
    tokenizer: Tokenizer | None,
    normalized: Sequence[str] | None,
) -> None:
    """Compare the words of a model with tokens and text rules, as `check_fit` does.

    Raises:
        ValueError: More than half of the words do not fit.
    """
    fits_kind = unit == "word" or (
        tokenizer is None or (unit == "bpe") == isinstance(tokenizer, BpeTokenizer)
    )
    if not fits_kind:
        raise ValueError(
            f"{foreign.path}: a language model of unit {unit}, but the recognizer has "
            f"{'pieces' if unit == 'char' else 'characters'} as tokens; give a model "
            "of words or of these tokens"
        )
    check_fit(
        foreign,
        unit,
        tokens=tokenizer.tokens if tokenizer is not None else (),
        characters=tokenizer.characters() if tokenizer is not None else (),
        normalized=normalized,
    )
