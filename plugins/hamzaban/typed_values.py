"""Values read from YAML, checked against the fields of a dataclass.

Call `hamzaban.config.read_dataclass`; this module does its work.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import types
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hamzaban.option_limits import (
    FREE,
    KINDS,
    LISTS,
    MAPPINGS,
    MAX_INT,
    UNIONS,
    Limits,
    as_number,
    check_limits,
    check_names,
    describe,
    fault,
    join,
    limits_of,
    show,
)

T = TypeVar("T")


def read_fields(
    cls: type[T],
    values: object,
    place: str,
    *,
    only: Collection[str] | None = None,
    see: str = "",
) -> T:
    """Return an instance of a dataclass, made from the values of a mapping.

    Args:
        cls: The dataclass; `option` states the limits of its fields.
        values: A value for each field without a default, and for any other field.
        place: Where the values come from, for messages; may be empty.
        only: The fields that may be given; None: all.
        see: The config that explains the fields, for messages.

    Raises:
        ValueError: A name is unknown or missing, a value has another type or lies out
            of its limits, or the class itself refuses the values.
    """
    if not isinstance(values, Mapping):
        raise fault(place, f"{show(values)} found, expected lines `option: value`")
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    check_names(values, [n for n in fields if only is None or n in only], place, see)
    missing = [
        f.name for f in fields.values() if _is_needed(f) and f.name not in values
    ]
    if missing:
        base = f", or take over the values of {see} with `base: PATH`" if see else ""
        raise fault(place, f"{', '.join(missing)} missing; add it{base}")
    hints = typing.get_type_hints(cls)
    given = {
        name: read_value(hints[name], value, join(place, name), limits_of(fields[name]))
        for name, value in values.items()
    }
    try:
        return cls(**given)
    except ValueError as e:
        raise fault(place, str(e)) from e


def read_value(hint: Any, value: Any, place: str, limits: Limits = FREE) -> Any:
    """Return a value in the type that a hint asks for.

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
            raise fault(place, str(e)) from e
    fitting = _convert(hint, value, place, limits)
    check_limits(fitting, place, limits, hint)
    return fitting


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _convert(hint: Any, value: Any, place: str, limits: Limits) -> Any:
    kind: Any = typing.get_origin(hint) or hint
    if kind is Any:
        return value
    if kind in UNIONS:
        return _convert_union(hint, value, place, limits)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else read_fields(kind, value, place)
    if kind in LISTS and isinstance(value, list | tuple):
        return _convert_list(hint, list(value), place, limits)
    if kind in MAPPINGS and isinstance(value, Mapping):
        return _convert_mapping(hint, value, place, limits)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        known = [member.value for member in kind]
        if isinstance(value, str) and value in known:
            return str(value)
        raise fault(place, f"{show(value)} found, expected {', '.join(known)}")
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
    parts = [describe(hint, limits.choices), limits.describe()]
    remedy = ""
    if hint is str and type(value) in (bool, int, float):
        remedy = "; put it in quotes"
    expected = ", ".join(part for part in parts if part)
    return fault(place, f"{show(value)} found, expected {expected}{remedy}")


def _read_number(kind: Any, value: Any) -> float | int | None:
    if isinstance(value, str):
        value = as_number(value)
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
    if len(others) == 1 and others[0] not in KINDS:
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
    places = [join(place, f"item {number}") for number in range(1, len(values) + 1)]
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
        _convert(key, name, join(place, "key"), FREE): _convert(
            wanted, value, join(place, name), limits
        )
        for name, value in values.items()
    }
