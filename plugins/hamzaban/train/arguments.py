"""Read and check the options of a task from the command line and its YAML.

ESPnet2 does not check the values of a YAML: `lr: 1e-4` is text in YAML 1.1 and fails
inside torch, and a wrong type or a duplicate key goes unnoticed.
"""

import argparse
import ast
import contextlib
import copy
import inspect
import logging
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2.tasks.abs_task import optim_classes, scheduler_classes
from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import float_or_none, int_or_none, str2bool

from hamzaban.config import check_names, load_mapping, read_value
from hamzaban.option_limits import UNIONS, Limits, as_number, show
from hamzaban.yaml_loader import parse_yaml

_OF_TEXT: Any = (int_or_none, float_or_none, str2bool)  # read `none` and `true`
_KINDS: dict[Any, Any] = {
    int: int,
    int_or_none: int,
    float: float,
    float_or_none: float,
    str2bool: bool,
}
_ANY_NUMBER = Limits(finite=False)  # grad_clip_type may be infinite
_PER_GROUP = ("min_lr",)  # ReduceLROnPlateau takes a number, or one for each group


class DictAction(NestedDictAction):
    """ESPnet2's option `--conf name.below=YAML` or `--conf '{name: YAML}'`.

    ESPnet2 evaluates the text as Python, and builds any object that YAML may name.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add a word of the command line to the mapping of the option.

        Raises:
            ValueError: The word has neither of the two forms, or is not YAML.
        """
        place = option_string or f"--{self.dest}"
        conf = copy.deepcopy(getattr(namespace, self.dest, None) or {})
        name, equals, text = values.partition("=")
        if equals and not values.lstrip().startswith("{"):
            *above, last = name.split(".")
            inner = conf
            for part in above:
                if not isinstance(inner.get(part), dict):
                    inner[part] = {}
                inner = inner[part]
            inner[last] = parse_yaml(text, f"{place} {name}") if text.strip() else text
        else:
            try:
                given = ast.literal_eval(values.strip())
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                given = parse_yaml(values, place)
            if not isinstance(given, dict):
                raise ValueError(
                    f"{place}: {show(values)} found, expected name=value, such as "
                    f"{place} lr=1e-4, or '{{name: value}}'"
                )
            conf.update(given)
        setattr(namespace, self.dest, conf)


def parse_arguments(
    parser: argparse.ArgumentParser, cmd: Sequence[str] | None
) -> argparse.Namespace:
    """Parse a command line, with the values of its --config as defaults.

    Text that is plainly a number becomes a number, also inside mappings such as
    `optim_conf`.

    Raises:
        FileNotFoundError: There is no such YAML.
        ValueError: A key is unknown or a value has the wrong type. The message names
            the YAML, or the option for `optim_conf` and `scheduler_conf`.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--config")
    found, rest = first.parse_known_args(cmd)
    if found.config is not None:
        parser.set_defaults(**_read_yaml(Path(found.config), parser))
    for action in parser._actions:
        if isinstance(action, NestedDictAction):
            action.__class__ = DictAction
    args = parser.parse_args(rest)
    args.config = args.config if found.config is None else found.config
    if is_given("max_epoch", rest) and not is_given("max_updates", rest):
        leave_out_updates(args)
    for action in parser._actions:
        if isinstance(action, NestedDictAction):
            value = getattr(args, action.dest)
            setattr(args, action.dest, read_numbers(value))
    for kind, classes in (("optim", optim_classes), ("scheduler", scheduler_classes)):
        name, values = f"{kind}_conf", getattr(args, f"{kind}_conf") or {}
        made = classes.get(getattr(args, kind))
        setattr(args, name, read_keywords(made, values, name))
    return args


def is_given(name: str, words: Sequence[str]) -> bool:
    """Return whether a command line has an option."""
    return any(word.partition("=")[0] == f"--{name}" for word in words)


def leave_out_updates(args: argparse.Namespace) -> None:
    """Let --max_epoch of the command line win over max_updates of the YAML."""
    if getattr(args, "max_updates", None) is not None:
        logging.warning(
            f"--max_epoch {args.max_epoch} replaces max_updates {args.max_updates} of "
            f"{args.config}"
        )
        args.max_updates = None


def read_numbers(value: Any) -> Any:
    """Return a value with numbers in place of text such as `1e-4`.

    Only text with an exponent is changed, since YAML reads other numbers as text only
    if they are quoted. A list is changed only if all its items become numbers.
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


def read_keywords(made: Any, values: Any, place: str) -> dict[str, Any]:
    """Return keyword arguments of a class, with numbers in place of their text.

    Args:
        made: The class, such as torch.optim.Adam; with None nothing is checked.
        values: Its keyword arguments.
        place: Where they come from, for messages.

    Raises:
        ValueError: A name is unknown, or a value is not of the type of the default or,
            where there is none, of the hint.
    """
    if made is None:
        return values
    values = read_value(dict[str, Any], values, place)
    parameters = inspect.signature(made).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        check_names(values, list(parameters)[1:], place)
    return {
        name: _read_keyword(parameters.get(name), value, f"{place}: {name}")
        for name, value in values.items()
    }


def _read_keyword(parameter: inspect.Parameter | None, value: Any, place: str) -> Any:
    hint = _find_hint(parameter)
    if hint is None:
        return value
    if isinstance(value, list) and parameter and parameter.name in _PER_GROUP:
        hint = list[float]
    found = read_value(hint, value, place, _ANY_NUMBER)
    if isinstance(found, tuple):
        return list(found)  # config.yaml has no tuples
    return found if isinstance(value, str) else value  # 1 stays 1, not 1.0


def _find_hint(parameter: inspect.Parameter | None) -> Any:
    """Return the type that a keyword argument must have; None allows any."""
    if parameter is None:
        return None
    default = parameter.default
    if type(default) is bool:
        return bool
    if type(default) in (int, float):
        return float
    if type(default) is tuple and {*map(type, default)} <= {int, float}:
        return tuple[(float,) * len(default)]  # type: ignore[misc]
    members = set(typing.get_args(parameter.annotation))
    is_number = typing.get_origin(parameter.annotation) in UNIONS and members == {
        int,
        float,
    }
    return float if is_number or parameter.annotation in (int, float) else None


@contextlib.contextmanager
def wrong_types_explained() -> Iterator[None]:
    """Explain in one line a keyword that a class refuses as wrong or unknown.

    Raises:
        ValueError: A value of an option such as model_conf has a wrong type, or its
            name is unknown.
    """
    from typeguard import TypeCheckError

    try:
        yield
    except (TypeCheckError, TypeError) as error:
        text = " ".join(str(error).split())
        if isinstance(error, TypeError) and "unexpected keyword argument" not in text:
            raise
        raise ValueError(
            f"an option such as model_conf or encoder_conf: {text}; correct its name "
            "or value in the YAML of --config or on the command line"
        ) from error


def _read_yaml(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such YAML; correct --config")
    values = load_mapping(path)
    actions = {action.dest: action for action in parser._actions}
    check_names(values, sorted(actions), str(path))
    return {
        name: _convert(actions[name], value, f"{path}: {name}")
        for name, value in values.items()
        if name != "config"  # which ESPnet2 writes into config.yaml
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
