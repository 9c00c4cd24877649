"""Copy and sort a data directory; optionally rename or select utterances."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import str2bool

GROUP = "data"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban copy-data`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Recording ids do not change. Files that are not "
        "data files are not copied; the log names them."
    )
    parser.add_argument("source", type=Path, help="data directory")
    parser.add_argument("target", type=Path, help="folder to write; may be the source")
    for noun, name in (("utterance", "utt"), ("speaker", "spk")):
        for place in ("prefix", "suffix"):
            parser.add_argument(
                f"--{name}_{place}",
                default="",
                help=f"{place} to add to every {noun} id",
            )
    parser.add_argument(
        "--speaker_first",
        type=str2bool,
        default=False,
        metavar="true|false",
        help="put the speaker before every utterance id, so that both sort alike",
    )
    parser.add_argument(
        "--utt_list", type=Path, help="copy only the ids that begin its lines"
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Copy the directory; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.data.files import list_files
    from hamzaban.data.ops import Rename, copy_dir, distribute, put_speaker_first
    from hamzaban.data.select import select_utts

    rename = Rename(args.utt_prefix, args.utt_suffix, args.spk_prefix, args.spk_suffix)
    if args.speaker_first:
        rename = put_speaker_first(args.source, rename)
    if args.utt_list is None:
        num_utts = copy_dir(args.source, args.target, rename)
    else:
        list_files(args.source)
        parts = select_utts(args.source, args.utt_list)
        num_utts = distribute(args.source, parts, {0: args.target}, rename)[0]
    print(f"{args.target}: {num_utts} utterances of {args.source}")
    return 0
