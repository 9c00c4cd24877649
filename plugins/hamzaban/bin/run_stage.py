"""Run one step of a stage, unless it is done and neither inputs nor options changed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.launch.stage import run_stage
from hamzaban.launch.stamp import Step
from hamzaban.processes import die_with_parent


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the words before `--`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s NAME --in PATH ... --out PATH ... -- command ...",
        epilog="A folder stands for the files in it, not for those in its subfolders. "
        "Tables that the command notes while it reads them are inputs as well.",
    )
    parser.add_argument("name", help="of the step, such as tokens")
    for option, dest, what in (
        ("--in", "inputs", "files and folders the command reads"),
        ("--out", "outputs", "files and folders it makes; a stamp is put beside them"),
    ):
        parser.add_argument(
            option, dest=dest, nargs="+", type=Path, action="extend", default=[],
            metavar="PATH", help=what,
        )  # fmt: skip
    parser.add_argument(
        "--set_aside",
        type=Path,
        metavar="DIR",
        help="folder to move away first if made with other inputs or options",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Run the step; the status is that of its command, 0 if it was not needed."""
    words = list(cmd or [])
    end = words.index("--") if "--" in words else len(words)
    args = get_parser().parse_args(words[:end])
    step = Step(
        args.name, tuple(words[end + 1 :]), tuple(args.inputs), tuple(args.outputs)
    )
    die_with_parent()
    return run_stage(step, args.set_aside)
