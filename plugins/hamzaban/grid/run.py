"""Run the preparations and cells of a grid, each as a job, and write its tables."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hamzaban.fileio import atomic_text
from hamzaban.grid.cells import (
    DONE,
    FAILED,
    RUNNING,
    STATUS,
    State,
    Task,
    list_cells,
    list_preparations,
    look_at,
    write_status,
)
from hamzaban.grid.definition import Grid
from hamzaban.launch import Job, Place, Resources, run_each
from hamzaban.launch.logs import last_lines

_ENDED = re.compile(r"ended with status|^# ")  # our own lines, which give no reason
MAX_SHOWN = 5  # missing inputs named in a message


def run_grid(grid: Grid, exp_dir: Path, place: Place) -> list[tuple[Task, State]]:
    """Run all cells that are not done; a failed cell does not stop the others.

    A cell whose preparation fails is not run and counts as failed. A later run
    continues stopped cells, tries failed ones again, and keeps those that are done.

    Args:
        grid: The grid to run.
        exp_dir: Folder in which each cell gets a folder.
        place: Where the jobs run.

    Returns:
        All cells and their states.
    """
    cells = list_cells(grid, exp_dir)
    wanted = [cell for cell in cells if look_at(cell).name not in (DONE, RUNNING)]
    logging.info("%s: %d of %d cells are to be run", grid.path, len(wanted), len(cells))
    is_first = len(wanted) == len(cells)
    if wanted:
        wanted = _prepare(grid, exp_dir, wanted, place)
        if is_first and not wanted:
            raise ValueError(_explain_unprepared(grid, exp_dir))
    wanted = [cell for cell in wanted if look_at(cell).name not in (DONE, RUNNING)]
    able, lacking = split_by_inputs(wanted)
    if is_first and lacking and not able:
        raise FileNotFoundError(f"{grid.path}: no cell can be run: {_list(lacking)}")
    if lacking:
        logging.error("%s: some cells cannot be run: %s", grid.path, _list(lacking))
    _run(able, place, exp_dir)
    found = [(cell, look_at(cell)) for cell in cells]
    _log_failed(found)
    return found


def split_by_inputs(cells: Sequence[Task]) -> tuple[list[Task], dict[Path, list[Task]]]:
    """Return the cells whose inputs are there, and the others by what they lack.

    The others get the status of a run that failed, with a log that says why.
    """
    able: list[Task] = []
    lacking: dict[Path, list[Task]] = {}
    for cell in cells:
        missing = next((path for path in cell.step.inputs if not path.exists()), None)
        if missing is None:
            able.append(cell)
            continue
        lacking.setdefault(missing, []).append(cell)
        with atomic_text(cell.log) as stream:
            stream.write(f"{missing}: no such file or folder, so it was not run\n")
        write_status(cell.folder, 1, cell.log)
    return able, lacking


def _list(lacking: Mapping[Path, Sequence[Task]]) -> str:
    """Describe each missing input once, with the number of cells that need it."""
    shown = [f"{path} (of {len(cells)})" for path, cells in lacking.items()]
    more = f" and {len(shown) - MAX_SHOWN} more" if len(shown) > MAX_SHOWN else ""
    return (
        f"no such file or folder: {', '.join(shown[:MAX_SHOWN])}{more}; name them in "
        "db.sh or by --set, or leave these cells out by --only"
    )


def _log_failed(found: Sequence[tuple[Task, State]]) -> None:
    """Log why cells failed, each reason once."""
    reasons: dict[str, list[Task]] = {}
    for cell, state in found:
        if state.name == FAILED:
            reasons.setdefault(state.detail, []).append(cell)
    for reason, cells in reasons.items():
        more = f" and {len(cells) - 1} more" if cells[1:] else ""
        logging.error("%s%s failed: %s", cells[0].title, more, reason)


def write_tables(grid: Grid, exp_dir: Path, output_dir: Path) -> str:
    """Write RESULTS.md, cells.tsv, pairs.tsv and the heat map of the cells as they are.

    Args:
        grid: The grid.
        exp_dir: Folder that holds the folders of the cells.
        output_dir: Folder to write into.

    Returns:
        The text of RESULTS.md.
    """
    from hamzaban.grid.heatmap import draw_heatmap
    from hamzaban.grid.report import HEATMAP, write_report
    from hamzaban.grid.table import make_table
    from hamzaban.score.results import describe_environment

    found = [(cell, look_at(cell)) for cell in list_cells(grid, exp_dir)]
    table = make_table(grid, found)
    text = write_report(table, output_dir, describe_environment())
    draw_heatmap(table, output_dir / HEATMAP)
    return text


def _prepare(
    grid: Grid, exp_dir: Path, cells: Sequence[Task], place: Place
) -> list[Task]:
    """Run the preparations; return the cells whose preparations succeeded."""
    needed = [
        task
        for task in list_preparations(grid, exp_dir)
        if any(_is_for(task, cell) for cell in cells)
    ]
    one_by_one = Place(
        Resources(place.resources.num_threads), 1, place.backend, place.backend_conf
    )
    statuses = _run(needed, one_by_one, exp_dir)
    ready = []
    for cell in cells:
        broken = [t for t in needed if _is_for(t, cell) and statuses[t.folder]]
        for task in broken[:1]:
            write_status(cell.folder, statuses[task.folder], task.log)
        if not broken:
            ready.append(cell)
    return ready


def _explain_unprepared(grid: Grid, exp_dir: Path) -> str:
    """Say once why nothing could be prepared, by the last line of the first log."""
    tasks = list_preparations(grid, exp_dir)
    first = next(task for task in tasks if (task.folder / STATUS).is_file())
    lines = [line for line in last_lines(first.log, 9) if not _ENDED.search(line)]
    why = lines[-1] if lines else "no line"
    others = f"; the same for {len(tasks) - 1} more" if tasks[1:] else ""
    return (
        f"{grid.path}: nothing could be prepared, so that no cell is run; "
        f"{first.title} ended with: {why}{others}; see {first.log}"
    )


def _is_for(preparation: Task, cell: Task) -> bool:
    return preparation.names.items() <= cell.names.items()


def _run(tasks: Sequence[Task], place: Place, exp_dir: Path) -> dict[Path, int]:
    """Run tasks; return their exit statuses by folder."""
    statuses: dict[Path, int] = {}

    def end(job: Job, status: int) -> None:
        task = tasks[job.number - 1]
        statuses[task.folder] = status
        if status:
            write_status(task.folder, status, task.log)
        name = f"{task.step.name} {task.title}"
        level = logging.WARNING if status else logging.INFO
        logging.log(
            level, "%s ended with status %d; %d of %d", name, status, len(statuses),
            len(tasks),
        )  # fmt: skip

    for task in tasks:
        (task.folder / STATUS).unlink(missing_ok=True)
    jobs = [Job(n, task.command, task.log) for n, task in enumerate(tasks, 1)]
    if jobs:
        run_each(
            jobs,
            place=place,
            home=exp_dir,
            on_end=end,
        )
    return statuses
