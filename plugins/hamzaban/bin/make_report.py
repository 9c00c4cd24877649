"""Write a report of experiments: one HTML page with results, curves and audio."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj, finite_float
from hamzaban.verb_help import OptionHelp

GROUP = "score"
PLOT = "PNG of the learning curves; default: as --output, but .png"
RAW_DIR = "folder of the data directories that were decoded"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban make-report`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    add(
        "exp",
        nargs="+",
        type=Path,
        help="scored experiments; the first is shown in detail, others are compared",
    )
    add("--output", type=Path, default=Path("exp/report.html"), help="file to write")
    add("--plot", type=Path, help=PLOT)
    add("--raw_dir", type=Path, default=Path("dump/raw"), help=RAW_DIR)
    add(
        "--stamp_dirs",
        nargs="*",
        type=Path,
        default=[Path("exp"), Path("dump"), Path("data")],
        help="folders that stages write; their stamps name the commands",
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
    _add_sizes(parser)
    _add_details(parser)
    return parser


def _add_details(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--leaks",
        nargs="*",
        type=Path,
        default=[],
        metavar="FILE",
        help="records of audit-leaks: what training shares with valid and test",
    )
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


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--num_worst",
        type=int,
        default=10,
        help="if the recordings of a set are larger than --max_sound_mb: number of "
        "utterances of each decoding, those with most errors, whose audio is in the "
        "report; it links to the other recordings",
    )
    add(
        "--max_sound_mb",
        type=finite_float,
        default=10.0,
        help="MB of recordings that the report holds, set by set as long as they fit; "
        "an hour of speech has about 18",
    )
    add(
        "--max_inline",
        type=int,
        default=3000,
        help="most decoded utterances, over all sets and decodings, whose texts are in "
        "the page; if there are more, they go to a folder beside it, such as "
        "report_files",
    )


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the page and the plot; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.bin.analyse_errors import parse_files
    from hamzaban.fileio import atomic_text
    from hamzaban.lm.leak_record import read_shared
    from hamzaban.report.build import build_page
    from hamzaban.report.curves import write_picture
    from hamzaban.report.page import render_page
    from hamzaban.report.parts import Parts
    from hamzaban.report.views import Wishes
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
        args.output.parent,
        [str(shared) for shared in read_shared(args.leaks)],
        args.max_sound_mb,
    )
    with Parts(args.output, args.max_inline) as parts:
        page = build_page(args.exp, wishes, parts)
        parts.finish()
        with atomic_text(args.output) as stream:
            stream.write(render_page(page, parts))
        parts.remove_old()
    logging.info("Wrote %s", args.output)
    plot = args.plot or args.output.with_suffix(".png")
    if page.rate_charts:
        names = {e.label: f"{e.label} {e.folder.name}" for e in page.experiments}
        write_picture(page.rate_charts, names, plot)
        logging.info("Wrote %s", plot)
    return 0
