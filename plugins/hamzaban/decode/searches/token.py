"""Search of any tokens, weighted by a language model of tokens; words may be new."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from hamzaban.decode.flashlight_search import FlashlightSearch

if TYPE_CHECKING:
    from hamzaban.text.tokens import Tokenizer


@dataclasses.dataclass(frozen=True)
class TokenSearch(FlashlightSearch):
    """Beam search over characters or pieces."""

    name: ClassVar[str] = "token"
    tunable: ClassVar[tuple[str, ...]] = ("lm_weight", "blank_score", "beam_size")

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is unknown or out of range.
        """
        super().__post_init__()
        if self.word_score:
            raise ValueError("word_score is for search: lexicon; leave it out")

    def fitting_unit(self, tokenizer: Tokenizer) -> str:
        """Return the unit of the tokens, which the language model must have too."""
        from hamzaban.text.tokens import BpeTokenizer

        return "bpe" if isinstance(tokenizer, BpeTokenizer) else "char"
