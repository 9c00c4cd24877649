"""The options of a task from the command line and the YAML of --config, checked.

ESPnet2 takes the values of a YAML as they are: `lr: 1e-4` is text in YAML 1.1 and fails
inside torch, a wrong type or a key that stands twice is not seen at all.
"""

import argparse
import contextlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2.tasks.abs_task import optim_classes, scheduler_classes
from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import float_or_none, int_or_none, str2bool

from hamzaban.config import check_names, load_mapping, read_value
from hamzaban.option_limits import Limits, as_number

_OF_TEXT: Any = (int_or_none, float_or_none, str2bool)  # `none`, `true` in quotes
_KINDS: dict[Any, Any] = {
    int: int,
    int_or_none: int,
    float: float,
    float_or_none: float,
    str2bool: bool,
}
_ANY_NUMBER = Limits(finite=False)  # grad_clip_type may be infinite


def parse_arguments(
    parser: argparse.ArgumentParser, cmd: Sequence[str] | None
) -> argparse.Namespace:
    """Parse a command line; the YAML of its --config gives the defaults.

    Text that is plainly a number becomes one, in mappings such as `optim_conf` at any
    depth.

    Raises:
        FileNotFoundError: There is no such YAML.
        ValueError: A key is unknown, or a value of another type; the YAML or, of
            `optim_conf` and `scheduler_conf`, the option is named.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--config")
    found, rest = first.parse_known_args(cmd)
    if found.config is not None:
        parser.set_defaults(**_read_yaml(Path(found.config), parser))
    args = parser.parse_args(rest)
    args.config = args.config if found.config is None else found.config
    for action in parser._actions:
        if isinstance(action, NestedDictAction):
            value = getattr(args, action.dest)
            setattr(args, action.dest, read_numbers(value))
    for kind, classes in (("optim", optim_classes), ("scheduler", scheduler_classes)):
        made = classes.get(getattr(args, kind))
        check_keywords(made, getattr(args, f"{kind}_conf") or {}, f"{kind}_conf")
    return args


def read_numbers(value: Any) -> Any:
    """Return a value with numbers in place of text such as `1e-4`.

    Only text with an exponent is changed: other numbers are none to YAML only in
    quotes. A list is changed where all its items are numbers then.
    """
    if isinstance(value, Mapping):
        return {name: read_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        items = [read_numbers(item) for item in value]
        is_nested = all(isinstance(item, list | dict) for item in items)
        is_number = all(type(item) in (int, float) for item in items)
        return items if is_nested or is_number else value
    if isinstance(value, str) and "e" in value.lower():
        number = as_number(value)
        return value if number is None else number
    return value


def check_keywords(made: Any, values: Mapping[str, Any], place: str) -> None:
    """Check values against the defaults of a class's arguments.

    Args:
        made: The class, such as torch.optim.Adam; None: nothing is checked.
        values: Its keyword arguments.
        place: Where they come from, for messages.

    Raises:
        ValueError: A name is unknown, or text stands where the default is a number.
    """
    if made is None:
        return
    read_value(dict[str, Any], values, place)
    parameters = inspect.signature(made).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        check_names(values, list(parameters)[1:], place)
    for name, value in values.items():
        default = getattr(parameters.get(name), "default", None)
        if type(default) in (int, float) and not isinstance(value, list):
            read_value(float, value, f"{place}: {name}", _ANY_NUMBER)


def _read_yaml(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such YAML; correct --config")
    values = load_mapping(path)
    actions = {action.dest: action for action in parser._actions}
    check_names(values, sorted(actions), str(path))
    return {
        name: _convert(actions[name], value, f"{path}: {name}")
        for name, value in values.items()
        if name != "config"  # ESPnet2 writes it into config.yaml
    }


def _convert(action: argparse.Action, value: Any, place: str) -> Any:
    if value is None:
        return None
    if isinstance(action, NestedDictAction):
        return read_value(dict[str, Any], value, place)
    kind: Any = _KINDS.get(action.type)
    if kind is None:
        return value
    if isinstance(value, str) and action.type in _OF_TEXT:
        read: Any = action.type
        with contextlib.suppress(ValueError):
            value = read(value)
    hint = list[kind] if isinstance(value, list) else kind | None
    return read_value(hint, value, place, _ANY_NUMBER)
