"""ESPnet's own search, for models with an attention decoder."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from hamzaban.decode.search import DecodeTask, Search, check_counts


@dataclasses.dataclass(frozen=True)
class EspnetSearch(Search):
    """Beam search by `espnet2.bin.asr_inference`, one utterance at a time.

    Attributes:
        beam_size: Hypotheses kept after each token.
        ctc_weight: Share of the CTC score, 0..1.
        penalty: Added for each token.
        nbest: Number of hypotheses to write for each utterance.
    """

    name: ClassVar[str] = "espnet"

    beam_size: int = 50
    ctc_weight: float = 0.3
    penalty: float = 0.0
    nbest: int = 1

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is out of range.
        """
        check_counts(self, "beam_size", "nbest")
        if not 0 <= self.ctc_weight <= 1:
            raise ValueError(f"ctc_weight {self.ctc_weight} found, expected 0..1")
        if self.nbest > self.beam_size:
            raise ValueError(f"nbest {self.nbest} is above beam_size {self.beam_size}")

    def decode_dir(self, task: DecodeTask) -> None:
        """Run ESPnet's inference on each utterance and write the files."""
        import logging

        from hamzaban.decode.espnet_search import EspnetSearcher, search_espnet
        from hamzaban.decode.result import write_results

        searcher = EspnetSearcher(task.asr_exp, task.options, self, task.bpemodel)
        logging.getLogger().setLevel(logging.INFO)  # ESPnet changed the level
        found = search_espnet(searcher, task.data_dir, task.options)
        write_results(found, task.output_dir, searcher.frame_shift_s, task.calibration)
