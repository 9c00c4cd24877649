"""Print the names that asr.sh gives to the folders and files of an experiment."""

import argparse
from collections.abc import Sequence
from dataclasses import fields

from hamzaban.launch.experiment_names import NameOptions, make_names

GROUP = "run"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Prints lines `name=value`. The options are those of asr.sh; write them "
        "as `--asr_args='--max_epoch 2'`, since values may begin with dashes.",
    )
    for field in fields(NameOptions):
        parser.add_argument(f"--{field.name}", default=field.default, metavar="X")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the names; return the exit status."""
    args = get_parser().parse_args(cmd)
    for name, value in make_names(NameOptions(**vars(args))).items():
        print(f"{name}={value}")
    return 0
