"""Make noisy copies of test sets, one for each condition of a YAML."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj
from hamzaban.verb_help import OptionHelp

GROUP = "audio"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban make-conditions`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="See conf/conditions.yaml for the form of the YAML. Copies data/test to "
        "data/test_<condition> with the same ids and texts, for --test_sets. "
        "`analyse --by conditions` compares the scores.",
        formatter_class=OptionHelp,
    )
    add = parser.add_argument
    add(
        "--config", type=Path, required=True, help="YAML with sets, conditions and seed"
    )
    add("--data", type=Path, default="data", help="folder that holds the sets")
    add("--fs", type=int, default=16000, help="sample rate of the copies, Hz")
    add_nj(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Make the copies; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.audio.conditions import make_conditions, read_conditions

    conditions = read_conditions(args.config)
    make_conditions(args.data, conditions, nj=args.nj, fs=args.fs)
    return 0
