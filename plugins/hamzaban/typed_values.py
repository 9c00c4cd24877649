"""Values read from YAML, checked against the fields of a dataclass.

`hamzaban.config.read_dataclass` is the way in; this module does its work.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import difflib
import enum
import math
import re
import reprlib
import types
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

MAX_INT = 2**63 - 1
_KEY = "hamzaban"  # of the metadata of a field
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_UNIONS = (typing.Union, types.UnionType)
_LISTS = (tuple, list, collections.abc.Sequence)
_MAPPINGS = (dict, collections.abc.Mapping)
_WORDS = {None: "null", True: "true", False: "false"}
_KINDS: dict[Any, tuple[str, str]] = {  # one of them, several of them
    bool: ("true or false", "values true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    Path: ("a path", "paths"),
    types.NoneType: ("null", "nulls"),
}


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the values of a field may be beyond their type.

    The bounds hold for each number of a list or a mapping; `choices` for each value of
    the same type as one of them, so that `audio_stream: best` may also be a number.

    Attributes:
        at_least: Least value.
        at_most: Greatest value.
        above: Bound that is itself too small.
        below: Bound that is itself too great.
        choices: The only values of their type.
        finite: Whether infinity is refused; NaN always is.
        convert: Applied to what the YAML says, before its type is checked.
    """

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()
    finite: bool = True
    convert: Callable[[Any], Any] | None = None

    def has(self, number: float) -> bool:
        """Return whether a number lies within all bounds."""
        if math.isnan(number) or (self.finite and math.isinf(number)):
            return False
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.at_most is None or number <= self.at_most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def describe(self) -> str:
        """Return the bounds in words; empty if there are none."""
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g}..{self.at_most:g}"
        bounds = {
            "{:g} or more": self.at_least,
            "above {:g}": self.above,
            "{:g} at most": self.at_most,
            "below {:g}": self.below,
        }
        given = [
            form.format(bound) for form, bound in bounds.items() if bound is not None
        ]
        return " and ".join(given)


_FREE = Limits()


def option(
    default: Any = dataclasses.MISSING,
    *,
    default_factory: Any = dataclasses.MISSING,
    **limits: Any,
) -> Any:
    """Return a dataclass field with limits; the keywords are those of `Limits`.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Options:
    ...     dropout: float = option(0.1, at_least=0, below=1)
    ...     output: str = option("flac", choices=("flac", "segments"))
    """
    return dataclasses.field(
        default=default,
        default_factory=default_factory,
        metadata={_KEY: Limits(**limits)},
    )


def read_fields(
    cls: type[T],
    values: object,
    place: str,
    *,
    only: Collection[str] | None = None,
    see: str = "",
) -> T:
    """Return an instance of a dataclass made of the values of a mapping.

    Args:
        cls: The dataclass; `option` states the limits of its fields.
        values: A value for each field without a default, and for any other.
        place: Where the values come from, for messages; may be empty.
        only: The fields that may be given; None: all.
        see: The config that explains the fields, for messages.

    Raises:
        ValueError: A name is unknown or missing, a value has another type or lies out
            of its limits, or the class itself refuses the values.
    """
    if not isinstance(values, Mapping):
        raise _error(place, f"{show(values)} found, expected lines `option: value`")
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    check_names(values, [n for n in fields if only is None or n in only], place, see)
    missing = [
        f.name for f in fields.values() if _is_needed(f) and f.name not in values
    ]
    if missing:
        base = f", or take over the values of {see} with `base: PATH`" if see else ""
        raise _error(place, f"{', '.join(missing)} missing; add it{base}")
    hints = typing.get_type_hints(cls)
    given = {
        name: read_value(hints[name], value, _join(place, name), _limits(fields[name]))
        for name, value in values.items()
    }
    try:
        return cls(**given)
    except ValueError as e:
        raise _error(place, str(e)) from e


