"""The tokens of Hugging Face directories of CTC models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hamzaban.text.tokens import BLANK, SOS_EOS, SPACE, UNK
from hamzaban.wav2vec2.convert.directory import read_json

VOCAB, TOKENIZER = "vocab.json", "tokenizer_config.json"
SPECIAL = ("<s>", "</s>", "[CLS]", "[SEP]", "[MASK]", "<mask>")  # never in a text
UNKNOWN = ("<unk>", "[UNK]")


class Vocabulary:
    """The tokens of a vocabulary in our order: blank, unknown, the rest.

    Attributes:
        tokens: The tokens, for a tokenizer.
        columns: Columns of the model's output that are kept.
        order: Place of each token among the kept columns and the one that is added.
        language: Language of the vocabulary; "" if there is one only.
        rows: The model's output of each token that has one, ours by name.
    """

    def __init__(
        self, vocab: Mapping[str, int], names: Mapping[str, str], language: str = ""
    ) -> None:
        """Sort the tokens.

        Args:
            vocab: The column of each token.
            names: The tokens that tokenizer_config.json calls blank and space.
            language: Language of the vocabulary.

        Raises:
            ValueError: The blank is missing.
        """
        blank, space = names["pad_token"], names["word_delimiter_token"]
        if blank not in vocab:
            raise ValueError(
                f"no token {blank} found, which should be the blank of CTC; give the "
                "directory of a CTC model"
            )
        unseen = {blank, *SPECIAL, *UNKNOWN, names["unk_token"]}
        letters = [token for token in vocab if token not in unseen]
        self.columns = [vocab[blank], *(vocab[token] for token in letters)]
        spelled = [SPACE if token == space else token for token in letters]
        self.tokens = [BLANK, UNK, *spelled]
        last = len(self.columns)  # the added column
        self.order = [0, last, *range(1, last)]
        self.language = language
        self.rows = dict(zip([BLANK, *spelled], self.columns, strict=True))
        signs = ((UNK, names["unk_token"]), (SOS_EOS, "</s>"))
        self.rows |= {ours: vocab[theirs] for ours, theirs in signs if theirs in vocab}


def read_vocabulary(folder: Path, language: str) -> tuple[Vocabulary, str]:
    """Read the vocabulary of a directory.

    Args:
        folder: The directory, with vocab.json.
        language: The language of a file with several vocabularies; "" for the one that
            tokenizer_config.json names.

    Returns:
        The vocabulary, and its language; "" if there is one only.

    Raises:
        FileNotFoundError: vocab.json is missing.
        ValueError: It is damaged, is no CTC model's, or lacks the language.
    """
    vocab = read_json(folder / VOCAB)
    settings: dict[str, Any] = {}
    if (folder / TOKENIZER).is_file():
        settings = read_json(folder / TOKENIZER)
    is_nested = bool(vocab) and all(isinstance(v, dict) for v in vocab.values())
    if is_nested:
        language = language or str(settings.get("target_lang") or "")
        if language not in vocab:
            known = ", ".join(sorted(vocab)[:10])
            raise ValueError(
                f"{folder / VOCAB}: --language '{language}' found, expected one of its "
                f"{len(vocab)} languages, such as {known}"
            )
        vocab = vocab[language]
    elif language:
        raise ValueError(
            f"--language {language}: {folder} has one language only; leave the option "
            "out"
        )
    if not vocab or not all(type(v) is int and v >= 0 for v in vocab.values()):
        raise ValueError(
            f"{folder / VOCAB}: expected the number of each token; download it again"
        )
    try:
        found = Vocabulary(vocab, _special_names(settings, vocab), language)
        return found, language
    except ValueError as error:
        raise ValueError(f"{folder / VOCAB}: {error}") from None


def _special_names(
    settings: Mapping[str, Any], vocab: Mapping[str, int]
) -> dict[str, str]:
    """Return the special tokens by their names in tokenizer_config.json."""
    pad = "<pad>" if "[PAD]" not in vocab else "[PAD]"
    names = {"pad_token": pad, "unk_token": "<unk>", "word_delimiter_token": "|"}
    for name in names:
        value = settings.get(name)
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str):
            names[name] = text
    return names
