"""The cells of a grid as steps to run, and their states."""

import functools
import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hamzaban.config import read_config
from hamzaban.fileio import atomic_text, read_record, warn_of_damage
from hamzaban.grid.definition import DIR, NAME, Command, Grid, Value
from hamzaban.launch.stage import explain, is_running
from hamzaban.launch.stamp import Step, fingerprint, read_stamp

DONE, FAILED, RUNNING = "done", "failed", "running"
STOPPED = "stopped"  # killed or told to end; continues when run again
OUTDATED = "outdated"  # was done with other options or inputs
WAITING = "waiting"  # never started
STATES = (DONE, FAILED, RUNNING, STOPPED, OUTDATED, WAITING)
STATUS = "status.json"  # how the last run of a cell failed
ASKED_TO_END = (129, 130, 143)  # 128 + SIGHUP, SIGINT, SIGTERM


class State(NamedTuple):
    """The state of a cell: one of STATES, and a detail for the reader."""

    name: str
    detail: str = ""


@dataclass(frozen=True)
class Task:
    """A command of the grid with its places filled in.

    Attributes:
        names: The name of the value on each axis.
        step: The step to run.
        folder: Folder of its status and log; it replaces {dir} in the command.
        is_kept: Whether to skip the task if it is done and nothing has changed.
    """

    names: Mapping[str, str]
    step: Step
    folder: Path
    is_kept: bool = True

    @property
    def title(self) -> str:
        """The values on the axes, such as `lr=small seed=1`."""
        return " ".join(f"{axis}={name}" for axis, name in self.names.items())

    @property
    def log(self) -> Path:
        """The file that receives the output."""
        return self.folder / f"{self.step.name}.log"

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run the task, through run-stage if `is_kept`."""
        if not self.is_kept:
            return self.step.command
        words = [sys.executable, "-m", "hamzaban", "run-stage", self.step.name]
        for option, paths in (("--in", self.step.inputs), ("--out", self.step.outputs)):
            words += [option, *map(str, paths)] if paths else []
        return (*words, "--", *self.step.command)


def list_cells(grid: Grid, exp_dir: Path) -> list[Task]:
    """Return all cells, each in a folder below `exp_dir`."""
    return list(_fill(grid, grid.cell, "cell", exp_dir))


def list_preparations(grid: Grid, exp_dir: Path) -> list[Task]:
    """Return the tasks to run before the cells."""
    if grid.prepare is None:
        return []
    return list(_fill(grid, grid.prepare, "prepare", exp_dir / "prepare"))


def _fill(grid: Grid, command: Command, name: str, root: Path) -> Iterator[Task]:
    axes = [grid.axes[axis].items() for axis in command.axes]
    with_bases = functools.cache(_with_bases)  # many cells share YAMLs
    for values in itertools.product(*axes):
        pairs = dict(zip(command.axes, values, strict=True))
        names = {axis: name for axis, (name, _) in pairs.items()}
        folder = root.joinpath(*names.values())
        places: dict[str, Value] = {**grid.variables, DIR: str(folder)}
        for axis, (value_name, value) in pairs.items():
            places |= {axis: value, axis + NAME: value_name}
        lists = [
            tuple(_fill_word(word, places) for word in words)
            for words in (command.words, command.inputs, command.outputs)
        ]
        words = tuple(word for filled in lists[0] for word in filled)
        inputs, outputs = (
            tuple(Path(word) for filled in found for word in filled if word)
            for found in lists[1:]
        )
        inputs = tuple(file for path in inputs for file in with_bases(path))
        step = Step(name, words, inputs, outputs or (folder / name,))
        yield Task(names, step, folder, is_kept=bool(outputs))


def _with_bases(path: Path) -> list[Path]:
    """Return a YAML and its bases; for any other file, only the file.

    A YAML that cannot be read is returned alone; the cell fails and its log says why.
    """
    if path.suffix not in (".yaml", ".yml"):
        return [path]
    try:
        return read_config(path)[1]
    except (FileNotFoundError, ValueError):
        return [path]


def _fill_word(word: str, places: Mapping[str, Value]) -> tuple[str, ...]:
    value = places.get(word[1:-1]) if word[:1] + word[-1:] == "{}" else None
    if isinstance(value, tuple):
        return value
    texts = {k: v if isinstance(v, str) else " ".join(v) for k, v in places.items()}
    return (word.format(**texts),)


def look_at(task: Task) -> State:
    """Return the state of a task, read from its files."""
    if is_running(task.step):
        return State(RUNNING)
    stamp = read_stamp(task.step.stamp_path)
    reasons = _explain(task.step, stamp)
    if stamp is not None and not reasons:
        return State(DONE)
    if stamp is not None and stamp["state"] == DONE:
        return State(OUTDATED, reasons[0])
    status = read_status(task.folder)
    if status is not None and status["status"] not in ASKED_TO_END:
        return State(FAILED, f"status {status['status']}, see {status['log']}")
    if status is not None or stamp is not None:
        return State(STOPPED, "run it again to continue")
    return State(WAITING)


def _explain(step: Step, stamp: dict[str, Any] | None) -> list[str]:
    known = stamp["inputs"] if stamp else {}
    try:
        return explain(stamp, step, fingerprint(step.inputs, known))[0]
    except FileNotFoundError as error:
        return [f"input {error}"]


def read_status(folder: Path) -> dict[str, Any] | None:
    """Return the record of `write_status`; None if no record can be read."""
    path = folder / STATUS
    values = read_record(path)
    if values is None:
        return None
    number, log = values.get("status"), values.get("log")
    if type(number) is not int or not isinstance(log, str):
        warn_of_damage(path, f"status {number!r}, log {log!r}")
        return None
    return values


def write_status(folder: Path, status: int, log: Path) -> None:
    """Record that a run has failed: its exit status, and the path of its log."""
    with atomic_text(folder / STATUS) as stream:
        json.dump({"status": status, "log": str(log)}, stream, ensure_ascii=False)
        stream.write("\n")
