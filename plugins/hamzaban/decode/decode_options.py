"""How to run a model on a data directory, whatever the search."""

from __future__ import annotations

import dataclasses

UTT2LANG, PREDICTED = "utt2lang", "predicted"  # values of `language`


@dataclasses.dataclass(frozen=True)
class DecodeOptions:
    """Options that choose how the model is run.

    Attributes:
        asr_model: Name of the model file in the experiment directory.
        nj: Number of processes on the CPU; a GPU is used by one process.
        ngpu: 0 for the CPU, 1 for a GPU.
        batch_bins: Most samples in a batch, padding counted. It may change the last
            digits of scores, since sums over another padding are rounded differently.
        language: For models with a head for each language: `utt2lang` (the file in the
            data directory), `predicted` (by the model), or one language for all.
        dropout: Rate of the model's dropout in make-emissions, which serves to measure
            how sure the model is; 0: off.
        dropout_seed: Seed of the dropout, 0 or more.
    """

    asr_model: str = "valid.wer.ave.pth"
    nj: int = 1
    ngpu: int = 0
    batch_bins: int = 640_000
    language: str = UTT2LANG
    dropout: float = 0.0
    dropout_seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: One is out of range.
        """
        if self.nj < 1 or self.ngpu not in (0, 1) or self.batch_bins < 1:
            raise ValueError(
                f"nj {self.nj}, ngpu {self.ngpu}, batch_bins {self.batch_bins} found, "
                "expected nj 1 or more, ngpu 0 or 1, batch_bins 1 or more"
            )
        if not 0 <= self.dropout < 1 or self.dropout_seed < 0:
            raise ValueError(
                f"dropout {self.dropout}, dropout_seed {self.dropout_seed} found, "
                "expected 0 up to below 1, and 0 or more"
            )