def check_names(
    values: Mapping[Any, Any], known: Collection[str], place: str, see: str = ""
) -> None:
    """Check that all keys of a mapping are known.

    Raises:
        ValueError: One is not; the message has the nearest and all known ones.
    """
    for name in values:
        if name in known:
            continue
        near = difflib.get_close_matches(str(name)[:99], known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        more = f"; see {see}" if see else ""
        text = name if isinstance(name, str) and len(name) < 60 else show(name)
        raise _error(
            place, f"'{text}' is unknown; {hint}known: {', '.join(known)}{more}"
        )


def check_options(options: Any, prefix: str) -> None:
    """Check the limits of an instance that was not read but built.

    Args:
        options: A dataclass with fields made by `option`; for its `__post_init__`.
        prefix: What stands before the name of a field in messages, such as `--`.

    Raises:
        ValueError: A value lies out of its limits.
    """
    for field in dataclasses.fields(options):
        _check_limits(
            getattr(options, field.name), f"{prefix}{field.name}", _limits(field)
        )


def read_value(hint: Any, value: Any, place: str, limits: Limits = _FREE) -> Any:
    """Return a value as a type hint wants it.

    Args:
        hint: bool, int, float, str, Path, Any, an enumeration, a dataclass; tuple,
            list, Sequence, dict and Mapping of such; unions of them and None.
        value: As YAML gives it. Lists become tuples where the hint says tuple or
            Sequence, text that is plainly a number, such as 1e-4, becomes one.
        place: Where it comes from, for messages.
        limits: Bounds and choices.

    Raises:
        ValueError: It does not fit.
    """
    if limits.convert is not None:
        try:
            value = limits.convert(value)
        except ValueError as e:
            raise _error(place, str(e)) from e
    fitting = _convert(hint, value, place, limits)
    _check_limits(fitting, place, limits, hint)
    return fitting


def show(value: object) -> str:
    """Return a value for a message, cut short where it is long."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int) and abs(value) > MAX_INT:
        return f"a whole number of {value.bit_length()} bits"
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlevel = 3


def drop_none(values: object) -> object:
    """Return a mapping without its null values; an empty one for null.

    For `option(convert=drop_none)`: a config takes out with null what its base has.
    """
    if not isinstance(values, Mapping):
        return {} if values is None else values
    return {name: value for name, value in values.items() if value is not None}


def _join(place: str, name: object) -> str:
    return f"{place}: {name}" if place else str(name)


def _error(place: str, text: str) -> ValueError:
    return ValueError(_join(place, text))


def _limits(field: dataclasses.Field[Any]) -> Limits:
    return field.metadata.get(_KEY, _FREE)


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _check_limits(value: Any, place: str, limits: Limits, hint: Any = Any) -> None:
    for item in _leaves(value):
        expected = ""
        if type(item) in map(type, limits.choices) and item not in limits.choices:
            is_union = typing.get_origin(hint) in _UNIONS
            expected = _describe(hint if is_union else type(item), limits.choices)
        elif type(item) in (int, float) and not limits.has(item):
            expected = limits.describe() or "a finite number"
        if expected:
            raise _error(place, f"{show(item)} found, expected {expected}")


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _convert(hint: Any, value: Any, place: str, limits: Limits) -> Any:
    kind: Any = typing.get_origin(hint) or hint
    if kind is Any:
        return value
    if kind in _UNIONS:
        return _convert_union(hint, value, place, limits)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else read_fields(kind, value, place)
    if kind in _LISTS and isinstance(value, list | tuple):
        return _convert_list(hint, list(value), place, limits)
    if kind in _MAPPINGS and isinstance(value, Mapping):
        return _convert_mapping(hint, value, place, limits)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        known = [member.value for member in kind]
        if isinstance(value, str) and value in known:
            return str(value)
        raise _error(place, f"{show(value)} found, expected {', '.join(known)}")
    if kind in (int, float):
        number = _read_number(kind, value)
        if number is not None:
            return number
    elif kind is Path and isinstance(value, str | Path):
        return Path(value)
    elif kind in (bool, str) and isinstance(value, kind):
        return value
    raise _wrong_type(hint, value, place, limits)


def _wrong_type(hint: Any, value: Any, place: str, limits: Limits) -> ValueError:
    parts = [_describe(hint, limits.choices), limits.describe()]
    remedy = ""
    if hint is str and type(value) in (bool, int, float):
        remedy = "; put it in quotes"
    expected = ", ".join(part for part in parts if part)
    return _error(place, f"{show(value)} found, expected {expected}{remedy}")


def _read_number(kind: Any, value: Any) -> float | int | None:
    if isinstance(value, str) and len(value) < 99 and _NUMBER.fullmatch(value):
        value = int(value) if value.lstrip("+-").isdigit() else float(value)
    if type(value) not in (int, float):
        return None
    if kind is int:
        is_whole = math.isfinite(value) and value == int(value)
        return int(value) if is_whole and abs(value) <= MAX_INT else None
    return float(value) if abs(value) <= MAX_INT or type(value) is float else None


def _convert_union(hint: Any, value: Any, place: str, limits: Limits) -> Any:
    members = typing.get_args(hint)
    if value is None and types.NoneType in members:
        return None
    others = [member for member in members if member is not types.NoneType]
    if len(others) == 1 and others[0] not in _KINDS:
        return _convert(others[0], value, place, limits)
    for member in sorted(others, key=lambda member: member in (str, Path)):
        try:
            return _convert(member, value, place, limits)
        except ValueError:
            continue
    raise _wrong_type(hint, value, place, limits)


def _convert_list(hint: Any, values: list[Any], place: str, limits: Limits) -> Any:
    inner = typing.get_args(hint) or (Any, ...)
    is_fixed = typing.get_origin(hint) is tuple and inner[-1] is not ...
    if is_fixed and len(values) != len(inner):
        raise _wrong_type(hint, values, place, limits)
    hints = inner if is_fixed else [inner[0]] * len(values)
    places = [_join(place, f"item {number}") for number in range(1, len(values) + 1)]
    items = [
        _convert(wanted, value, where, limits)
        for wanted, value, where in zip(hints, values, places, strict=True)
    ]
    return items if (typing.get_origin(hint) or hint) is list else tuple(items)


def _convert_mapping(
    hint: Any, values: Mapping[Any, Any], place: str, limits: Limits
) -> dict[Any, Any]:
    key, wanted = typing.get_args(hint) or (Any, Any)
    return {
        _convert(key, name, _join(place, "key"), _FREE): _convert(
            wanted, value, _join(place, name), limits
        )
        for name, value in values.items()
    }


def _describe(hint: Any, choices: tuple[Any, ...], several: bool = False) -> str:
    kind, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind in map(type, choices):
        return ", ".join(map(str, choices))
    if kind in _UNIONS:
        return " or ".join(_describe(member, choices, several) for member in inner)
    if kind in _MAPPINGS:
        return "lines `option: value`"
    if kind in _LISTS:
        item = inner[0] if inner else Any
        number = "" if kind is not tuple or inner[-1:] == (...,) else f"{len(inner)} "
        return f"a list of {number}{_describe(item, choices, True)}"
    if kind in _KINDS:
        return _KINDS[kind][several]
    return "values" if several else "a value"
