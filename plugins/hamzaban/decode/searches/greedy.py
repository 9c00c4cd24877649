"""Greedy search: the likeliest token of each frame, without a language model."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from hamzaban.decode.path import (
    LogProbs,
    add_blank_score,
    greedy_path,
    group_words,
    list_runs,
    path_score,
)
from hamzaban.decode.result import Result, make_result
from hamzaban.decode.search import CtcSearch, SearchFiles
from hamzaban.text.tokens import Tokenizer


@dataclasses.dataclass(frozen=True)
class GreedySearch(CtcSearch):
    """The best path through the frames; its one option is `blank_score`."""

    name: ClassVar[str] = "greedy"

    @property
    def keeps_emissions(self) -> bool:
        """Return whether `blank_score` is used, since emissions let one try others."""
        return bool(self.blank_score)

    def build(
        self, tokenizer: Tokenizer, files: SearchFiles, report_dir: Path | None = None
    ) -> GreedyDecoder:
        """Return the decoder; no file is read."""
        return GreedyDecoder(tokenizer, self)


class GreedyDecoder:
    """Decoder that finds the best path of an utterance."""

    def __init__(self, tokenizer: Tokenizer, options: GreedySearch) -> None:
        """Store the tokenizer of the acoustic model and the options."""
        self.tokenizer, self.options = tokenizer, options

    def tune(self, options: GreedySearch) -> None:
        """Change `blank_score`."""
        self.options = options

    def decode(self, log_probs: LogProbs) -> list[Result]:
        """Decode log-posteriors, shape (T, V); there is no hypothesis if T is 0."""
        if not len(log_probs):
            return []
        log_probs = add_blank_score(log_probs, self.options.blank_score)
        path = greedy_path(log_probs)
        score = path_score(log_probs, path)
        words = group_words(list_runs(log_probs, path), self.tokenizer)
        return [
            make_result(self.tokenizer, log_probs, path, words, (score, score, 0.0))
        ]
