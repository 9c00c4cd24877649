"""Normalize the transcripts of a data directory."""

import argparse
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.cli import finite_float
from hamzaban.verb_help import OptionHelp

if TYPE_CHECKING:
    from hamzaban.text import Normalizer

GROUP = "text"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban normalize-data`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} An utterance whose transcript becomes empty is "
        "left out of all files and counted.",
        formatter_class=OptionHelp,
    )
    parser.add_argument("source", type=Path, help="data directory with text")
    parser.add_argument("target", type=Path, help="folder to write; may be the source")
    parser.add_argument(
        "--lang", required=True, help="language, such as fa; mul: those in utt2lang"
    )
    parser.add_argument("--profile", default="train", help="rules to apply")
    parser.add_argument("--options", default="", help="options of the rules, a=b,c=d")
    parser.add_argument(
        "--marks",
        choices=("drop", "keep", "refuse", "text"),
        default="drop",
        help="marks of sounds, such as [laughter]: drop them, keep each as a word "
        "<laughter>, refuse the directory, or treat them as text",
    )
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
    from hamzaban.text.marks import normalize_marked
    from hamzaban.text.multilingual import MULTIPLE, MultiNormalizer, read_utt2lang
    from hamzaban.text.rewrite import count_marks, find_text, rewrite_utts

    options = parse_options(args.options)
    folders = args.source, args.target
    count_marks(find_text(args.source), args.marks)
    normalizer: Normalizer | MultiNormalizer
    if args.lang == MULTIPLE:
        multiple = MultiNormalizer(read_utt2lang(args.source), args.profile, options)
        normalizer = multiple

        def change(utt_id: str, text: str) -> str:
            rules = partial(multiple.normalize, utt_id)
            return normalize_marked(text, rules, args.marks)

        log_dropped_signs(find_text(args.source), multiple.find, args.marks)
    else:
        single = Normalizer(args.lang, args.profile, **options)
        normalizer = single

        def change(utt_id: str, text: str) -> str:  # noqa: ARG001
            return normalize_marked(text, single.normalize, args.marks)

        log_dropped_signs(find_text(args.source), lambda _: single, args.marks)
    done = rewrite_utts(*folders, change, max_drop=args.max_drop)
    print(
        f"{args.target}: {done.num_utts - len(done.left_out)} utterances of "
        f"{args.source}, {done.num_changed} transcripts changed, "
        f"{len(done.left_out)} left out; normalizer {normalizer.id}"
    )
    return 0


def log_dropped_signs(
    path: Path, find: Callable[[str], "Normalizer"], policy: str
) -> None:
    """Log how often signs that are read aloud, such as %, are dropped.

    Args:
        path: A Kaldi `text` file.
        find: Returns the normalizer of an utterance.
        policy: What becomes of marks of sounds, which are no signs.
    """
    from hamzaban.text.marks import read_marks
    from hamzaban.text.rewrite import read_transcripts
    from hamzaban.text.signs import DroppedSigns

    dropped = DroppedSigns()
    for number, utt_id, text in read_transcripts(path):
        marked = read_marks(text, policy, f"{path}:{number}: {utt_id}").text
        dropped.add(find(utt_id), marked, f"{path}:{number}: {utt_id}")
    if dropped.counts:
        logging.warning(
            "%s: signs that are read aloud are dropped: %s; the option numbers=words "
            "spells those beside numbers, in languages that have it",
            path,
            dropped.describe(),
        )
