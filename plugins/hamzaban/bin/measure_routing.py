"""Measure what it costs that a model of several languages finds the language itself."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.score.kinds import KINDS


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban measure-routing`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        epilog="Both decodings have to be scored. Misrouted are the utterances decoded "
        "by the head of another language than utt2lang says.",
    )
    add = parser.add_argument
    add("--data_dir", type=Path, nargs="+", required=True, help="dump/raw/<set> ...")
    add("--oracle", type=Path, required=True, help="exp/*/*, `language: utt2lang`")
    add("--predicted", type=Path, required=True, help="exp/*/*, `language: predicted`")
    add("--kind", choices=list(KINDS), default="wer", help="rate")
    add("--output", type=Path, help="gets the table as well, in Markdown")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.fileio import atomic_text
    from hamzaban.score.language_routing import format_costs, read_decoded

    decoded = []
    for data_dir in args.data_dir:
        name = data_dir.name
        folders = args.oracle / name, args.predicted / name
        decoded += read_decoded(data_dir, *folders, args.kind)
    lines = list(format_costs(decoded, args.kind))
    for line in lines:
        print(line)
    if args.output is not None:
        with atomic_text(args.output) as f:
            f.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
