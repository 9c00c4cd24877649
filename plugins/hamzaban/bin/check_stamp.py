"""Say which steps of stages are done, and what has changed since for the others."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hamzaban.launch.stage import explain
from hamzaban.launch.stamp import Step, fingerprint, read_stamp


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        help="stamps (.<output>.<step>.stamp), or folders to look for them in",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print a line for each stamp; the status is 1 if a step is not up to date.

    Inputs are found from the folder the step was run in: the recipe's.
    """
    args = get_parser().parse_args(cmd)
    stamps = sorted({stamp for path in args.paths for stamp in find_stamps(path)})
    if not stamps:
        raise FileNotFoundError(f"{args.paths[0]}: no .*.stamp here; run a stage")
    status = 0
    for path in stamps:
        reasons = check(path)
        status = status or int(bool(reasons))
        sys.stdout.write(f"{path}: {'; '.join(reasons) or 'up to date'}\n")
    return status


def find_stamps(path: Path) -> Iterator[Path]:
    """Give the stamps in a folder and below, or the one a path names."""
    if not path.is_dir():
        yield path
    for root, _, names in os.walk(path):
        yield from (Path(root) / name for name in names if name.endswith(".stamp"))


def check(path: Path) -> list[str]:
    """Return why the step of a stamp would run again; nothing if it would not.

    Raises:
        FileNotFoundError: There is no stamp, or it cannot be read.
    """
    stamp = read_stamp(path)
    if stamp is None:
        raise FileNotFoundError(f"{path}: there is no stamp that can be read")
    reads = tuple(Path(name) for name in stamp["reads"])
    makes = tuple(Path(name) for name in stamp["makes"])
    step = Step(stamp["step"], tuple(stamp["command"]), reads, makes)
    there = [name for name in reads if name.exists()]
    return explain(stamp, step, fingerprint(there, stamp["inputs"]))[0]
