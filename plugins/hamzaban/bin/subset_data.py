"""Select utterances of a data directory by number, speaker, list or hours."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float

GROUP = "data"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban subset-data`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="data directory")
    parser.add_argument("target", type=Path, help="folder to write; may be the source")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--first", type=int, metavar="N", help="the first N utterances")
    how.add_argument("--random", type=int, metavar="N", help="N random utterances")
    how.add_argument("--num_spk", type=int, metavar="N", help="N random speakers")
    how.add_argument(
        "--spk_list", type=Path, help="file of speakers, one at the start of each line"
    )
    how.add_argument(
        "--utt_list",
        type=Path,
        help="file of utterances, one at the start of each line",
    )
    how.add_argument(
        "--max_duration_h",
        type=finite_float,
        metavar="HOURS",
        help="random utterances of at most this total duration, read from utt2dur, "
        "segments or utt2num_samples",
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument(
        "--fs",
        type=int,
        default=16000,
        help="sample rate of utt2num_samples, Hz (default: 16000)",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the subset; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.data import select as select
    from hamzaban.data.files import list_files
    from hamzaban.data.ops import distribute

    list_files(args.source)
    if args.first is not None:
        parts = select.select_first(args.source, args.first)
    elif args.random is not None:
        parts = select.select_random(args.source, args.random, args.seed)
    elif args.num_spk is not None:
        parts = select.select_random_speakers(args.source, args.num_spk, args.seed)
    elif args.spk_list is not None:
        parts = select.select_speakers(args.source, args.spk_list)
    elif args.utt_list is not None:
        parts = select.select_utts(args.source, args.utt_list)
    else:
        parts = select.select_duration(
            args.source, args.max_duration_h, args.seed, args.fs
        )
    num_utts = distribute(args.source, parts, {0: args.target})[0]
    print(f"{args.target}: {num_utts} of {len(parts)} utterances of {args.source}")
    return 0
