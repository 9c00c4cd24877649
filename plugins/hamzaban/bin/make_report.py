"""Write a report of experiments: one HTML page with results, curves and audio."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj
from hamzaban.verb_help import OptionHelp

GROUP = "score"
RAW_DIR = "folder of the data directories that were decoded"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban make-report`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    add(
        "exp",
        nargs="+",
        type=Path,
        help="scored experiments: the first in detail, the others to compare",
    )
    add("--output", type=Path, default=Path("exp/report.html"), help="file to write")
    add(
        "--plot",
        type=Path,
        help="PNG of the learning curves; default: as --output, but .png",
    )
    add("--raw_dir", type=Path, default=Path("dump/raw"), help=RAW_DIR)
    add(
        "--stamp_dirs",
        nargs="*",
        type=Path,
        default=[Path("exp"), Path("dump"), Path("data")],
        help="folders of the stages, whose stamps hold the commands",
    )
    add(
        "--pseudo_exp",
        nargs="*",
        type=Path,
        default=[],
        metavar="DIR",
        help="folders of pseudo-labelling rounds to show, in addition to each pseudo_* "
        "beside the first experiment",
    )
    _add_details(parser)
    return parser


def _add_details(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--num_worst", type=int, default=10, help="utterances to show of each set")
    add("--word_lists", nargs="*", default=[], metavar="NAME=FILE", help="word classes")
    add(
        "--utt_tags",
        nargs="*",
        default=[],
        metavar="NAME=FILE",
        help="groups of utterances, such as dialect=utt2dialect",
    )
    add("--replicates", type=int, default=10000, help="bootstrap replicates")
    add("--seed", type=int, default=0, help="random seed of the bootstrap")
    add_nj(parser, "threads that read audio")


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the page and the plot; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.bin.analyse_errors import parse_files
    from hamzaban.fileio import atomic_text
    from hamzaban.report.build import Wishes, build_page
    from hamzaban.report.curves import write_picture
    from hamzaban.report.page import render_page
    from hamzaban.score.bootstrap import Plan
    from hamzaban.score.programs import choose_program

    wishes = Wishes(
        args.raw_dir,
        args.stamp_dirs,
        args.num_worst,
        parse_files("--word_lists", args.word_lists),
        parse_files("--utt_tags", args.utt_tags),
        Plan(args.replicates, args.seed),
        choose_program("sc_stats", "auto"),
        args.nj,
        args.pseudo_exp,
    )
    page = build_page(args.exp, wishes)
    plot = args.plot or args.output.with_suffix(".png")
    if page.rate_charts:
        names = {e.label: f"{e.label} {e.folder.name}" for e in page.experiments}
        write_picture(page.rate_charts, names, plot)
        logging.info("Wrote %s", plot)
    with atomic_text(args.output) as stream:
        stream.write(render_page(page))
    logging.info("Wrote %s", args.output)
    return 0
