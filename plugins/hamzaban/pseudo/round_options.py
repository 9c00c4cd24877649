"""What pseudo-labelling is asked for: the values of conf/pseudo.yaml."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hamzaban.config import read_config
from hamzaban.decode.search_options import make_search
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.pseudo.filters import FilterOptions, parse_filters
from hamzaban.pseudo.guard import GuardOptions, parse_guard

# Of its options, what a round decides: the files, one label each, and two keys beside.
_DECIDED = frozenset(("lm_unit", "nbest", "mapping", "blank_score"))


@dataclasses.dataclass(frozen=True)
class PseudoOptions:
    """The values of conf/pseudo.yaml, which says what each is."""

    mapping: str | None
    valid_share: float
    blank_scores: tuple[float, ...]
    search: LexiconSearch
    filters: FilterOptions
    guard: GuardOptions


def read_options(path: str | Path) -> PseudoOptions:
    """Read a config that holds, with its bases, all values of conf/pseudo.yaml.

    Raises:
        FileNotFoundError: The config or a base is missing.
        ValueError: A value is missing, unknown, or out of its range.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such config; see conf/pseudo.yaml")
    values, _ = read_config(path)
    names = {field.name for field in dataclasses.fields(PseudoOptions)}
    if names != set(values):
        raise ValueError(
            f"{path}: found {', '.join(sorted(values))}, expected exactly "
            f"{', '.join(sorted(names))} (`base:` takes over those of conf/pseudo.yaml)"
        )
    share = values["valid_share"]
    if type(share) not in (int, float) or not 0 < share < 1:
        raise ValueError(f"{path}: valid_share is {share!r}, expected above 0, under 1")
    try:
        return PseudoOptions(
            values["mapping"],
            float(share),
            _scores(values["blank_scores"]),
            _make_search(_mapping(values, "search")),
            parse_filters(_mapping(values, "filters")),
            parse_guard(_mapping(values, "guard")),
        )
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from e


def _scores(found: object) -> tuple[float, ...]:
    values = found if isinstance(found, list) else []
    if not values or set(map(type, values)) - {int, float}:
        raise ValueError(f"blank_scores is {found!r}, expected a list, such as [0.0]")
    return tuple(map(float, values))


def _mapping(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values[name]
    if not isinstance(found, dict):
        raise ValueError(f"{name}: {found!r} found, expected lines `option: value`")
    return found


def _make_search(values: Mapping[str, Any]) -> LexiconSearch:
    known = {field.name for field in dataclasses.fields(LexiconSearch)} - _DECIDED
    if unknown := set(values) - known:
        raise ValueError(
            f"search: {', '.join(sorted(unknown))} found, known: "
            f"{', '.join(sorted(known))}"
        )
    try:
        return make_search(LexiconSearch, values)
    except ValueError as e:
        raise ValueError(f"search: {e}") from e
