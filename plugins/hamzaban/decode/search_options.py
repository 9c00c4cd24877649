"""The inference YAML: how to run the model, the search, and what to tune."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from hamzaban.config import check_names, read_config, read_value
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.search import Search
from hamzaban.typed_values import read_fields

GREEDY = "greedy"  # the search where the YAML names none
S = TypeVar("S", bound=Search)
NEVER_IGNORED = ("blank_score", "mapping")  # without them the text would be another


@dataclasses.dataclass(frozen=True)
class InferenceConfig:
    """What an inference YAML says.

    Attributes:
        decode: Values of `DecodeOptions` that it gives, by name.
        search: The search, with its options.
        tune: Values to try on valid, by the name of the option.
    """

    decode: dict[str, Any]
    search: Search
    tune: dict[str, list[float]]


def read_inference(
    path: str | Path | None = None, weights: str | Path | None = None
) -> InferenceConfig:
    """Read a YAML such as conf/decode.yaml, on top of its `base`.

    Options of other searches than the one it names are allowed: they come with a base.

    Args:
        path: The YAML; None for the defaults.
        weights: A YAML of `tune-decoder` whose values go before.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: It is not YAML, a key is unknown, or a value is of another type.
    """
    values: dict[str, Any] = {}
    for file in (path, weights):
        if file is not None:
            if not Path(file).is_file():
                raise FileNotFoundError(f"{file}: no such inference YAML")
            values |= _read_values(file)
    defaults = dataclasses.asdict(DecodeOptions())
    decode = {key: values[key] for key in values if key in defaults}
    tune = values.pop("tune", {})
    rest = {key: values[key] for key in values if key not in defaults}
    try:
        return InferenceConfig(decode, _make_search(rest), tune)
    except ValueError as e:
        raise ValueError(f"{weights or path}: {e}") from e


def needs_lm(path: str | Path) -> bool:
    """Return whether the search of an inference YAML reads a language model.

    Raises:
        FileNotFoundError: The YAML or its base is missing.
        ValueError: It cannot be read.
    """
    return read_inference(path).search.needs_lm


def make_search(cls: type[S], values: Mapping[str, Any]) -> S:
    """Make a search of options, with defaults for the others.

    Raises:
        ValueError: An option is unknown, of another type, or out of range.
    """
    return read_fields(cls, values, "")


def check_types(
    values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return values as the types of their defaults; a whole number serves as a float.

    Raises:
        ValueError: A name is unknown, or a value is of another type.
    """
    check_names(values, list(defaults), "")
    return {
        key: read_value(type(defaults[key]), value, key)
        for key, value in values.items()
    }


def _make_search(values: dict[str, Any]) -> Search:
    from hamzaban.decode.searches import find_search

    cls = find_search(values.pop("search", GREEDY))
    own = {field.name for field in dataclasses.fields(cls)}
    for name in NEVER_IGNORED:
        if values.get(name) and name not in own:
            raise ValueError(f"{name} is not for search: {cls.name}; leave it out")
    return make_search(cls, {key: values[key] for key in values if key in own})


def _read_values(path: str | Path) -> dict[str, Any]:
    from hamzaban.decode.searches import search_defaults

    if not Path(path).read_bytes().strip():
        return {}
    values, _ = read_config(path)
    tune = values.pop("tune", None)
    known = dataclasses.asdict(DecodeOptions())
    known |= {"search": GREEDY, **search_defaults(), "tune": {}}
    try:
        checked = check_types(values, known)
        return checked if tune is None else {**checked, "tune": _check_tune(tune)}
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from e


def _check_tune(values: object) -> dict[str, list[float]]:
    from hamzaban.decode.searches import search_defaults, tunable_options

    if not isinstance(values, dict) or not values:
        raise ValueError(f"tune: {values!r} found, expected `option: [values]`")
    tunable = tunable_options()
    for key, found in values.items():
        numbers = found if isinstance(found, list) else []
        if key not in tunable or not numbers or set(map(type, numbers)) - {int, float}:
            raise ValueError(
                f"tune: {key}: {found!r} found, expected a list of numbers for one of "
                f"{', '.join(tunable)}"
            )
        is_count = type(search_defaults()[key]) is int
        if is_count and set(map(type, numbers)) != {int}:
            raise ValueError(f"tune: {key}: {found!r} are not whole numbers")
    return values
