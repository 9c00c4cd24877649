"""Split text into the tokens that are counted: words, characters, subwords."""

import re
from collections.abc import Callable
from pathlib import Path

from hamzaban.text.tokens import load_pieces

_ASCII_RUN = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]")
SPACE_SYMBOL = "<space>"  # ESPnet's token for the blank between two words


def split_words(text: str) -> list[str]:
    """Return the words of a text, which is split at any blank."""
    return text.split()


def split_chars(text: str) -> list[str]:
    """Return the characters of a text as in ESPnet; a run of blanks counts as one.

    Args:
        text: One utterance.

    Returns:
        Code points in order, `<space>` between words.

    Examples:
        >>> split_chars("so  it")
        ['s', 'o', '<space>', 'i', 't']
    """
    return [SPACE_SYMBOL if char == " " else char for char in " ".join(text.split())]


def split_letters(
    text: str, *, hyphens: bool = True, ascii_words: bool = False
) -> list[str]:
    """Return the characters of a text without its blanks, as `sclite -c` splits words.

    Args:
        text: One utterance.
        hyphens: Keep hyphens; a word that is one hyphen always stays.
        ascii_words: Do not split between two ASCII characters, as `-c NOASCII`.

    Examples:
        >>> split_letters("so  it")
        ['s', 'o', 'i', 't']
    """
    if hyphens and not ascii_words:
        return list("".join(text.split()))
    units: list[str] = []
    for word in text.split():
        if not hyphens and len(word) > 1:
            word = word.replace("-", "")
        units += _ASCII_RUN.findall(word) if ascii_words else word
    return units


def load_splitter(bpemodel: str | Path) -> Callable[[str], list[str]]:
    """Return the function that splits text into the pieces of a SentencePiece model.

    Raises:
        FileNotFoundError: There is no such model.
    """
    model = load_pieces(bpemodel)

    def split_pieces(text: str) -> list[str]:
        return list(model.encode(" ".join(text.split()), out_type=str))

    return split_pieces
