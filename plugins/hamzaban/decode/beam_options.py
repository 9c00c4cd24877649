"""Options of beam search over CTC log-posteriors, and the language model it reads."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.decode.search import CtcSearch, SearchFiles, check_counts

if TYPE_CHECKING:
    from hamzaban.decode.beam import BeamSearch
    from hamzaban.decode.lexicon import Lexicon
    from hamzaban.text.tokens import Tokenizer

LM_UNITS = ("word", "char", "bpe", "none")


@dataclasses.dataclass(frozen=True)
class BeamOptions(CtcSearch):
    """What the searches of flashlight-text have in common.

    Attributes:
        lm_unit: Which model of the LM folder; empty: the one that fits the search;
            `none`: no model.
        lm_weight: Factor of the LM's log-probability. Weights published for flashlight,
            fairseq and torchaudio are for log10: divide them by 2.303.
        word_score: Added for each word of a lexicon.
        beam_size: Hypotheses kept after each frame.
        beam_size_token: Most probable tokens of a frame that hypotheses go on with.
        beam_threshold: Hypotheses this far below the best are dropped, in nats.
        log_add: Sum the alignments of a hypothesis; else its best one counts.
        blank_threshold: Of a run of frames whose blank is likelier than this, the
            search sees one; 1: all frames.
        nbest: Hypotheses written of each utterance.
    """

    lm_unit: str = ""
    lm_weight: float = 0.5
    word_score: float = 0.0
    beam_size: int = 50
    beam_size_token: int = 20
    beam_threshold: float = 15.0
    log_add: bool = True
    blank_threshold: float = 0.999
    nbest: int = 1

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is unknown or out of range.
        """
        if self.lm_unit not in ("", *LM_UNITS):
            known = ", ".join(LM_UNITS)
            raise ValueError(f"lm_unit {self.lm_unit!r} found; known: {known}")
        check_counts(self, "beam_size", "beam_size_token", "nbest")
        if self.beam_threshold <= 0 or not 0 <= self.blank_threshold <= 1:
            raise ValueError(
                f"beam_threshold {self.beam_threshold}, blank_threshold "
                f"{self.blank_threshold} found, expected above 0, and 0..1"
            )
        if self.nbest > self.beam_size:
            raise ValueError(f"nbest {self.nbest} is above beam_size {self.beam_size}")

    @property
    def needs_lm(self) -> bool:
        """Whether it reads a language model."""
        return self.lm_unit != "none"

    def fitting_unit(self, tokenizer: Tokenizer) -> str:
        """Return the unit of the language model that fits the search."""
        raise NotImplementedError

    def read_lexicon(self, tokenizer: Tokenizer, files: SearchFiles) -> Lexicon | None:
        """Return the words to search; None to search tokens."""
        return None

    def build(
        self, tokenizer: Tokenizer, files: SearchFiles, report_dir: Path | None = None
    ) -> BeamSearch:
        """Load the language model, spell the words and build their tree."""
        from hamzaban.decode.beam import BeamSearch
        from hamzaban.decode.lexicon import report_lexicon

        lm = self._find_lm(tokenizer, files)
        lexicon = self.read_lexicon(tokenizer, files)
        if lexicon is not None and report_dir is not None:
            report_lexicon(lexicon, report_dir / "unspelled_words")
        beam = BeamSearch(tokenizer, self, lexicon=lexicon, lm=lm)
        logging.info(
            "search: %s, language model: %s, weight %g, word score %g, beam %d",
            *(self.name, lm or "none", self.lm_weight, self.word_score),
            self.beam_size,
        )
        return beam

    def _find_lm(self, tokenizer: Tokenizer, files: SearchFiles) -> Path | None:
        """Return the language model; None for no model.

        Raises:
            ValueError: It is not of the units, or not of the pieces, of the search.
        """
        fitting = self.fitting_unit(tokenizer)
        unit = self.lm_unit or fitting
        if unit == "none":
            return None
        if unit != fitting:
            raise ValueError(
                f"lm_unit {unit!r} found; search {self.name} of this model takes "
                f"{fitting!r} or 'none'"
            )
        folder = lm_folder(files, unit)
        _check_pieces(folder, unit, files.bpemodel)
        return folder / "lm.bin"


def lm_folder(files: SearchFiles, unit: str) -> Path:
    """Return the folder of the model of a unit.

    Raises:
        ValueError: No folder of language models is given.
    """
    if files.lm_dir is None:
        raise ValueError(
            f"the search needs the {unit} model of a folder that train-lm wrote; give "
            "--lm_dir, or lm_unit: none (and --word_list for a lexicon)"
        )
    return files.lm_dir / unit


def _check_pieces(folder: Path, unit: str, bpemodel: Path | None) -> None:
    from hamzaban.lm.info import hash_file, read_info

    info = read_info(folder)
    if unit != "bpe" or bpemodel is None:
        return
    if hash_file(bpemodel) != info.bpemodel_sha256:
        raise ValueError(
            f"{folder}/lm.bin: its pieces are not those of {bpemodel}; run "
            "`hamzaban train-lm --bpemodel` with the model's own"
        )
