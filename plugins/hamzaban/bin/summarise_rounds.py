"""Write status.json, rounds.tsv and rounds.png of pseudo-label up to one round anew.

For rounds that were labelled before, when later ones no longer count.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--pseudo_exp", type=Path, required=True, help="holds round_0, round_1, ...")
    add("--last", type=int, required=True, help="number of the round to end with")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the files; return the exit status."""
    args = get_parser().parse_args(cmd)
    if args.last < 0:
        raise ValueError(f"--last {args.last} found, expected 0 or more")
    from hamzaban.pseudo.record import write_summary

    write_summary(args.pseudo_exp, args.last)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
