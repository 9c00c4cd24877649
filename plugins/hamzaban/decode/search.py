"""A search of any kind over emissions, and what it finds."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

from hamzaban.decode.beam import BeamHypothesis, BeamSearch
from hamzaban.decode.lexicon import (
    Lexicon,
    build_lexicon,
    read_words,
    report_lexicon,
)
from hamzaban.decode.path import (
    BLANK_ID,
    LogProbs,
    Run,
    Word,
    add_blank_score,
    find_runs,
    find_words,
    greedy_path,
    make_word,
    path_confidence,
    path_score,
)
from hamzaban.decode.result import Result
from hamzaban.decode.search_options import SearchOptions
from hamzaban.lm.info import hash_file, read_info
from hamzaban.text.tokens import SPACE, BpeTokenizer, Tokenizer


@dataclasses.dataclass(frozen=True)
class SearchFiles:
    """What a search reads.

    Attributes:
        lm_dir: Folder that train-lm wrote; None: no language model.
        word_list: Words of the lexicon, one a line; None: those of the word model.
        bpemodel: The SentencePiece model, to see that a model of pieces is of the same.
    """

    lm_dir: Path | None = None
    word_list: Path | None = None
    bpemodel: Path | None = None


class Searcher:
    """Decodes log-posteriors greedily or by beam search."""

    def __init__(self, tokenizer: Tokenizer, options: SearchOptions) -> None:
        """Prepare a greedy search; `build_searcher` makes the others."""
        self.tokenizer = tokenizer
        self.options = options
        self.beam: BeamSearch | None = None

    def tune(self, options: SearchOptions) -> None:
        """Go on with other weights or another beam."""
        self.options = options
        if self.beam is not None:
            self.beam.tune(options)

    def decode(self, log_probs: LogProbs) -> list[Result]:
        """Decode one utterance; `log_probs` has shape (T, V). No frames: no result."""
        if not len(log_probs):
            return []
        hyps = [] if self.beam is None else self.beam.decode(log_probs)
        log_probs = add_blank_score(log_probs, self.options.blank_score)
        if self.beam is None:
            path = greedy_path(log_probs)
            score = path_score(log_probs, path)
            words = find_words(find_runs(log_probs, path), self.tokenizer)
            return [self._make(log_probs, path, words, (score, score, 0.0))]
        return [self._convert(log_probs, hyp) for hyp in hyps]

    def _convert(self, log_probs: LogProbs, hyp: BeamHypothesis) -> Result:
        scores = (hyp.total, hyp.acoustic, hyp.lm)
        runs = find_runs(log_probs, hyp.path)
        if hyp.words is None:
            words = find_words(runs, self.tokenizer)
        else:
            words = self._group(runs, hyp)
        return self._make(log_probs, hyp.path, words, scores)

    def _group(self, runs: Sequence[Run], hyp: BeamHypothesis) -> list[Word]:
        """Give each word of the lexicon the tokens that end where it ends."""
        assert hyp.words is not None
        space = self.tokenizer.token2id.get(SPACE)
        rest = [run for run in runs if run.token != space]
        words = []
        for text, end in zip(hyp.words, hyp.word_ends, strict=True):
            own = [run for run in rest if run.start <= end]
            rest = rest[len(own) :]
            words.append(make_word(text, own))
        return words

    def _make(
        self,
        log_probs: LogProbs,
        path: Sequence[int],
        words: Sequence[Word],
        scores: tuple[float, float, float],
    ) -> Result:
        ids = [t for t, _ in itertools.groupby(path) if t != BLANK_ID]
        tokens = self.tokenizer.ids2tokens(ids)
        text = " ".join(word.text for word in words)
        if self.tokenizer.tokens2text(tokens) != text:  # a doubled last piece, merged
            tokens = self.tokenizer.text2tokens(text)
            ids = self.tokenizer.tokens2ids(tokens)
        confidence = path_confidence(log_probs, path)
        return Result(tuple(tokens), tuple(ids), tuple(words), *scores, confidence)


def build_searcher(
    tokenizer: Tokenizer,
    options: SearchOptions,
    files: SearchFiles,
    report_dir: Path | None = None,
) -> Searcher:
    """Build the search that the options name.

    Args:
        tokenizer: Of the acoustic model.
        options: Of the search; not `espnet`, which needs the model itself.
        files: What it reads.
        report_dir: Gets `unspelled_words` of a lexicon.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The files do not fit the model.
    """
    searcher = Searcher(tokenizer, options)
    if options.search == "greedy":
        return searcher
    if options.search == "espnet":
        raise ValueError("search espnet does not read emissions; use decode-asr")
    unit = _choose_unit(tokenizer, options, files)
    lm = None if unit == "none" else _find_lm(unit, files)
    lexicon = None
    if options.search == "lexicon":
        words = files.word_list or _lm_folder(files, "word") / "units.txt"
        lexicon = _spell(read_words(words), tokenizer, options)
        if report_dir is not None:
            report_lexicon(lexicon, report_dir / "unspelled_words")
    searcher.beam = BeamSearch(tokenizer, options, lexicon=lexicon, lm=lm)
    logging.info(
        "search: %s, language model: %s, weight %g, word score %g, beam %d",
        *(options.search, lm or "none", options.lm_weight, options.word_score),
        options.beam_size,
    )
    return searcher


def _spell(
    words: Sequence[str], tokenizer: Tokenizer, options: SearchOptions
) -> Lexicon:
    if not options.mapping:
        return build_lexicon(words, tokenizer, options.num_spellings)
    from hamzaban.decode.spelling import build_folded_lexicon, find_spelling

    spelling = find_spelling(options.mapping, words)
    count = options.num_spellings
    return build_folded_lexicon(words, tokenizer, spelling, count).lexicon


def _choose_unit(
    tokenizer: Tokenizer, options: SearchOptions, files: SearchFiles
) -> str:
    own = "bpe" if isinstance(tokenizer, BpeTokenizer) else "char"
    fitting = "word" if options.search == "lexicon" else own
    unit = options.lm_unit or fitting
    if unit not in (fitting, "none"):
        raise ValueError(
            f"lm_unit {unit!r} found; search {options.search} of a model of "
            f"{own} tokens takes {fitting!r} or 'none'"
        )
    return unit


def _lm_folder(files: SearchFiles, unit: str) -> Path:
    if files.lm_dir is None:
        raise ValueError(
            f"the search needs the {unit} model of a folder that train-lm wrote; give "
            "--lm_dir, or lm_unit: none (and --word_list for a lexicon)"
        )
    return files.lm_dir / unit


def _find_lm(unit: str, files: SearchFiles) -> Path:
    folder = _lm_folder(files, unit)
    info = read_info(folder)
    if unit == "bpe" and files.bpemodel is not None:
        digest = hash_file(files.bpemodel)
        if digest != info.bpemodel_sha256:
            raise ValueError(
                f"{folder}/lm.bin: its pieces are not those of {files.bpemodel}; run "
                "`hamzaban train-lm --bpemodel` with the model's own"
            )
    return folder / "lm.bin"
