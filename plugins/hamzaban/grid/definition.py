"""The YAML of a grid: its axes, the command of a cell, and the preparations."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hamzaban.config import drop_none, option, read_dataclass, show
from hamzaban.score.kinds import KINDS

Value = str | tuple[str, ...]
ROLES = ("compared", "conditions", "repeats")
DIR = "dir"  # {dir} in commands: the folder of a cell or preparation
NAME = "_name"  # {lang_name} in commands is a value's name, {lang} the value


@dataclass(frozen=True)
class Command:
    """A command with places to fill in, such as {lang}.

    Attributes:
        words: The words. One that is {axis} alone becomes all words of the value.
        axes: The command runs once for each combination of values of these axes.
        inputs: Files and folders that it reads. A YAML includes its bases. Those
            that are "" when filled in are ignored.
        outputs: Files that it makes. A command without outputs runs each time.
    """

    words: tuple[str, ...]
    axes: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """A grid of experiments.

    Attributes:
        path: The YAML, for messages.
        axes: The values of each axis by name.
        variables: Values to fill in everywhere, such as paths. In the YAML, a variable
            may contain earlier ones.
        cell: The command of a cell. Its first output is the result.txt to read.
        prepare: The command to run before the cells, or None.
        compared: The axes whose values are compared, such as checkpoint and tokens.
        conditions: The axes within which values are compared, such as language.
        repeats: The axes of runs that differ by chance, such as seed.
        metric: The metric, one of score.kinds.
    """

    path: Path
    axes: Mapping[str, Mapping[str, Value]]
    variables: Mapping[str, str]
    cell: Command
    prepare: Command | None
    compared: tuple[str, ...]
    conditions: tuple[str, ...]
    repeats: tuple[str, ...]
    metric: str


@dataclass(frozen=True)
class Choice:
    """The part of a grid that is wanted.

    Attributes:
        variables: Values that replace those in the YAML.
        only: Names of the values to run, by axis; an axis that is absent keeps all.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _as_texts(value: object) -> object:
    """Return each scalar of a list as text; a single scalar counts as a list."""
    if value is None:
        return ()
    values = value if isinstance(value, list | tuple) else [value]
    if any(item is None or isinstance(item, list | dict) for item in values):
        return value
    return [str(item) for item in values]


def _as_needed_texts(value: object) -> object:
    texts = _as_texts(value)
    if not texts:
        raise ValueError("nothing found, expected one or more")
    return texts


@dataclass(frozen=True)
class _Cell:
    """The command of a cell as the YAML has it; see `Command`."""

    command: tuple[str, ...] = option(convert=_as_needed_texts)
    result: str = option()
    inputs: tuple[str, ...] = option((), convert=_as_texts)
    outputs: tuple[str, ...] = option((), convert=_as_texts)


@dataclass(frozen=True)
class _Preparation:
    """The command to run before the cells, as the YAML has it."""

    command: tuple[str, ...] = option(convert=_as_needed_texts)
    axes: tuple[str, ...] = option(convert=_as_needed_texts)
    inputs: tuple[str, ...] = option((), convert=_as_texts)
    outputs: tuple[str, ...] = option((), convert=_as_texts)


@dataclass(frozen=True, kw_only=True)
class _File:
    """The YAML of a grid."""

    axes: dict[str, Any]
    cell: _Cell
    compared: tuple[str, ...] = option(convert=_as_needed_texts)
    conditions: tuple[str, ...] = option(convert=_as_needed_texts)
    repeats: tuple[str, ...] = option(convert=_as_needed_texts)
    variables: dict[str, Any] = option(default_factory=dict, convert=drop_none)
    common: tuple[str, ...] = option((), convert=_as_texts)
    prepare: _Preparation | None = None
    metric: str = option("cer", choices=tuple(KINDS))


