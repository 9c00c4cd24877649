"""Convert text to tokens and back with ESPnet's ids, without importing ESPnet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hamzaban.utf8 import decode_line

BLANK = "<blank>"
UNK = "<unk>"
SOS_EOS = "<sos/eos>"
SPACE = "<space>"
TOKEN_TYPES = ("bpe", "char")
WORD_BOUNDARY = "\u2581"  # what SentencePiece writes for a space


class Tokenizer(ABC):
    """Base of the tokenizers: the list of tokens and their ids.

    Attributes:
        tokens: The tokens in the order of their ids; blank is 0.
        token2id: The id of each token.
        unk_id: The id that tokens outside the list get.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        """Index the tokens.

        Args:
            tokens: A token list in ESPnet's layout: blank first, sos/eos last.

        Raises:
            ValueError: A symbol is missing, misplaced, or listed twice.
        """
        check_tokens(tokens)
        self.tokens = list(tokens)
        self.token2id = {token: i for i, token in enumerate(self.tokens)}
        self.unk_id = self.token2id[UNK]

    @abstractmethod
    def text2tokens(self, line: str) -> list[str]:
        """Split one line of text into tokens."""

    @abstractmethod
    def tokens2text(self, tokens: Iterable[str]) -> str:
        """Join tokens to text, words separated by one space."""

    def texts2ids(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the token ids of many lines; unknown tokens get `unk_id`."""
        return [self.tokens2ids(self.text2tokens(line)) for line in lines]

    def tokens2ids(self, tokens: Iterable[str]) -> list[int]:
        """Return the ids of tokens; unknown tokens get `unk_id`."""
        return [self.token2id.get(token, self.unk_id) for token in tokens]

    def ids2tokens(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens of ids.

        Raises:
            ValueError: An id is outside the list.
        """
        ids = list(ids)
        if ids and not 0 <= min(ids) <= max(ids) < len(self.tokens):
            raise ValueError(
                f"token ids {min(ids)}..{max(ids)} found, expected 0.."
                f"{len(self.tokens) - 1}; the token list is not the model's"
            )
        return [self.tokens[i] for i in ids]

    @abstractmethod
    def characters(self) -> set[str]:
        """Return the characters that the tokens can spell."""


class CharTokenizer(Tokenizer):
    """One token a character, `<space>` between words.

    Examples:
        >>> tokens = ["<blank>", "<unk>", "<space>", "a", "b", "<sos/eos>"]
        >>> tokenizer = CharTokenizer(tokens)
        >>> tokenizer.tokens2ids(tokenizer.text2tokens("ab ax"))
        [3, 4, 2, 3, 1]
        >>> tokenizer.tokens2text(tokenizer.ids2tokens([3, 4, 2, 3]))
        'ab a'
    """

    def text2tokens(self, line: str) -> list[str]:
        """Split one line of text into characters."""
        return [SPACE if char == " " else char for char in line]

    def tokens2text(self, tokens: Iterable[str]) -> str:
        """Join characters to text, words separated by one space."""
        return _single_spaces("".join(" " if t == SPACE else t for t in tokens))

    def characters(self) -> set[str]:
        """Return the characters that are tokens."""
        known = {token for token in self.tokens if len(token) == 1}
        return known | ({" "} if SPACE in self.token2id else set())


class BpeTokenizer(Tokenizer):
    """Pieces of a SentencePiece model (BPE or unigram)."""

    def __init__(self, tokens: Sequence[str], bpemodel: str | Path) -> None:
        """Load the model and map its ids to those of the token list.

        Args:
            tokens: A token list in ESPnet's layout.
            bpemodel: A SentencePiece model file.

        Raises:
            FileNotFoundError: The model is missing.
            ValueError: The model is unreadable or is not the token list's.
        """
        super().__init__(tokens)
        self.processor = load_pieces(bpemodel)
        size = self.processor.get_piece_size()
        pieces = [self.processor.id_to_piece(i) for i in range(size)]
        ids = [self.token2id.get(piece, self.unk_id) for piece in pieces]
        lost = [p for p in pieces[3:] if p not in self.token2id]
        if lost:
            raise ValueError(
                f"{bpemodel}: {len(lost)} of {size - 3} pieces (first {lost[0]!r}) are "
                "not in the token list; give the two files of one make-tokens run"
            )
        self._token_ids = ids

    def text2tokens(self, line: str) -> list[str]:
        """Split one line of text into pieces."""
        return self.processor.encode(line, out_type=str)

    def texts2ids(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the token ids of many lines; unknown pieces get `unk_id`."""
        encoded = self.processor.encode(list(lines), out_type=int)
        return [[self._token_ids[i] for i in ids] for ids in encoded]

    def tokens2text(self, tokens: Iterable[str]) -> str:
        """Join pieces to text, words separated by one space."""
        return _single_spaces(self.processor.decode_pieces(list(tokens)))

    def characters(self) -> set[str]:
        """Return the characters that the pieces can spell."""
        known = {char for token in self.tokens[2:-1] for char in token}
        return (known - {WORD_BOUNDARY}) | {" "}


def check_tokens(tokens: Sequence[str], place: str = "token list") -> None:
    """Check that a token list is in ESPnet's layout.

    Raises:
        ValueError: A symbol is missing, misplaced, or listed twice.
    """
    if len(set(tokens)) != len(tokens):
        twice = next(t for i, t in enumerate(tokens) if t in tokens[:i])
        raise ValueError(f"{place}: token {twice!r} is there twice; remove one")
    if not tokens or tokens[0] != BLANK or UNK not in tokens:
        raise ValueError(
            f"{place}: found {list(tokens[:2])} at its head, expected "
            f"{[BLANK, UNK]}; make it with `hamzaban make-tokens`"
        )


def build_tokenizer(
    token_type: str,
    token_list: str | Path | Sequence[str],
    bpemodel: str | Path | None = None,
) -> Tokenizer:
    """Build the tokenizer of a token type.

    Args:
        token_type: `bpe` or `char`.
        token_list: `tokens.txt`, or its lines.
        bpemodel: The SentencePiece model; needed by `bpe` only.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The type is unknown, or the files do not fit together.
    """
    if isinstance(token_list, str | Path):
        place, token_list = str(token_list), read_token_list(token_list)
        check_tokens(token_list, place)
    if not isinstance(token_list, list | tuple) or set(map(type, token_list)) != {str}:
        raise ValueError(
            f"token_list: {token_list!r:.50} found, expected a file or tokens"
        )
    if token_type == "char":
        return CharTokenizer(token_list)
    if token_type != "bpe":
        known = ", ".join(TOKEN_TYPES)
        raise ValueError(f"token_type {token_type!r} is unknown; known: {known}")
    if bpemodel is None:
        raise ValueError("token_type bpe needs a SentencePiece model; give --bpemodel")
    return BpeTokenizer(token_list, bpemodel)


def read_token_list(path: str | Path) -> list[str]:
    """Read `tokens.txt`, one token a line, the way ESPnet reads it.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is not UTF-8, or a line is empty.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"{path}: the token list is missing; make it with `hamzaban make-tokens`"
        )
    with open(path, "rb") as f:
        found = [decode_line(line, f"{path}:{n}") for n, line in enumerate(f, 1)]
    lines = [line.removesuffix("\n") for line in found]
    for number, line in enumerate(lines, 1):
        if not line:
            raise ValueError(f"{path}:{number}: an empty line; expected one token")
    return [line[0] + line[1:].rstrip() for line in lines]


def load_pieces(bpemodel: str | Path) -> Any:
    """Return the processor of a SentencePiece model.

    Raises:
        FileNotFoundError: There is no such model.
        ValueError: The file is no SentencePiece model.
    """
    import sentencepiece

    if not Path(bpemodel).is_file():
        raise FileNotFoundError(
            f"{bpemodel}: the SentencePiece model is missing; make it with "
            "`hamzaban make-tokens`"
        )
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(bpemodel))
        processor.encode("a", out_type=str)  # a damaged table is found only now
        return processor
    except (RuntimeError, ValueError) as e:
        raise ValueError(
            f"{bpemodel}: not a SentencePiece model ({e}); make it with "
            "`hamzaban make-tokens`"
        ) from e


def _single_spaces(text: str) -> str:
    return " ".join(word for word in text.split(" ") if word)
