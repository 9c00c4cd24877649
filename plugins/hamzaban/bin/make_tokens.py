"""Make a token list (SentencePiece or characters) from Kaldi text files."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float
from hamzaban.verb_help import OptionHelp

GROUP = "text"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban make-tokens`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    parser.add_argument("text", nargs="+", type=Path, help="Kaldi text files")
    parser.add_argument(
        "--token_type",
        choices=("bpe", "char"),
        default="bpe",
        help="bpe: pieces of SentencePiece; char: characters",
    )
    parser.add_argument(
        "--nbpe", type=int, default=512, help="size of SentencePiece's vocabulary"
    )
    parser.add_argument(
        "--bpemode",
        choices=("unigram", "bpe"),
        default="unigram",
        help="type of SentencePiece's model",
    )
    parser.add_argument(
        "--min_char_share",
        type=finite_float,
        default=0.0,
        help="characters that are rarer get no token; 1e-5 is 0.001 %%",
    )
    parser.add_argument(
        "--bpe_nlsyms",
        default="",
        metavar="A,B",
        help="strings that are never divided, separated by commas",
    )
    parser.add_argument(
        "--cleaner",
        default="none",
        help="cleaner of the text, such as hamzaban/fa/train",
    )
    parser.add_argument(
        "--output_dir", type=Path, required=True, help="folder for tokens.txt and more"
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Make the token list; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.text.cleaner import find_cleaner
    from hamzaban.text.make_tokens import check_symbols, make_bpe, make_char, read_texts

    clean = find_cleaner(args.cleaner)
    symbols = [symbol for symbol in args.bpe_nlsyms.split(",") if symbol]
    check_symbols(symbols, clean)
    texts = read_texts(args.text, clean)
    if args.token_type == "char":
        if symbols:
            raise ValueError("--bpe_nlsyms is for --token_type bpe; leave it out")
        make_char(texts, args.output_dir, min_share=args.min_char_share)
    elif args.min_char_share:
        raise ValueError("--min_char_share is for --token_type char; leave it out")
    else:
        make_bpe(
            texts,
            args.output_dir,
            args.nbpe,
            bpemode=args.bpemode,
            user_defined_symbols=symbols,
        )
    return 0
