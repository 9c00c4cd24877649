"""Make token lists, of SentencePiece models or characters, in ESPnet's layout."""

from __future__ import annotations

import collections
import io
import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.text.tokens import BLANK, SOS_EOS, SPACE, UNK, WORD_BOUNDARY

BPE_MODES = ("unigram", "bpe")
MAX_LINES = 1_000_000  # most lines that SentencePiece reads
NUM_META_PIECES = 3  # SentencePiece's own <unk>, <s>, </s>
# SentencePiece's sums depend on the number of threads, so a fixed number makes the same
# model on every machine.
NUM_THREADS = 4
# U+2581 stands for the space inside SentencePiece, which skips lines with U+2585.
_RESERVED = {
    WORD_BOUNDARY: "SentencePiece's space",
    "\u2585": "SentencePiece's unknown",
}
_TOO_HIGH = re.compile(r"Vocabulary size.*too high.*value <= (\d+)", re.DOTALL)
_TOO_LOW = re.compile(r"smaller than required_chars\. \d+ vs (\d+)")


def read_texts(
    paths: Sequence[str | Path], clean: Callable[[str], str] = str
) -> Iterator[str]:
    """Read the transcripts of Kaldi `text` files and check every character.

    Args:
        paths: Files of lines `utt_id transcript`.
        clean: Function that is applied to each transcript before the check.

    Yields:
        Transcripts that are not empty.

    Raises:
        ValueError: A character that no token can stand for: white space other than
            U+0020, a control character, or one that SentencePiece reserves.
    """
    checked: set[str] = set()
    for path in paths:
        for utt_id, text in read_scp(path):
            text = clean(text)
            for char in sorted(set(text) - checked):
                _check_character(char, f"{path}: {utt_id}")
                checked.add(char)
            if text:
                yield text


def check_symbols(symbols: Sequence[str], clean: Callable[[str], str]) -> None:
    """Check that a cleaner leaves the symbols of a vocabulary as they are.

    Raises:
        ValueError: The cleaner changes a symbol, or SentencePiece reserves it.
    """
    for symbol in symbols:
        if symbol in (UNK, "<s>", "</s>"):
            raise ValueError(
                f"--bpe_nlsyms: {symbol} is SentencePiece's own symbol, expected "
                "others; leave it out, and write another in the text, such as <unclear>"
            )
        cleaned = clean(symbol)
        if cleaned != symbol:
            raise ValueError(
                f"--bpe_nlsyms: the cleaner turns {symbol} into '{cleaned}', so that "
                "no text would have it; leave the symbol out, or clean the text by "
                "`hamzaban normalize-data --marks keep` and give no --cleaner"
            )


def make_char(
    texts: Iterable[str], output_dir: str | Path, *, min_share: float = 0.0
) -> list[str]:
    """Write `tokens.txt` and `train.txt` of single characters.

    Args:
        texts: Transcripts.
        output_dir: Where the files go; made if missing.
        min_share: Lowest share of the text, 0..1, at which a character gets a token.
            Grosman et al. 2025 (arXiv 2511.21704) use 1e-5.

    Returns:
        The tokens, the most frequent characters first.

    Raises:
        ValueError: There is no text, or the share is out of range.
    """
    if not 0 <= min_share < 1:
        raise ValueError(f"min_char_share is {min_share}, expected 0 to less than 1")
    counts: collections.Counter[str] = collections.Counter()

    def counted() -> Iterator[str]:
        for line in texts:
            counts.update(line)
            yield line

    _write_lines(counted(), Path(output_dir) / "train.txt")
    least = min_share * counts.total()
    chars = sorted(counts, key=lambda char: (-counts[char], char))
    rare = [char for char in chars if counts[char] < least]
    if rare:
        shown = ", ".join(f"U+{ord(c):04X} {c} {counts[c]} times" for c in rare[:20])
        logging.info("%d characters are too rare for a token: %s", len(rare), shown)
    chars = chars[: len(chars) - len(rare)]
    tokens = [BLANK, UNK, *(SPACE if c == " " else c for c in chars), SOS_EOS]
    _write_lines(tokens, Path(output_dir) / "tokens.txt")
    return tokens


def make_bpe(
    texts: Iterable[str],
    output_dir: str | Path,
    nbpe: int,
    *,
    bpemode: str = "unigram",
    user_defined_symbols: Sequence[str] = (),
) -> list[str]:
    """Train SentencePiece; write `bpe.model bpe.vocab tokens.txt train.txt`.

    The text is not normalized: converted to tokens and back, it is the same text.

    Args:
        texts: Transcripts.
        output_dir: Where the files go; made if missing. `tokens.txt` comes last.
        nbpe: Size of SentencePiece's vocabulary, including its three own symbols.
        bpemode: `unigram` or `bpe`.
        user_defined_symbols: Strings that are always one token.

    Returns:
        The tokens: blank, unknown, pieces, sos/eos.

    Raises:
        ValueError: There is no text, an option is unknown, or the text supports no
            vocabulary of this size.
    """
    if bpemode not in BPE_MODES:
        known = ", ".join(BPE_MODES)
        raise ValueError(f"bpemode {bpemode!r} is unknown; known: {known}")
    output_dir, sample = Path(output_dir), Sample()
    _write_lines(sample.watch(texts), output_dir / "train.txt")
    model = _train(sample, nbpe, bpemode, user_defined_symbols)
    pieces = _read_pieces(model)
    tokens = [BLANK, UNK, *(p for p, _ in pieces[NUM_META_PIECES:]), SOS_EOS]
    with atomic_path(output_dir / "bpe.model") as temporary:
        temporary.write_bytes(model)
    vocab = (f"{piece}\t{score:g}" for piece, score in pieces)
    _write_lines(vocab, output_dir / "bpe.vocab")
    _write_lines(tokens, output_dir / "tokens.txt")
    return tokens


