"""Spellings of words in a model's tokens."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from hamzaban.fileio import atomic_text
from hamzaban.lm.text import read_plain
from hamzaban.text.tokens import SPACE, UNK, BpeTokenizer, Tokenizer

MAX_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Lexicon:
    """Words and their spellings.

    Attributes:
        words: Words that can be spelled.
        spellings: Token ids of each spelling of each word, the likeliest first.
        unspelled: Words that the tokens cannot spell.
    """

    words: tuple[str, ...]
    spellings: tuple[tuple[tuple[int, ...], ...], ...]
    unspelled: tuple[str, ...]


def read_words(path: str | Path) -> list[str]:
    """Return the words of a list: the first field of each line, without repeats.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: There is no word.
    """
    words = list(dict.fromkeys(f[0] for f in map(str.split, read_plain(path)) if f))
    if not words:
        raise ValueError(f"{path}: no word found, expected one per line")
    return words


def build_lexicon(
    words: Iterable[str],
    tokenizer: Tokenizer,
    num_spellings: int = 1,
    *,
    place: str | Path = "lexicon",
) -> Lexicon:
    """Return the spellings of words in a model's tokens.

    The tokens of a spelling must join to the word again. Words with ZWNJ, with vowel
    signs or of another script are therefore kept whole or counted as unspelled, never
    altered.

    Args:
        words: Words without spaces.
        tokenizer: Tokenizer of the model, of characters or BPE; each word of characters
            ends with `<space>`.
        num_spellings: Most segmentations of a word into BPE pieces, the likeliest
            first; a SentencePiece model of type `bpe` has only one.
        place: Where the words come from, for messages.

    Returns:
        The lexicon.

    Raises:
        ValueError: No word can be spelled, or characters lack `<space>`.
    """
    is_bpe = isinstance(tokenizer, BpeTokenizer)
    if not is_bpe and SPACE not in tokenizer.token2id:
        raise ValueError(
            f"token list: {SPACE} is missing, which must end each word of a lexicon; "
            "make the tokens from text with spaces"
        )
    words = list(words)
    lexicon = _collect(words, tokenizer, num_spellings if is_bpe else 0)
    if not lexicon.words:
        raise ValueError(
            f"{place}: none of {len(words)} words can be spelled in the model's "
            f"tokens, such as {words[:1]}; give a word list of the model's language"
        )
    return lexicon


def _collect(words: list[str], tokenizer: Tokenizer, num_spellings: int) -> Lexicon:
    is_bpe = isinstance(tokenizer, BpeTokenizer)
    spelled = _spell_bpe(words, tokenizer, num_spellings) if is_bpe else words
    kept, spellings, unspelled = [], [], []
    for word, found in zip(words, spelled, strict=True):
        ways = found if is_bpe else [[*word, SPACE]]
        good = [way for way in ways if _reads_as(way, word, tokenizer)]
        if good:
            kept.append(word)
            ids = (tuple(tokenizer.tokens2ids(way)) for way in good)
            spellings.append(tuple(dict.fromkeys(ids)))
        else:
            unspelled.append(word)
    return Lexicon(tuple(kept), tuple(spellings), tuple(unspelled))


def report_lexicon(lexicon: Lexicon, path: str | Path) -> None:
    """Log the size of a lexicon and write its unspelled words, one per line."""
    total = len(lexicon.words) + len(lexicon.unspelled)
    logging.info(
        "lexicon: %d words, %d spellings",
        len(lexicon.words),
        sum(map(len, lexicon.spellings)),
    )
    with atomic_text(path) as f:
        f.writelines(word + "\n" for word in lexicon.unspelled)
    if lexicon.unspelled:
        shown = " ".join(lexicon.unspelled[:MAX_SHOWN])
        logging.warning(
            "%d of %d words cannot be spelled in the model's tokens and are never "
            "recognized (%s lists them): %s",
            len(lexicon.unspelled),
            total,
            path,
            shown,
        )


def report_unknown(words: Sequence[str], word_list: Path, lm_folder: Path) -> None:
    """Log the words of a list that the language model lacks.

    Args:
        words: The words of the list.
        word_list: The list, for the message.
        lm_folder: Folder of the model of words.
    """
    known = set(read_words(lm_folder / "units.txt"))
    unknown = [word for word in words if word not in known]
    if unknown:
        logging.warning(
            "%s: %d of %d words are not in the language model, which scores them all "
            "as one unknown word, such as %s",
            word_list,
            len(unknown),
            len(words),
            " ".join(unknown[:MAX_SHOWN]),
        )


def _spell_bpe(
    words: Sequence[str], tokenizer: Tokenizer, num_spellings: int
) -> list[list[list[str]]]:
    assert isinstance(tokenizer, BpeTokenizer)
    best = [[way] for way in tokenizer.processor.encode(list(words), out_type=str)]
    if num_spellings == 1:
        return best
    try:
        for found, word in zip(best, words, strict=True):
            found += tokenizer.processor.nbest_encode(
                word, nbest_size=num_spellings, out_type=str
            )
            found[1:] = [way for way in found[1:] if way != found[0]]
            del found[num_spellings:]
    except RuntimeError:  # a model of type `bpe` has one segmentation
        logging.info(
            "the BPE model has one segmentation for each word: num_spellings is 1"
        )
    return best


def _reads_as(spelling: Sequence[str], word: str, tokenizer: Tokenizer) -> bool:
    known = all(token in tokenizer.token2id and token != UNK for token in spelling)
    return known and tokenizer.tokens2text(spelling) == word