def read_grid(path: str | Path, choice: Choice | None = None) -> Grid:
    """Read a grid and select the part that is wanted.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The YAML is wrong, or the choice names something it lacks.
    """
    choice = choice or Choice()
    path = Path(path)
    file = read_dataclass(_File, path)
    axes = _choose(path, _read_axes(path, file.axes), choice.only)
    variables = _set_variables(path, file.variables, choice.variables)
    axes = _fill_axes(path, axes, variables)
    cell, prepare = file.cell, file.prepare
    command = Command(
        (*cell.command, *file.common),
        tuple(axes),
        cell.inputs,
        (cell.result, *cell.outputs),
    )
    before = None
    if prepare is not None:
        words = (*prepare.command, *file.common)
        before = Command(words, prepare.axes, prepare.inputs, prepare.outputs)
    roles = {name: getattr(file, name) for name in ROLES}
    grid = Grid(path, axes, variables, command, before, metric=file.metric, **roles)
    _check(grid)
    return grid


def _read_axes(path: Path, axes: dict[str, Any]) -> dict[str, dict[str, Value]]:
    read: dict[str, dict[str, Value]] = {}
    for axis, values in axes.items():
        place = f"{path}: axis {axis}"
        if isinstance(values, list):
            values = {str(value): value for value in values}
        if not isinstance(values, dict) or not values:
            raise ValueError(
                f"{place}: {show(values)} found, expected a list or `name: x`"
            )
        read[axis] = {}
        for name, value in values.items():
            if any(char in str(name) for char in "/,= ") or not str(name):
                raise ValueError(
                    f"{place}: name '{name}' has /, comma, = or a space; take another"
                )
            is_list = isinstance(value, list)
            read[axis][str(name)] = tuple(map(str, value)) if is_list else str(value)
    return read


def _set_variables(
    path: Path, given: Mapping[str, Any], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Fill earlier variables into each variable of the YAML; chosen values win."""
    for name in chosen:
        if name not in given:
            raise ValueError(
                f"{path}: variable {name} is unknown; known: {', '.join(given)}"
            )
    variables: dict[str, str] = {}
    for name, value in given.items():
        text = chosen.get(name)
        variables[name] = _fill(path, str(value), variables) if text is None else text
    return variables


def _fill(path: Path, word: str, variables: Mapping[str, str]) -> str:
    try:
        return word.format(**variables)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"{path}: {word}: its {{}} is not a variable; known: {', '.join(variables)}"
        ) from error


def _fill_axes(
    path: Path, axes: dict[str, dict[str, Value]], variables: Mapping[str, str]
) -> dict[str, dict[str, Value]]:
    """Fill the variables into the values of the axes."""

    def fill(word: str) -> str:
        return _fill(path, word, variables)

    return {
        axis: {
            name: fill(value) if isinstance(value, str) else tuple(map(fill, value))
            for name, value in values.items()
        }
        for axis, values in axes.items()
    }


def _choose(
    path: Path,
    axes: dict[str, dict[str, Value]],
    only: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, Value]]:
    for axis, names in only.items():
        if axis not in axes:
            raise ValueError(f"{path}: no axis {axis}; known: {', '.join(axes)}")
        for name in names:
            if name not in axes[axis]:
                known = ", ".join(axes[axis])
                raise ValueError(f"{path}: axis {axis} has no {name}; known: {known}")
    return {
        axis: {name: values[name] for name in values if name in only.get(axis, values)}
        for axis, values in axes.items()
    }


def _check(grid: Grid) -> None:
    """Check that roles name axes, and that places in commands can be filled."""
    roles = (*grid.compared, *grid.conditions, *grid.repeats)
    if sorted(roles) != sorted(grid.axes):
        raise ValueError(
            f"{grid.path}: compared, conditions and repeats are {', '.join(roles)}, "
            f"expected each of the axes once: {', '.join(grid.axes)}"
        )
    for command in (grid.cell, grid.prepare):
        if command is None:
            continue
        for axis in command.axes:
            if axis not in grid.axes:
                raise ValueError(f"{grid.path}: prepare: there is no axis {axis}")
        known = {DIR, *grid.variables, *command.axes}
        known |= {axis + NAME for axis in command.axes}
        for word in (*command.words, *command.inputs, *command.outputs):
            for _, place, _, _ in string.Formatter().parse(word):
                if place is not None and place not in known:
                    raise ValueError(
                        f"{grid.path}: {word}: {{{place}}} is unknown; known: "
                        f"{', '.join(sorted(known))}"
                    )
