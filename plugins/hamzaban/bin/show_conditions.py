"""Show the error rates of a test set under the conditions of make-conditions."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hamzaban.score.kinds import KINDS


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban show-conditions`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("decoded", type=Path, help="folder of decoded sets, such as exp/asr_x/decode")
    add("--config", type=Path, required=True, help="YAML of make-conditions")
    add("--kind", choices=list(KINDS), default="wer", help="which rate")
    add("--replicates", type=int, default=10000, help="draws of the bootstrap")
    add("--seed", type=int, default=0, help="of the bootstrap")
    add("--output", type=Path, help="file to write as well, such as CONDITIONS.md")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.audio.conditions import read_conditions
    from hamzaban.fileio import atomic_text
    from hamzaban.score.bootstrap import Plan
    from hamzaban.score.conditions import compare_conditions, format_conditions

    conditions = read_conditions(args.config)
    plan = Plan(args.replicates, args.seed)
    normalizer, rows = compare_conditions(args.decoded, conditions, args.kind, plan)
    text = "\n".join(format_conditions(args.kind, normalizer, rows)) + "\n"
    sys.stdout.write(text)
    if args.output is not None:
        with atomic_text(args.output) as stream:
            stream.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
