"""Train n-gram language models of words, characters or pieces with KenLM."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj

GROUP = "train"
CONFIG = "conf/lm.yaml, or a YAML based on it"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban train-lm`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Text that leaks from valid or test is refused; see conf/lm.yaml.",
    )
    parser.add_argument("--config", type=Path, required=True, help=CONFIG)
    parser.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        help="folder to write: <unit>/lm.bin, ...",
    )
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
    parser.add_argument("--lang", help="normalize as training text of this language")
    parser.add_argument(
        "--marks",
        choices=("drop", "keep", "refuse", "text"),
        default="drop",
        help="marks of sounds, such as [laughter]: drop them, keep each as a word "
        "<laughter>, refuse the text, or take them for text",
    )
    parser.add_argument("--bpemodel", type=Path, help="SentencePiece model of unit bpe")
    add_nj(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Train the models; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.lm.audit import Texts
    from hamzaban.lm.ngram_options import read_options
    from hamzaban.lm.train import train_lms

    texts = Texts(
        *(tuple(getattr(args, f"{k}_text")) for k in ("train", "valid", "test", "lm"))
    )
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
