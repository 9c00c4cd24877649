"""Convert an error rate to equivalent labelled hours, by a curve of hours and WER."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float

GROUP = "pseudo"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="The curve: tabs between columns, a header with `hours` and `wer`, one "
        "line a model trained on that much transcribed speech and scored on the same "
        "test set by the same normalizer; lines of equal hours are runs, averaged. "
        "Between two points hours are read on a logarithmic axis; outside of the curve "
        "only its end is named.",
    )
    add = parser.add_argument
    add("--curve", type=Path, required=True, help="the table, .tsv")
    add(
        "--wer",
        type=finite_float,
        nargs="+",
        required=True,
        help="error rates in percent",
    )
    add("--picture", type=Path, help="file to write: the curve, .png")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print a line for each rate; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.pseudo.equivalent_hours import compute_hours, draw_hours, read_curve

    curve = read_curve(args.curve)
    found = [compute_hours(curve, wer) for wer in args.wer]
    if args.picture is not None:
        draw_hours(curve, found, args.picture)
    for item in found:
        print(item)
    return 0
