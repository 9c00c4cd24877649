"""Run a step of a stage unless it is done and its inputs and options are unchanged."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hamzaban.launch.stage import explain, run_stage
from hamzaban.launch.stamp import Step, fingerprint, read_stamp
from hamzaban.processes import die_with_parent

GROUP = "run"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the words before `--`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s NAME --in PATH ... --out PATH ... -- command ...\n"
        "       %(prog)s --explain PATH ...",
        epilog="A folder of --in stands for the files in it, a folder of --out for "
        "those in its subfolders as well. Files that the command reports while it "
        "reads them, such as the recordings that a wav.scp names, are inputs, too.",
    )
    parser.add_argument("name", nargs="?", help="name of the step, such as tokens")
    for option, dest, what in (
        ("--in", "inputs", "files and folders the command reads"),
        ("--out", "outputs", "files and folders it makes; a stamp is put beside them"),
        ("--may_make", "may_make", "files and folders it makes for some inputs only"),
    ):
        parser.add_argument(
            option, dest=dest, nargs="+", type=Path, action="extend", default=[],
            metavar="PATH", help=what,
        )  # fmt: skip
    parser.add_argument(
        "--set_aside",
        type=Path,
        metavar="DIR",
        help="folder to move aside first if it was made with other inputs or options",
    )
    parser.add_argument(
        "--explain",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="run nothing; report for each stamp (.<output>.<step>.stamp), or each in "
        "these folders, whether its step is done or what has changed since",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Run the step; the status is that of its command, 0 if it was not needed."""
    words = list(cmd or [])
    end = words.index("--") if "--" in words else len(words)
    parser = get_parser()
    args = parser.parse_args(words[:end])
    if args.explain:
        if args.name is not None:
            parser.error(f"--explain takes no name of a step, found '{args.name}'")
        return explain_stamps(args.explain)
    if args.name is None:
        parser.error("the following arguments are required: name")
    command = tuple(words[end + 1 :])
    paths = (args.inputs, args.outputs, args.may_make)
    step = Step(args.name, command, *map(tuple, paths))
    die_with_parent()
    return run_stage(step, args.set_aside)


def explain_stamps(paths: Sequence[Path]) -> int:
    """Print a line for each stamp; return 1 if a step is not up to date, else 0.

    Paths of inputs are relative to the folder where the step was run.

    Raises:
        FileNotFoundError: There is no stamp.
    """
    stamps = sorted({stamp for path in paths for stamp in list_stamps(path)})
    if not stamps:
        raise FileNotFoundError(f"{paths[0]}: no .*.stamp here; run a stage")
    status = 0
    for path in stamps:
        reasons = check(path)
        status = status or int(bool(reasons))
        sys.stdout.write(f"{path}: {'; '.join(reasons) or 'up to date'}\n")
    return status


def list_stamps(path: Path) -> Iterator[Path]:
    """Yield the stamps in a folder and below, or the one that a path names."""
    if not path.is_dir():
        yield path
    for root, _, names in os.walk(path):
        yield from (Path(root) / name for name in names if name.endswith(".stamp"))


def check(path: Path) -> list[str]:
    """Return the reasons why the step of a stamp would run again, if there are any.

    Raises:
        FileNotFoundError: There is no stamp, or it cannot be read.
        ValueError: The file is not the stamp of a step.
    """
    stamp = read_stamp(path)
    if stamp is None:
        raise FileNotFoundError(f"{path}: there is no stamp that can be read")
    reads = tuple(Path(name) for name in stamp["reads"])
    makes = tuple(Path(name) for name in stamp["makes"])
    try:
        step = Step(stamp["step"], tuple(stamp["command"]), reads, makes)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; run the stage again") from error
    there = [name for name in reads if name.exists()]
    return explain(stamp, step, fingerprint(there, stamp["inputs"]))[0]
