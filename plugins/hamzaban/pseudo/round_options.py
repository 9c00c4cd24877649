"""The options of pseudo-labelling: the values of conf/pseudo.yaml."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hamzaban.config import check_names, option, read_config, read_dataclass
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.spelling import check_mapping
from hamzaban.pseudo.filters import FilterOptions
from hamzaban.pseudo.guard import GuardOptions

# Options of the search that a round sets itself or that have keys of their own.
_DECIDED = frozenset(("lm_unit", "nbest", "mapping", "blank_score"))


def _check_search(values: object) -> object:
    if isinstance(values, dict):
        names = [field.name for field in dataclasses.fields(LexiconSearch)]
        check_names(values, [name for name in names if name not in _DECIDED], "")
    return values


@dataclasses.dataclass(frozen=True, kw_only=True)
class PseudoOptions:
    """The values of conf/pseudo.yaml, whose comments explain them."""

    mapping: str | None
    valid_share: float = option(above=0, below=1)
    blank_scores: tuple[float, ...]
    search: LexiconSearch = option(convert=_check_search)
    filters: FilterOptions
    guard: GuardOptions

    def __post_init__(self) -> None:
        """Check that there is a blank score to try.

        Raises:
            ValueError: The list is empty.
        """
        if not self.blank_scores:
            raise ValueError("blank_scores: [] found, expected a list such as [0.0]")


def read_options(path: str | Path) -> PseudoOptions:
    """Read a config that, together with its bases, has all values of conf/pseudo.yaml.

    Raises:
        FileNotFoundError: The config or a base is missing.
        ValueError: A value is missing, unknown, or out of its range.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such config; see conf/pseudo.yaml")
    values, _ = read_config(path)
    values.pop("options", None)  # options of local/pseudo.sh
    options = read_dataclass(PseudoOptions, values, str(path), see="conf/pseudo.yaml")
    check_mapping(options.mapping or "", path)
    return options
