"""Search of the words of a list, weighted by a language model of words."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from hamzaban.decode.flashlight_search import FlashlightSearch, lm_folder
from hamzaban.decode.search import SearchFiles, check_counts

if TYPE_CHECKING:
    from hamzaban.decode.lexicon import Lexicon
    from hamzaban.text.tokens import Tokenizer


@dataclasses.dataclass(frozen=True)
class LexiconSearch(FlashlightSearch):
    """Beam search over the words of a lexicon.

    Attributes:
        num_spellings: Most segmentations of a word into pieces.
        mapping: Table of letters by which words of one language are spelled in the
            tokens of another language's model: a name in hamzaban/decode/mappings/ or
            a file; empty: words keep their letters.
    """

    name: ClassVar[str] = "lexicon"
    tunable: ClassVar[tuple[str, ...]] = (
        *("lm_weight", "word_score", "blank_score", "beam_size"),
    )

    num_spellings: int = 3
    mapping: str = ""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is unknown or out of range.
        """
        super().__post_init__()
        check_counts(self, "num_spellings")

    def fitting_unit(self, tokenizer: Tokenizer) -> str:
        """Return the unit of the language model that fits the search."""
        return "word"

    def read_lexicon(self, tokenizer: Tokenizer, files: SearchFiles) -> Lexicon:
        """Return spellings of the words of the list or of the language model."""
        from hamzaban.decode.lexicon import build_lexicon, read_words, report_unknown
        from hamzaban.decode.spelling import build_folded_lexicon, read_spelling

        path = files.word_list or lm_folder(files, "word") / "units.txt"
        words, count = read_words(path), self.num_spellings
        if files.word_list is not None and self.needs_lm:
            report_unknown(words, files.word_list, lm_folder(files, "word"))
        hot = (word for hotword in files.hotwords for word in hotword.words)
        words = list(dict.fromkeys([*words, *hot]))
        if not self.mapping:
            return build_lexicon(words, tokenizer, count, place=path)
        spelling = read_spelling(self.mapping, words)
        found = build_folded_lexicon(words, tokenizer, spelling, count, place=path)
        return found.lexicon
