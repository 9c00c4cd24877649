"""Print the files that a config of pseudo-label or decode-asr names, one a line.

These are its bases, the table of its `mapping` with bases, and with --round the other
decodings of `filters: others` that are there.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "run"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("config", type=Path, help="such as conf/pseudo.yaml or conf/decode.yaml")
    add("--round", type=int, help="stands for {round} in the paths of `others`")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the files; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.pseudo.inputs import list_inputs

    for path in list_inputs(args.config, args.round):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
