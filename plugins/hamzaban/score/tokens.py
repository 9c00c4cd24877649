"""Split text into the tokens that are counted: words, characters, subwords."""

from collections.abc import Callable
from pathlib import Path

from hamzaban.text.tokens import load_pieces

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


def split_letters(text: str) -> list[str]:
    """Return the characters of a text without its blanks.

    Examples:
        >>> split_letters("so  it")
        ['s', 'o', 'i', 't']
    """
    return list("".join(text.split()))


def load_splitter(bpemodel: str | Path) -> Callable[[str], list[str]]:
    """Return the function that splits text into the pieces of a SentencePiece model.

    Raises:
        FileNotFoundError: There is no such model.
    """
    model = load_pieces(bpemodel)

    def split_pieces(text: str) -> list[str]:
        return list(model.encode(" ".join(text.split()), out_type=str))

    return split_pieces
