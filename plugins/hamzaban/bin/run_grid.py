"""Run a grid of experiments: each cell an independent job that can be resumed.

A cell that fails does not stop the others; run again, what is done is not done again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.grid.definition import Choice
from hamzaban.launch.backends import BACKENDS, Resources

GROUP = "run"

NOT_DONE = 3  # exit status; 1 is for what is wrong with the words or the YAML


def add_grid_options(parser: argparse.ArgumentParser) -> None:
    """Add what run-grid and summarise-grid must be given alike."""
    add = parser.add_argument
    add("--config", type=Path, required=True, help="YAML: axes, prepare, cell ...")
    add("--exp_dir", type=Path, default=Path("exp/grid"), help="holds the cells")
    add(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="variables",
        help="a variable of the YAML; may be repeated",
    )  # fmt: skip
    add(
        "--only", action="append", default=[], metavar="AXIS=NAME,NAME",
        help="these values of an axis; may be repeated",
    )  # fmt: skip


def read_choice(args: argparse.Namespace) -> Choice:
    """Return what --set and --only choose.

    Raises:
        ValueError: A word is not NAME=VALUE.
    """
    only = _read_pairs("--only", args.only)
    return Choice(
        _read_pairs("--set", args.variables),
        {axis: names.split(",") for axis, names in only.items()},
    )


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban run-grid`."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_grid_options(parser)
    add = parser.add_argument
    add("--max_jobs", type=int, help="at most this many cells at once")
    add("--ngpu", type=int, default=0, help="GPUs for each cell")
    add("--num_threads", type=int, help="CPU threads for each cell")
    add("--backend", default="local", help=f"where: {', '.join(sorted(BACKENDS))}")
    add(
        "--backend_conf", action="append", default=[], metavar="KEY=VALUE",
        help="a setting of the back end; may be repeated",
    )  # fmt: skip
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Run the cells; the status is NOT_DONE if one is not done at the end."""
    args = get_parser().parse_args(cmd)
    from hamzaban.grid.cells import DONE
    from hamzaban.grid.definition import read_grid
    from hamzaban.grid.run import Place, run_grid

    grid = read_grid(args.config, read_choice(args))
    conf = _read_pairs("--backend_conf", args.backend_conf)
    resources = Resources(args.num_threads, args.ngpu)
    place = Place(resources, args.max_jobs, args.backend, conf)
    found = run_grid(grid, args.exp_dir, place)
    done = sum(state.name == DONE for _, state in found)
    print(f"{args.exp_dir}: {done} of {len(found)} cells are done")
    return 0 if done == len(found) else NOT_DONE


def _read_pairs(option: str, words: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{option} {word}: expected NAME=VALUE")
        pairs[name] = value
    return pairs


if __name__ == "__main__":
    raise SystemExit(main())
