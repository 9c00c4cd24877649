"""Options of beam search over CTC log-posteriors."""

from __future__ import annotations

import dataclasses

from hamzaban.decode.search import CtcSearch, check_counts

LM_UNITS = ("word", "char", "bpe", "none")


@dataclasses.dataclass(frozen=True)
class BeamOptions(CtcSearch):
    """Options that all searches of flashlight-text have.

    Attributes:
        lm_unit: Unit of the model to take from the LM folder; empty: the one that
            fits the search; `none`: no model.
        lm_weight: Factor of the LM's log-probability. Weights published for flashlight,
            fairseq and torchaudio are for log10: divide them by 2.303.
        word_score: Added for each word of a lexicon.
        beam_size: Hypotheses kept after each frame.
        beam_size_token: Number of most probable tokens that extend hypotheses in a
            frame.
        beam_threshold: Hypotheses this far below the best are dropped, in nats.
        log_add: Sum the alignments of a hypothesis; false: take its best one.
        blank_threshold: Probability of blank, 0..1. Of a run of frames in which blank
            is likelier than this, only the first is searched. 1 searches all frames.
        nbest: Number of hypotheses to write for each utterance.
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
        """Return whether the search reads a language model."""
        return self.lm_unit != "none"
