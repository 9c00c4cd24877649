"""Words of transcripts with rules of their own: optional words and fragments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hamzaban.score.notation import Notation


@dataclass(frozen=True)
class Marks:
    """Which marks of words have a meaning.

    Attributes:
        optional: `(word)` may be missing or added without an error, as `sclite -D`.
        fragments: `wo-` matches any word that begins with wo, `-rd` any that ends with
            rd, as `sclite -F`.
    """

    optional: bool = False
    fragments: bool = False

    @property
    def options(self) -> list[str]:
        """Return the options of sclite with the same meaning."""
        return ["-D"] * self.optional + ["-F"] * self.fragments

    def are_in(self, tokens: Sequence[str]) -> bool:
        """Return whether a token may have such a mark."""
        return (self.optional and any(token[:1] == "(" for token in tokens)) or (
            self.fragments and any("-" in token for token in tokens)
        )


NO_MARKS = Marks()


class Word(NamedTuple):
    """A word on an arc of a network (see `lattice`).

    Attributes:
        text: The word as written.
        core: The word as compared, without the brackets of an optional word.
        is_null: Whether it is the null word `@`.
        is_optional: Whether it may be missing.
        is_fragment: Whether it matches longer words.
        confidence: From 0 to 1; None if there is none.
    """

    text: str
    core: str
    is_null: bool = False
    is_optional: bool = False
    is_fragment: bool = False
    confidence: float | None = None


def read_word(token: str, marks: Marks) -> Word:
    """Return the word of a token: `(word)` is optional, `wo-` is a fragment."""
    is_null = isinstance(token, Notation)
    core = token
    is_optional = marks.optional and token[:1] == "(" and token[-1:] == ")"
    if is_optional:
        core = token[1:-1]
    is_fragment = marks.fragments and (
        token[:1] == "-" or token[-1:] == "-" or (is_optional and token[-2:-1] == "-")
    )
    return Word(token, core, is_null, is_optional, is_fragment)


def match_words(one: Word, other: Word) -> bool:
    """Return whether two words are equal, or one is a fragment of the other."""
    a, b = one.core, other.core
    if one.is_fragment or other.is_fragment:
        if a[:1] == "-" and len(a) > 1:
            return b.endswith(a[1:])
        if a[-1:] == "-" and len(a) > 1:
            return b.startswith(a[:-1])
        if b[:1] == "-" and len(b) > 1:
            return a.endswith(b[1:])
        if b[-1:] == "-" and len(b) > 1:
            return a.startswith(b[:-1])
    return a == b
