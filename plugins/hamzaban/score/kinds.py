"""The table of the error rates that are scored.

To add a rate, give it a row here; CONTRIBUTING lists the tests and the page. score-text
then has an option `--<name>` if `is_asked_for` is set, and report, grid, RESULTS.md and
comparisons know `score_<name>/`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hamzaban.score.mixed_error_rate import split_mixed
from hamzaban.score.tokens import split_chars, split_words


@dataclass(frozen=True)
class Kind:
    """An error rate.

    Attributes:
        name: Name in the folder `score_<name>` and in options.
        title: Description for help texts.
        unit: Unit that is counted, in the plural.
        split: Returns the units of a text; None: they are the tokens of a model.
        is_asked_for: Whether score-text computes it only with `--<name> true`.
        has_raw: Whether raw text is scored as well if there is a normalizer.
    """

    name: str
    title: str
    unit: str
    split: Callable[[str], list[str]] | None
    is_asked_for: bool = False
    has_raw: bool = False

    @property
    def label(self) -> str:
        """The name in tables."""
        return self.name.upper()


KINDS = {
    kind.name: kind
    for kind in (
        Kind("wer", "word error rate", "words", split_words, has_raw=True),
        Kind("cer", "character error rate", "characters", split_chars, has_raw=True),
        Kind(
            "mer",
            "mixed error rate: words, but characters of scripts without spaces",
            "words and characters",
            split_mixed,
            is_asked_for=True,
        ),
        Kind("ter", "token error rate", "tokens", None),
    )
}
RAW = "_raw"  # end of a folder's name for raw text


def find_kind(folder_name: str) -> str:
    """Return the kind of a folder such as `score_wer` or `score_wer_raw`."""
    return folder_name.removeprefix("score_").removesuffix(RAW)
