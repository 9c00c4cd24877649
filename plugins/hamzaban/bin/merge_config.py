"""Write a config as one file: its own values on top of those its `base` names."""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "run"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Mappings are merged, other values replaced."
    )
    parser.add_argument("config", type=Path, help="YAML, may have `base: PATH`")
    parser.add_argument("output", type=Path, help="YAML to write")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the config; an output that would be the same is left alone."""
    args = get_parser().parse_args(cmd)
    from hamzaban.config import read_config, write_config

    values, files = read_config(args.config)
    comment = "Made from " + ", then ".join(str(file) for file in files)
    write_config(values, args.output, comment)
    return 0
