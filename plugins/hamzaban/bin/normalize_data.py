"""Normalize the transcripts of a data directory."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float

GROUP = "text"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban normalize-data`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Utterances whose transcript becomes empty are left "
        "out of all its files, counted.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("source", type=Path, help="data directory with text")
    parser.add_argument("target", type=Path, help="folder to write; may be the source")
    parser.add_argument(
        "--lang", required=True, help="language, such as fa; mul: as utt2lang says"
    )
    parser.add_argument("--profile", default="train", help="rules to apply")
    parser.add_argument("--options", default="", help="options of the rules, a=b,c=d")
    parser.add_argument(
        "--max_drop",
        type=finite_float,
        default=0.05,
        help="highest share of utterances to drop",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the directory; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.text import Normalizer
    from hamzaban.text.cleaner import parse_options
    from hamzaban.text.multilingual import MULTIPLE, MultiNormalizer, read_utt2lang
    from hamzaban.text.rewrite import rewrite_dir, rewrite_utts

    options = parse_options(args.options)
    folders = args.source, args.target
    normalizer: Normalizer | MultiNormalizer
    if args.lang == MULTIPLE:
        utt2lang = read_utt2lang(args.source)
        normalizer = MultiNormalizer(utt2lang, args.profile, options)
        done = rewrite_utts(*folders, normalizer.normalize, max_drop=args.max_drop)
    else:
        normalizer = Normalizer(args.lang, args.profile, **options)
        done = rewrite_dir(*folders, normalizer.normalize, max_drop=args.max_drop)
    print(
        f"{args.target}: {done.num_utts - len(done.left_out)} utterances of "
        f"{args.source}, {done.num_changed} transcripts changed, "
        f"{len(done.left_out)} left out; normalizer {normalizer.id}"
    )
    return 0
