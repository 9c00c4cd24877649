"""The base classes of searches: their options, their files and their decoders."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from hamzaban.decode.calibration import Calibration
    from hamzaban.decode.decode_options import DecodeOptions
    from hamzaban.decode.hotwords import Hotword
    from hamzaban.decode.path import LogProbs
    from hamzaban.decode.result import Result
    from hamzaban.text.tokens import Tokenizer

MAX_COUNT = 100_000  # hypotheses, tokens or spellings; a search with more never ends


@dataclasses.dataclass(frozen=True)
class SearchFiles:
    """The files that a search reads.

    Attributes:
        lm_dir: Folder that train-lm wrote; None: no language model.
        word_list: Words of the lexicon, one per line; None: those of the word model.
        bpemodel: SentencePiece model, compared with that of a language model of pieces.
        hotwords: Words and phrases to prefer.
    """

    lm_dir: Path | None = None
    word_list: Path | None = None
    bpemodel: Path | None = None
    hotwords: tuple[Hotword, ...] = ()


@dataclasses.dataclass(frozen=True)
class DecodeTask:
    """The request of a decode-asr run, except for the search.

    Attributes:
        asr_exp: Folder with `config.yaml` and the model file.
        data_dir: Data directory whose `wav.scp` names one mono file per utterance.
        output_dir: Folder to write text, token, token_int, score, confidence, ctm and
            nbest to.
        options: Options of running the model.
        lm_dir: Folder that train-lm wrote.
        lm: Language model made elsewhere, in place of `lm_dir`.
        word_list: Words of a lexicon, one per line.
        bpemodel: SentencePiece model; None: the one that `config.yaml` names.
        emissions_dir: Folder of log-posteriors; None: the search chooses.
        hotwords: Words and phrases to prefer.
        calibration: Changes the confidences of words; None: they stay.
    """

    asr_exp: Path
    data_dir: Path
    output_dir: Path
    options: DecodeOptions
    lm_dir: Path | None = None
    lm: Path | None = None
    word_list: Path | None = None
    bpemodel: Path | None = None
    emissions_dir: Path | None = None
    hotwords: tuple[Hotword, ...] = ()
    calibration: Calibration | None = None


class Decoder(Protocol):
    """A search that is ready to decode any number of utterances."""

    options: Any

    def tune(self, options: Any) -> None:
        """Change the weights or the beam; loaded files stay."""

    def decode(self, log_probs: LogProbs) -> list[Result]:
        """Decode one utterance.

        Args:
            log_probs: CTC log-posteriors (natural log), shape (T, V).

        Returns:
            Hypotheses, the best first; none if T is 0.
        """


@dataclasses.dataclass(frozen=True)
class Search:
    """A search; its fields are its options. All scores are natural logarithms.

    Attributes:
        name: Name of the search and of its module in `hamzaban.decode.searches`.
        tunable: Options that tune-decoder may tune.
    """

    name: ClassVar[str] = ""
    tunable: ClassVar[tuple[str, ...]] = ()

    @property
    def needs_lm(self) -> bool:
        """Return whether the search reads a language model."""
        return False

    def decode_dir(self, task: DecodeTask) -> None:
        """Decode a data directory without the project's emissions.

        It is for searches that are not a `CtcSearch`, which run the model themselves.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class CtcSearch(Search):
    """A search of log-posteriors.

    Attributes:
        blank_score: Added to the log-posterior of blank in each frame before the
            search, in nats; posteriors are scaled to sum to 1 again. Values below 0
            reduce deletions.
    """

    blank_score: float = 0.0

    @property
    def keeps_emissions(self) -> bool:
        """Return whether log-posteriors are kept on disk if no folder is named."""
        return True

    def build(
        self, tokenizer: Tokenizer, files: SearchFiles, report_dir: Path | None = None
    ) -> Decoder:
        """Load the files of the search and return its decoder.

        Args:
            tokenizer: Tokenizer of the acoustic model.
            files: Files that the search reads.
            report_dir: Folder to write reports to, such as `unspelled_words`.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: The files do not fit the model.
        """
        raise NotImplementedError


def check_counts(search: Search, *names: str) -> None:
    """Check that options are counts that a search can handle.

    Raises:
        ValueError: One is below 1 or above `MAX_COUNT`.
    """
    for name in names:
        count = getattr(search, name)
        if not 1 <= count <= MAX_COUNT:
            raise ValueError(f"{name} {count} found, expected 1..{MAX_COUNT}")
