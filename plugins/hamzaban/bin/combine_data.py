"""Combine data directories into one."""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "data"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban combine-data`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} No two may share an utterance id (see "
        "`hamzaban copy-data --utt_prefix`); they may share speakers."
    )
    parser.add_argument("target", type=Path, help="folder to write; may be a source")
    parser.add_argument("sources", type=Path, nargs="+", help="data directories")
    parser.add_argument(
        "--leave_out",
        metavar="FILE",
        action="append",
        default=[],
        help="a file to leave out, such as text if only some sources have it",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Combine the directories; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.data.combine import combine_dirs

    num_utts = combine_dirs(args.sources, args.target, leave_out=args.leave_out)
    print(f"{args.target}: {num_utts} utterances of {len(args.sources)} directories")
    return 0
