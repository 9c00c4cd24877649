"""Show the error rates of experiments as RESULTS.md, in ESPnet's form."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hamzaban.verb_help import OptionHelp

GROUP = "score"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban show-results`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=OptionHelp,
    )
    parser.add_argument(
        "exp",
        nargs="*",
        type=Path,
        default=[Path("exp")],
        help="folders of experiments",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="file to write, such as RESULTS.md; without it, standard output",
    )
    parser.add_argument(
        "--report",
        type=Path,
        help="page of make-report that --output links to",
    )
    parser.add_argument(
        "--leaks",
        nargs="*",
        type=Path,
        default=[],
        metavar="FILE",
        help="records of audit-leaks: what training shares with valid and test",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write RESULTS.md; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.fileio import atomic_text
    from hamzaban.lm.leak_record import read_shared
    from hamzaban.score.results import (
        describe_environment,
        format_results,
        read_results,
    )

    link = ""
    if args.report is not None:
        folder = args.output.parent if args.output is not None else Path()
        link = Path(os.path.relpath(args.report, folder)).as_posix()
    text = format_results(
        read_results(args.exp),
        describe_environment(),
        link,
        [str(shared) for shared in read_shared(args.leaks)],
    )
    if args.output is None:
        sys.stdout.write(text)
    else:
        with atomic_text(args.output) as stream:
            stream.write(text)
    return 0
