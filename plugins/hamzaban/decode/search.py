"""What a search is: its options, what it needs, and how it decodes a data directory."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from hamzaban.decode.decode_options import DecodeOptions
    from hamzaban.decode.path import LogProbs
    from hamzaban.decode.result import Result
    from hamzaban.text.tokens import Tokenizer


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


@dataclasses.dataclass(frozen=True)
class DecodeTask:
    """What decode-asr is asked for, but for the search.

    Attributes:
        asr_exp: Has `config.yaml` and the model file.
        data_dir: Has `wav.scp` of one mono file an utterance.
        output_dir: Gets text, token, token_int, score, confidence, ctm and nbest.
        options: How to run the model.
        lm_dir: Folder that train-lm wrote.
        word_list: Words of a lexicon.
        bpemodel: Stands in for the path in `config.yaml`.
        emissions_dir: Keeps the log-posteriors; None: where the search wants them.
    """

    asr_exp: Path
    data_dir: Path
    output_dir: Path
    options: DecodeOptions
    lm_dir: Path | None = None
    word_list: Path | None = None
    bpemodel: Path | None = None
    emissions_dir: Path | None = None


class Decoder(Protocol):
    """A search that is ready to decode any number of utterances."""

    options: Any

    def tune(self, options: Any) -> None:
        """Go on with other weights or another beam; what was loaded stays."""

    def decode(self, log_probs: LogProbs) -> list[Result]:
        """Decode one utterance.

        Args:
            log_probs: CTC log-posteriors (natural log), shape (T, V).

        Returns:
            Hypotheses, the best first; none for T = 0.
        """


@dataclasses.dataclass(frozen=True)
class Search:
    """A search and its options, the fields. All scores are natural logarithms.

    Attributes:
        name: In the inference YAML, and of the module in `hamzaban.decode.searches`.
        tunable: Options that tune-decoder may choose.
    """

    name: ClassVar[str] = ""
    tunable: ClassVar[tuple[str, ...]] = ()

    @property
    def needs_lm(self) -> bool:
        """Whether it reads a language model."""
        return False

    def decode_dir(self, task: DecodeTask) -> None:
        """Decode a data directory by itself, without the project's emissions.

        For searches that are no `CtcSearch`; they need the model, not its output.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class CtcSearch(Search):
    """A search of log-posteriors.

    Attributes:
        blank_score: Added to blank in each frame before the search, which then sees
            posteriors of sum 1 again; below 0 fewer letters are left out.
    """

    blank_score: float = 0.0

    @property
    def keeps_emissions(self) -> bool:
        """Whether log-posteriors are kept on disk when no folder is named for them."""
        return True

    def build(
        self, tokenizer: Tokenizer, files: SearchFiles, report_dir: Path | None = None
    ) -> Decoder:
        """Load what the search reads.

        Args:
            tokenizer: Of the acoustic model.
            files: What it reads.
            report_dir: Gets what the search reports, such as `unspelled_words`.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: The files do not fit the model.
        """
        raise NotImplementedError


def check_counts(search: Search, *names: str) -> None:
    """Check that options are 1 or more.

    Raises:
        ValueError: One is not.
    """
    for name in names:
        if getattr(search, name) < 1:
            raise ValueError(f"{name} {getattr(search, name)} found, expected 1 up")
