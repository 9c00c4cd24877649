"""Run a grid of experiments, each cell a job of its own, and write its tables.

A cell that fails does not stop the others. Run it again after a kill or a failure:
finished work is kept, and interrupted work is continued.
"""

import argparse
import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hamzaban.cli import str2bool
from hamzaban.grid.definition import Choice, Grid
from hamzaban.launch import Place
from hamzaban.launch.backends import BACKENDS, Resources
from hamzaban.launch.local import list_gpus

GROUP = "run"
NOT_DONE = 3  # exit status; 1 means an error in the options or the YAML


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban run-grid`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Writes RESULTS.md, cells.tsv, pairs.tsv and heatmap.png. Exit status:\n"
        "0 if all cells are done, 3 if not, 1 if the YAML or a value is wrong.",
    )
    _add_choice(parser)
    add = parser.add_argument
    add("--max_jobs", type=int, help="most cells to run at once")
    add("--ngpu", type=int, help="GPUs for each cell (default: 1 if there is one)")
    add("--nj", type=int, help="processes of each cell, and CPU threads without a GPU")
    add("--num_threads", type=int, help="CPU threads for each cell")
    add(
        "--backend",
        default="local",
        help=f"where cells run: {', '.join(sorted(BACKENDS))}",
    )
    add(
        "--backend_conf", action="append", default=[], metavar="KEY=VALUE",
        help="a setting of the back end; may be repeated",
    )  # fmt: skip
    for name, text in (
        ("tables_only", "write the tables of the cells as they are; run nothing"),
        ("dry_run", "print the commands of all cells; run and write nothing"),
    ):
        add(f"--{name}", type=str2bool, default=False, metavar="true|false", help=text)
    return parser


def _add_choice(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--config", "--grid_config", type=Path, required=True,
        help="YAML: axes, prepare, cell ...",
    )  # fmt: skip
    add("--exp_dir", type=Path, default=Path("exp/grid"), help="folder of the cells")
    add("--output_dir", type=Path, help="folder of the tables (default: --exp_dir)")
    add(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="variables",
        help="a variable of the YAML; may be repeated",
    )  # fmt: skip
    add(
        "--only", action="append", default=[], metavar="AXIS=NAME,NAME",
        help="only these values of an axis; may be repeated",
    )  # fmt: skip


def main(cmd: Sequence[str] | None = None) -> int:
    """Run the cells and write the tables; return NOT_DONE if a cell is not done."""
    args = get_parser().parse_args(cmd)
    from hamzaban.grid.definition import read_grid
    from hamzaban.grid.run import write_tables

    only = _read_pairs("--only", args.only)
    variables = _read_pairs("--set", args.variables)
    resources = _set_resources(args, variables)
    axes = {axis: names.split(",") for axis, names in only.items()}
    grid = read_grid(args.config, Choice(variables, axes))
    if args.dry_run:
        _print_commands(grid, args.exp_dir)
        return 0
    status = 0 if args.tables_only else _run_cells(grid, args, resources)
    print(write_tables(grid, args.exp_dir, args.output_dir or args.exp_dir), end="")
    return status


def _set_resources(args: argparse.Namespace, variables: dict[str, str]) -> Resources:
    """Return the resources of a cell; set the variables `ngpu` and `nj` to them."""
    declared = _read_variables(args.config)
    ngpu = args.ngpu
    if ngpu is None and "ngpu" in variables:
        ngpu = int(variables["ngpu"])
    if ngpu is None:
        ngpu = min(len(list_gpus()), 1)
        if not args.tables_only:
            logging.info(
                "--ngpu is %d: a GPU for each cell if the machine has any", ngpu
            )
    for name, value in (("ngpu", ngpu), ("nj", args.nj)):
        if value is not None and name in declared:
            variables[name] = str(value)
    num_threads = args.num_threads
    if num_threads is None and ngpu == 0:
        nj = args.nj or variables.get("nj", declared.get("nj"))
        num_threads = None if nj is None else int(nj)
    return Resources(num_threads, ngpu)


def _read_variables(config: Path) -> Mapping[str, Any]:
    from hamzaban.config import read_config

    variables = read_config(config)[0].get("variables") if config.is_file() else None
    return variables if isinstance(variables, dict) else {}


def _run_cells(grid: Grid, args: argparse.Namespace, resources: Resources) -> int:
    from hamzaban.grid.cells import DONE
    from hamzaban.grid.run import run_grid

    conf = _read_pairs("--backend_conf", args.backend_conf)
    found = run_grid(
        grid, args.exp_dir, Place(resources, args.max_jobs, args.backend, conf)
    )
    done = sum(state.name == DONE for _, state in found)
    print(f"{args.exp_dir}: {done} of {len(found)} cells are done")
    return 0 if done == len(found) else NOT_DONE


def _print_commands(grid: Grid, exp_dir: Path) -> None:
    from hamzaban.grid.cells import list_cells, list_preparations

    for task in (*list_preparations(grid, exp_dir), *list_cells(grid, exp_dir)):
        print(shlex.join(task.step.command))


def _read_pairs(option: str, words: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{option} {word}: expected NAME=VALUE")
        pairs[name] = value
    return pairs
