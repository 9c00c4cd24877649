"""Splitting text into what is counted, as ESPnet's scoring stage does."""

import random
from pathlib import Path

import pytest

from hamzaban.score.tokens import load_splitter, split_chars, split_words


@pytest.mark.torch
def test_characters_are_those_of_espnet() -> None:
    from espnet2.text.char_tokenizer import CharTokenizer

    tokenizer = CharTokenizer()
    for text in ["سلام دنیا", "  a\u00a0 b\tc ", "می\u200cروم  خانه", ""]:
        line = " ".join(text.rstrip().split())  # what espnet2.bin.tokenize_text cuts
        assert split_chars(text) == tokenizer.text2tokens(line)


def test_zwnj_is_a_character_and_no_blank() -> None:
    assert split_words("می\u200cروم خانه") == ["می\u200cروم", "خانه"]
    assert split_chars("ی\u200cر") == ["ی", "\u200c", "ر"]


def test_text_is_split_into_pieces_by_the_model_given(tmp_path: Path) -> None:
    import sentencepiece

    rng = random.Random(0)
    lines = ["".join(rng.choices("ابتث ", k=20)) for _ in range(200)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(tmp_path / "bpe"),
        vocab_size=20,
        minloglevel=2,
    )
    split = load_splitter(tmp_path / "bpe.model")
    pieces = split("ابت  ثا")
    assert "".join(pieces) == "▁ابت▁ثا"
    assert len(pieces) < len("▁ابت▁ثا")
    assert split("") == []


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.model"):
        load_splitter(tmp_path / "none.model")


def test_a_file_that_is_no_model_of_pieces_is_named(tmp_path) -> None:
    path = tmp_path / "bpe.model"
    for data in (b"", b"<!DOCTYPE html>", bytes(100)):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="bpe.model: not a SentencePiece model"):
            load_splitter(path)
