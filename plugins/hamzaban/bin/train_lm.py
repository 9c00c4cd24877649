"""Train n-gram language models with KenLM, or take one that was made elsewhere."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hamzaban.cli import add_nj

GROUP = "train"
CONFIG = "conf/lm.yaml, or a YAML based on it"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban train-lm`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Text that leaks from valid or test is refused; see conf/lm.yaml.",
    )
    _add_sources(parser)
    parser.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        help="folder to write: <unit>/lm.bin, ...",
    )
    parser.add_argument("--lang", help="normalize as training text of this language")
    parser.add_argument(
        "--marks",
        choices=("drop", "keep", "refuse", "text"),
        default="drop",
        help="marks of sounds, such as [laughter]: drop them, keep each as a word "
        "<laughter>, refuse the text, or treat them as text",
    )
    parser.add_argument("--bpemodel", type=Path, help="SentencePiece model of unit bpe")
    add_nj(parser)
    return parser


def _add_sources(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, help=CONFIG)
    source.add_argument(
        "--lm",
        type=Path,
        help="ready model: ARPA, which may be gzipped, or KenLM's binary; nothing is "
        "trained, and its words are compared with --token_list and --lang",
    )
    parser.add_argument("--token_list", type=Path, help="tokens of the recognizer")
    for option, what in (
        ("--train_text", "transcripts to train on, Kaldi text"),
        ("--lm_text", "more sentences to train on: plain text, may be .gz"),
        (
            "--valid_text",
            "Kaldi text to weight the two by and to measure perplexity on",
        ),
        ("--test_text", "Kaldi text to measure perplexity on"),
    ):
        parser.add_argument(
            option, nargs="+", type=Path, default=[], metavar="FILE", help=what
        )


def main(cmd: Sequence[str] | None = None) -> int:
    """Train the models; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.lm.audit import Texts
    from hamzaban.lm.ngram_options import read_options
    from hamzaban.lm.train import train_lms

    texts = Texts(
        *(tuple(getattr(args, f"{k}_text")) for k in ("train", "valid", "test", "lm"))
    )
    if args.lm is not None:
        _take(args, texts)
        return 0
    train_lms(
        texts,
        args.output_dir,
        read_options(args.config),
        lang=args.lang,
        bpemodel=args.bpemodel,
        nj=args.nj,
        marks=args.marks,
    )
    return 0


def _take(args: argparse.Namespace, texts: Any) -> None:
    """Take the model of --lm."""
    from hamzaban.lm.taking import take_lm

    if texts.train or texts.lm:
        raise ValueError(
            "--train_text or --lm_text is given with --lm, which trains nothing; "
            "leave it out, or give --config"
        )
    take_lm(
        args.lm,
        texts,
        args.output_dir,
        lang=args.lang,
        token_list=args.token_list,
        bpemodel=args.bpemodel,
        nj=args.nj,
    )
