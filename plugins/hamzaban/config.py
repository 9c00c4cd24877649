"""YAML configs that hold only how they differ from another: `base: ../train.yaml`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from hamzaban.fileio import atomic_text, remove_leftovers

BASE_KEY = "base"  # of a config's first level: a path as seen from the config
# Of a data directory, what training reads.
DATA_FILES = ("wav.scp", "utt2num_samples", "text")


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
    """
    files: list[Path] = []
    layers: list[dict[str, Any]] = []
    following: Path | None = Path(path)
    while following is not None:
        if any(following.samefile(file) for file in files):
            raise ValueError(f"{files[-1]}: its base {following} leads back to itself")
        files.append(following)
        layers.append(_read_mapping(following))
        base = layers[-1].pop(BASE_KEY, None)
        following = None if base is None else _find_base(files[-1], base)
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
    """Return the files that a config and options name, to be seen when they change.

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
    for path in named:
        paths = [path]
        if os.path.isdir(path):
            paths = [os.path.join(path, name) for name in DATA_FILES]
        found |= dict.fromkeys(file for file in paths if os.path.isfile(file))
    return list(found)


def _each_text(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _each_text(item)
    elif isinstance(value, str):
        yield value


def write_config(values: dict[str, Any], path: str | Path, comment: str) -> None:
    """Write values as YAML under a line of comment; leave a file that is the same.

    What killed writers left in its folder is removed.
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


def _find_base(path: Path, base: object) -> Path:
    if not isinstance(base, str):
        raise ValueError(f"{path}: base is {base!r}, expected the path of a config")
    found = path.parent / base
    if not found.is_file():
        raise FileNotFoundError(f"{path}: base {base}: there is no file {found}")
    return found


def _read_mapping(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: found {values!r}, expected lines `option: value`")
    return values
