"""Read the options of local/pseudo.sh from the YAML of a recipe."""

import re
from collections.abc import Sequence
from pathlib import Path

from hamzaban.config import read_config

OPTIONS = "options"  # the section; all other keys are options of pseudo-label

_PLACE = re.compile(r"\{([a-z_]+)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_recipe_options(
    path: str | Path, changes: Sequence[str] = ()
) -> dict[str, str]:
    """Read the section `options`, such as `rounds: 3`.

    A list becomes one value with spaces between its items. `{name}` in a value is
    replaced by the value of the option `name`, such as `target`.

    Args:
        path: A YAML such as conf/pseudo.yaml, with or without the section.
        changes: Words `name=value`, which override the YAML.

    Returns:
        The options by name, as they are written on a command line.

    Raises:
        FileNotFoundError: The YAML or a base is missing.
        ValueError: An option has a wrong name or no plain value, or the name in braces
            is unknown.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such config; see conf/pseudo.yaml")
    section = read_config(path)[0].get(OPTIONS) or {}
    if not isinstance(section, dict):
        raise ValueError(
            f"{path}: {OPTIONS}: {section!r} found, expected lines `option: value`"
        )
    options = {str(name): _format(path, name, x) for name, x in section.items()}
    for word in changes:
        name, equals, value = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ValueError(f"'{word}' after {path}: expected NAME=VALUE")
        options[name] = value
    return {name: _fill(path, name, options) for name in options}


def _format(path: Path, name: object, value: object) -> str:
    place = f"{path}: {OPTIONS}: {name}"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{place}: expected the name of an option of pseudo.sh")
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(_format(path, name, item) for item in value)
    text = str(value).strip()
    if isinstance(value, dict) or "\n" in text:
        raise ValueError(f"{place}: {value!r} found, expected one line or a list")
    return text


def _fill(path: Path, name: str, options: dict[str, str]) -> str:
    text = options[name]
    for place in _PLACE.findall(text):
        if place not in options or place == name or _PLACE.search(options[place]):
            known = ", ".join(sorted(options))
            raise ValueError(
                f"{path}: {OPTIONS}: {name}: {{{place}}} is not an option with a plain "
                f"value; known: {known}"
            )
        text = text.replace(f"{{{place}}}", options[place])
    return text
