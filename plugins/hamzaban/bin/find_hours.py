"""Convert an error rate to equivalent labelled hours, by a curve of hours and WER."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float

GROUP = "pseudo"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="The curve is a table with tabs between its columns `hours` and `wer`. "
        "It has a line for each model trained on that much transcribed speech; all "
        "were scored on the same test set with the same normalizer. Lines with equal "
        "hours are averaged. Hours are interpolated on a logarithmic axis; outside "
        "the curve only its end is reported.",
    )
    add = parser.add_argument
    add("--curve", type=Path, required=True, help="table of hours and WER (.tsv)")
    add(
        "--wer",
        type=finite_float,
        nargs="+",
        required=True,
        help="error rates in percent",
    )
    add("--picture", type=Path, help="file to write: a plot of the curve (.png)")
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
