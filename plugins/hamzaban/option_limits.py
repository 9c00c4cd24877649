"""The limits of options, and how messages describe types and values."""

from __future__ import annotations

import collections.abc
import dataclasses
import difflib
import math
import re
import reprlib
import types
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

MAX_INT = 2**63 - 1
UNIONS = (typing.Union, types.UnionType)
LISTS = (tuple, list, collections.abc.Sequence)
MAPPINGS = (dict, collections.abc.Mapping)
KINDS: dict[Any, tuple[str, str]] = {  # singular, plural
    bool: ("true or false", "values true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    Path: ("a path", "paths"),
    types.NoneType: ("null", "nulls"),
}
_KEY = "hamzaban"  # key in the metadata of a field
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WORDS = {None: "null", True: "true", False: "false"}


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of the values of a field, in addition to its type.

    The bounds hold for each number of a list or a mapping; `choices` for each value of
    the same type as one of them, so that `audio_stream: best` may also be a number.

    Attributes:
        at_least: Least value.
        at_most: Greatest value.
        above: Bound that is itself too small.
        below: Bound that is itself too great.
        choices: The only values of their type.
        finite: Whether infinity is refused; NaN always is.
        convert: Function applied to the value in the YAML before its type is checked.
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


FREE = Limits()


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


def limits_of(field: dataclasses.Field[Any]) -> Limits:
    """Return what `option` stated for a field; no limits for a plain one."""
    limits: Limits = field.metadata.get(_KEY, FREE)
    return limits


def check_options(options: Any, prefix: str) -> None:
    """Check the limits of an instance that was built in code instead of read.

    Args:
        options: A dataclass with fields made by `option`; for its `__post_init__`.
        prefix: String before the name of a field in messages, such as `--`.

    Raises:
        ValueError: A value lies out of its limits.
    """
    for field in dataclasses.fields(options):
        check_limits(
            getattr(options, field.name), f"{prefix}{field.name}", limits_of(field)
        )


def check_limits(value: Any, place: str, limits: Limits, hint: Any = Any) -> None:
    """Check a single value, or each value of a list or mapping.

    Args:
        value: The value, whose type is right.
        place: Where it comes from, for messages.
        limits: Bounds and choices.
        hint: The type of the field, for messages; a union says which other values are
            allowed.

    Raises:
        ValueError: A value lies out of the limits.
    """
    for where, item in _leaves(value, place):
        expected = ""
        if type(item) in map(type, limits.choices) and item not in limits.choices:
            is_union = typing.get_origin(hint) in UNIONS
            expected = describe(hint if is_union else type(item), limits.choices)
        elif type(item) in (int, float) and not limits.has(item):
            expected = limits.describe() or "a finite number"
        if expected:
            raise fault(where, f"{show(item)} found, expected {expected}")


def _leaves(value: Any, place: str) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        inner = [(join(place, name), item) for name, item in value.items()]
    elif isinstance(value, list | tuple):
        inner = [(place, item) for item in value]
    else:
        return [(place, value)]
    return [leaf for where, item in inner for leaf in _leaves(item, where)]


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
        text = str(name)[:60]
        raise fault(
            place, f"'{text}' is unknown; {hint}known: {', '.join(known)}{more}"
        )


def drop_none(values: object) -> object:
    """Return a mapping without its null values; an empty one for null.

    For `option(convert=drop_none)`: null in a config removes what its base has.
    """
    if not isinstance(values, Mapping):
        return {} if values is None else values
    return {name: value for name, value in values.items() if value is not None}


def as_number(text: str) -> int | float | None:
    """Return the number that a text plainly is, such as `1e-4`; None if it is not
    one."""
    if len(text) > 99 or not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdigit() else float(text)


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


def join(place: str, name: object) -> str:
    """Return a place within another, `conf/mine.yaml: fs`; a long name is cut."""
    text = str(name)
    text = text if len(text) < 400 else f"{text[:80]}..."
    return f"{place}: {text}" if place else text


def fault(place: str, text: str) -> ValueError:
    """Return an error for the user that begins with the place."""
    return ValueError(f"{place}: {text}" if place else text)


def describe(hint: Any, choices: tuple[Any, ...], several: bool = False) -> str:
    """Return what a type hint expects, in words.

    Args:
        hint: The type.
        choices: Allowed values, listed in place of their type.
        several: Use the plural, as for the items of a list.
    """
    kind, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind in map(type, choices):
        return ", ".join(map(str, choices))
    if kind in UNIONS:
        return " or ".join(describe(member, choices, several) for member in inner)
    if kind in MAPPINGS:
        return "lines `option: value`"
    if kind in LISTS:
        item = inner[0] if inner else Any
        number = "" if kind is not tuple or inner[-1:] == (...,) else f"{len(inner)} "
        return f"a list of {number}{describe(item, choices, True)}"
    if kind in KINDS:
        return KINDS[kind][several]
    return "values" if several else "a value"
