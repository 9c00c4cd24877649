"""Tables and a heat map of a grid: error rates, ranks, tests, what failed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.bin.run_grid import add_grid_options, read_choice

GROUP = "run"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban summarise-grid`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Writes RESULTS.md, cells.tsv, pairs.tsv and heatmap.png. At any time, "
        "while cells run, too.",
    )
    add_grid_options(parser)
    parser.add_argument("--output_dir", type=Path, help="default: --exp_dir")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the tables, print RESULTS.md; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.grid.cells import list_cells, look_at
    from hamzaban.grid.definition import read_grid
    from hamzaban.grid.heatmap import draw_heatmap
    from hamzaban.grid.report import HEATMAP, write_report
    from hamzaban.grid.table import make_table
    from hamzaban.score.results import describe_environment

    grid = read_grid(args.config, read_choice(args))
    found = [(cell, look_at(cell)) for cell in list_cells(grid, args.exp_dir)]
    table = make_table(grid, found)
    output_dir = args.output_dir or args.exp_dir
    print(write_report(table, output_dir, describe_environment()), end="")
    draw_heatmap(table, output_dir / HEATMAP)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
