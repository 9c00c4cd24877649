"""YAML configs: layers (`base: ../train.yaml`), and options as dataclasses.

`load_yaml` reads any YAML file of the package, `read_dataclass` any options:

    @dataclass(frozen=True)
    class Options:
        nj: int = option(1, at_least=1)
        dropout: float = option(0.0, at_least=0, below=1)
        output: str = option("flac", choices=("flac", "segments"))
        lm_weight: float | None = None

    options = read_dataclass(Options, "conf/mine.yaml")
    options = read_dataclass(Options, values, "frontend_conf")
"""

import logging
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from hamzaban.fileio import atomic_text, remove_leftovers
from hamzaban.option_limits import (
    check_names,
    check_options,
    drop_none,
    option,
    show,
)
from hamzaban.typed_values import read_fields, read_value
from hamzaban.yaml_loader import load_yaml

__all__ = [
    "check_names",
    "check_options",
    "drop_none",
    "find_shipped",
    "load_mapping",
    "load_yaml",
    "merge",
    "option",
    "read_config",
    "read_dataclass",
    "read_value",
    "show",
    "use_shipped",
    "write_config",
]

T = TypeVar("T")

CONF = "conf"
SHIPPED = Path(__file__).parent / CONF  # the folder conf/ of the repository

BASE_KEY = "base"  # at the first level of a config: a path relative to it
# Files of a data directory that training reads.
DATA_FILES = ("wav.scp", "utt2num_samples", "text")


def find_shipped(path: str | Path) -> Path:
    """Return a config, or if it is missing the one that the package has in its place.

    The package carries the folder conf/ of the repository. It stands in for a missing
    `conf/lm.yaml`, or `../../../conf/lm.yaml` as the base of a config.

    Args:
        path: The config, which need not exist.
    """
    path = Path(path)
    parts = path.parts
    if path.exists() or CONF not in parts or path.suffix != ".yaml":
        return path
    last = len(parts) - parts[::-1].index(CONF)
    shipped = SHIPPED.joinpath(*parts[last:])
    return shipped if ".." not in parts[last:] and shipped.is_file() else path


def use_shipped(words: Sequence[str]) -> list[str]:
    """Return a command line whose missing `conf/NAME.yaml` are those of the package.

    Each replacement is logged. Words after a bare `--` belong to another command.
    """
    end = words.index("--") if "--" in words else len(words)
    found = []
    for word in words[:end]:
        option, equals, value = word.rpartition("=")
        if value.startswith(f"{CONF}/") and (not equals or option.startswith("--")):
            shipped = str(find_shipped(value))
            if shipped != value:
                logging.info("%s is not here; %s is used", value, shipped)
            value = shipped
        found.append(f"{option}{equals}{value}")
    return [*found, *words[end:]]


def read_dataclass(
    cls: type[T],
    source: object,
    place: str | None = None,
    *,
    only: Collection[str] | None = None,
    see: str = "",
) -> T:
    """Return an instance of a dataclass, made from a config or a mapping.

    Each value is checked against the type of its field and the limits that `option`
    states. Text that is plainly a number, such as `1e-4`, counts as one; true and false
    do not; NaN and, unless the field says `finite=False`, infinity are refused; null is
    for fields that may be None. A field may be a list, a mapping, a union or another
    dataclass. The place is put before the message of a ValueError of `__post_init__`.

    Args:
        cls: The dataclass.
        source: A mapping, or without `place` the path of a YAML, read on top of its
            `base`.
        place: Where the mapping comes from, for messages.
        only: Names of the fields that may be given; None: all.
        see: The config that explains the fields, such as conf/mine.yaml, for messages.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: It is not a mapping, a name is unknown or missing, or a value does
            not fit; one line with place, found and expected.
    """
    if place is None and isinstance(source, str | Path):
        if not Path(source).is_file():
            hint = f"; see {see}" if see else ""
            raise FileNotFoundError(f"{source}: no such config{hint}")
        place = str(source)
        source, _ = read_config(source)
    return read_fields(cls, source, place or cls.__name__, only=only, see=see)


def read_config(path: str | Path) -> tuple[dict[str, Any], list[Path]]:
    """Read a config on top of the one its `base` names, and that one's base, and so on.

    Mappings are merged key by key; any other value replaces that of the base.

    Args:
        path: The YAML file.

    Returns:
        The values without `base`, and the files read, the last base first.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is not a YAML mapping, or is its own base.

    Examples:
        >>> _ = Path("base.yaml").write_text("conf: {lr: 1, beta: 2}")
        >>> _ = Path("own.yaml").write_text("base: base.yaml\\nconf: {lr: 3}")
        >>> values, files = read_config("own.yaml")
        >>> values, [file.name for file in files]
        ({'conf': {'lr': 3, 'beta': 2}}, ['base.yaml', 'own.yaml'])
    """
    files: list[Path] = []
    layers: list[dict[str, Any]] = []
    following: Path | None = Path(path)
    while following is not None:
        if any(following.samefile(file) for file in files):
            raise ValueError(f"{files[-1]}: its base {following} leads back to itself")
        files.append(following)
        layers.append(load_mapping(following))
        base = layers[-1].pop(BASE_KEY, None)
        following = None if base is None else _check_base(files[-1], base)
    merged: dict[str, Any] = {}
    for layer in reversed(layers):
        merged = merge(merged, layer)
    return merged, files[::-1]


def merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `change`, mappings merged at every level."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = merge(old, value)
        merged[key] = value
    return merged


def list_named_files(values: Any, words: Sequence[str] = ()) -> list[str]:
    """Return the files that a config and options name, so that changes are noticed.

    Args:
        values: The config.
        words: Options and their values.

    Returns:
        Files, and of folders those of DATA_FILES that they have. `option=PATH` and
        `name=PATH` name PATH as well.
    """
    found: dict[str, None] = {}
    named = [*_each_text(values), *words]
    named += [word.partition("=")[2] for word in named if "=" in word]
    for name in named:
        # os.path answers for any text; Path raises if it is too long for a name.
        is_dir = os.path.isdir(name)  # noqa: PTH112
        paths = [f"{name}/{file}" for file in DATA_FILES] if is_dir else [name]
        found |= dict.fromkeys(path for path in paths if os.path.isfile(path))  # noqa: PTH113
    return list(found)


def _each_text(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _each_text(item)
    elif isinstance(value, str):
        yield value


def write_config(values: dict[str, Any], path: str | Path, comment: str) -> None:
    """Write values as YAML below a comment; leave a file with the same content alone.

    Temporary files that killed writers left in its folder are removed.
    """
    path = Path(path)
    remove_leftovers(path.parent, recursive=False)
    text = f"# {comment}\n" + yaml.safe_dump(
        values, sort_keys=False, allow_unicode=True
    )
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    with atomic_text(path) as stream:
        stream.write(text)


def _check_base(path: Path, base: object) -> Path:
    if not isinstance(base, str):
        raise ValueError(f"{path}: base is {show(base)}, expected the path of a config")
    found = find_shipped(path.parent / base)
    if not found.is_file():
        raise FileNotFoundError(f"{path}: base {base}: there is no file {found}")
    return found


def load_mapping(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds lines `name: value`, as `load_yaml` does.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a mapping, or not what `load_yaml` reads.
    """
    values = load_yaml(path)
    if not isinstance(values, dict):
        raise ValueError(
            f"{path}: {show(values)} found, expected lines `option: value`"
        )
    return values
