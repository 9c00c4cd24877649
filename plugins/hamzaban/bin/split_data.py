"""Split a data directory into parts for parallel jobs, by speaker or utterance."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban split-data`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Part k stands in DIR/split<nj>/<k>, by utterance in "
        "DIR/split<nj>utt/<k>."
    )
    parser.add_argument("source", type=Path, metavar="DIR", help="data directory")
    parser.add_argument("--nj", type=int, required=True, help="number of parts")
    parser.add_argument(
        "--per_utt", action="store_true", help="speakers may be divided between parts"
    )
    parser.add_argument(
        "--output_dir", type=Path, help="holds the parts 1 .. nj instead"
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Split; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.data.ops import split_dir

    parts = split_dir(
        args.source, args.nj, by_utterance=args.per_utt, target=args.output_dir
    )
    print(f"{parts[0].parent}: {len(parts)} parts of {args.source}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
