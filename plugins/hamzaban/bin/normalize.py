"""Normalize text from standard input, line by line."""

import argparse
import sys
from collections.abc import Sequence

from hamzaban.cli import add_nj
from hamzaban.verb_help import OptionHelp

GROUP = "text"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban normalize`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} The text is UTF-8; one line in, one line out.",
        formatter_class=OptionHelp,
    )
    parser.add_argument("--lang", required=True, help="language, such as fa")
    parser.add_argument("--profile", default="train", help="rules to apply")
    parser.add_argument(
        "--options", default="", help="options of the language, a=b,c=d"
    )
    parser.add_argument(
        "--kaldi",
        action="store_true",
        help="leave the first field, an utterance id, as it is",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="write after each line what each rule changed in it",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="count the tokens that each rule changed, on standard error",
    )
    parser.add_argument(
        "--marks",
        choices=("drop", "keep", "text"),
        default="drop",
        help="marks of sounds, such as [laughter]: drop them, keep each as a word "
        "<laughter>, or leave all marks to the rules, as text",
    )
    parser.add_argument(
        "--id", action="store_true", help="print the id of the normalizer and stop"
    )
    add_nj(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Normalize; return the exit status."""
    args = get_parser().parse_args(cmd)
    if args.nj < 1:
        raise ValueError(f"--nj {args.nj}: expected at least 1")
    from hamzaban.text.cleaner import parse_options
    from hamzaban.text.stream import StreamOptions, normalize_stream

    options = StreamOptions(
        args.lang,
        args.profile,
        tuple(sorted(parse_options(args.options).items())),
        kaldi=args.kaldi,
        explain=args.explain,
        report=args.report,
        marks=args.marks,
    )
    if args.id:
        print(options.build_normalizer().id)
        return 0
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    report = normalize_stream(source, sink, "standard input", options, args.nj)
    sink.flush()
    if args.report:
        print(report.format(), file=sys.stderr)
    return 0
