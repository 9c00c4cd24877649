"""Split a data directory into held-out speakers of some hours, and the rest.

In mined speech each source file is a speaker, so no recording is in both parts.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float
from hamzaban.verb_help import OptionHelp

GROUP = "data"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban hold-out-data`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    add("source", type=Path, help="data directory")
    add("rest", type=Path, help="folder to write: the rest, for training")
    add("held_out", type=Path, help="folder to write: the held-out speakers")
    add("--hours", type=finite_float, required=True, help="hours to hold out")
    add("--seed", type=int, default=0, help="random seed that selects the speakers")
    add("--fs", type=int, default=16000, help="sample rate of utt2num_samples, Hz")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write both directories; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.data.files import list_files
    from hamzaban.data.ops import distribute
    from hamzaban.data.select import select_held_out

    list_files(args.source)
    if args.hours <= 0:
        raise ValueError(f"--hours is {args.hours:g}, expected more than 0")
    parts = select_held_out(args.source, args.hours, args.seed, args.fs)
    counts = distribute(args.source, parts, {0: args.rest, 1: args.held_out})
    print(f"{args.rest}: {counts[0]} utterances; {args.held_out}: {counts[1]}")
    return 0