class Sample:
    """At most MAX_LINES evenly spaced lines of a text, and the characters of all lines.

    Attributes:
        lines: The lines kept: all of them, or every second, fourth and so on.
        stride: Distance between kept lines: 1, 2, 4 and so on.
        chars: The characters of all lines.
    """

    def __init__(self) -> None:
        """Begin with an empty sample."""
        self.lines: list[str] = []
        self.stride = 1
        self.chars: set[str] = set()

    def watch(self, texts: Iterable[str]) -> Iterator[str]:
        """Pass lines on and keep some of them."""
        for number, line in enumerate(texts):
            self.chars.update(line)
            if number % self.stride == 0:
                self.lines.append(line)
            if len(self.lines) > MAX_LINES:
                self.lines, self.stride = self.lines[::2], 2 * self.stride
            yield line
        if self.stride > 1:
            logging.info("pieces are learnt from one line of %d", self.stride)


def _train(sample: Sample, nbpe: int, bpemode: str, symbols: Sequence[str]) -> bytes:
    try:
        return _run_sentencepiece(sample, nbpe, bpemode, symbols)
    except RuntimeError as e:
        if found := _TOO_LOW.search(str(e)):
            raise ValueError(
                f"nbpe {nbpe} is too small: the text's characters alone need "
                f"{found.group(1)}; give --nbpe {found.group(1)} or more"
            ) from e
        if not _TOO_HIGH.search(str(e)):
            raise ValueError(f"SentencePiece failed with nbpe {nbpe}: {e}") from e
    largest = _find_largest(sample, nbpe, bpemode, symbols)
    raise ValueError(
        f"nbpe {nbpe} is too large: {len(sample.lines)} lines of text support at most "
        f"{largest} pieces with bpemode {bpemode}; give --nbpe {largest} or less, "
        "or more text"
    )


def _find_largest(
    sample: Sample, nbpe: int, bpemode: str, symbols: Sequence[str]
) -> int:
    """Return the largest size that SentencePiece can train, taken from its errors."""
    while True:
        try:
            _run_sentencepiece(sample, nbpe, bpemode, symbols)
            return nbpe
        except RuntimeError as e:
            found = _TOO_HIGH.search(str(e))
            if not found or int(found.group(1)) >= nbpe:
                raise ValueError(
                    f"SentencePiece trains no {bpemode} vocabulary of {nbpe} pieces "
                    f"on this text: {e}"
                ) from e
            nbpe = int(found.group(1))


def _run_sentencepiece(
    sample: Sample, nbpe: int, bpemode: str, symbols: Sequence[str]
) -> bytes:
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sample.lines),
        model_writer=model,
        vocab_size=nbpe,
        model_type=bpemode,
        user_defined_symbols=list(symbols),
        normalization_rule_name="identity",
        add_dummy_prefix=True,
        remove_extra_whitespaces=True,
        character_coverage=1.0,
        # characters that occur only in lines outside the sample
        required_chars="".join(sorted(sample.chars - {" "})) * (sample.stride > 1),
        # SentencePiece would drop longer lines silently
        max_sentence_length=1 + max(len(line.encode()) for line in sample.lines),
        num_threads=NUM_THREADS,
        minloglevel=2,
    )
    return model.getvalue()


def _read_pieces(model: bytes) -> list[tuple[str, float]]:
    import sentencepiece

    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [(sp.id_to_piece(i), sp.get_score(i)) for i in range(sp.get_piece_size())]


def _check_character(char: str, place: str) -> None:
    if char in _RESERVED:
        why = f"is {_RESERVED[char]} and cannot be text"
    elif char != " " and (char.isspace() or unicodedata.category(char) == "Zs"):
        why = "is white space other than U+0020"
    elif unicodedata.category(char) in ("Cc", "Cs"):
        why = "is a control character"
    else:
        return
    name = unicodedata.name(char, "")
    raise ValueError(
        f"{place}: character U+{ord(char):04X} {name} {why}; normalize the text first"
    )


def _write_lines(lines: Iterable[str], path: Path) -> None:
    count = 0
    with atomic_text(path) as f:
        for line in lines:
            f.write(f"{line}\n")
            count += 1
        if not count:
            raise ValueError(
                f"{path}: no text to write; the text files have no transcript"
            )
    logging.info("%s: %d lines", path, count)
