"""What pseudo-labelling is asked for: the values of conf/pseudo.yaml."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hamzaban.config import check_names, option, read_config, read_dataclass
from hamzaban.decode.search_options import SearchOptions
from hamzaban.pseudo.filters import FilterOptions
from hamzaban.pseudo.guard import GuardOptions

_SEARCHED = (
    *("lm_weight", "word_score", "beam_size", "beam_size_token", "beam_threshold"),
    *("log_add", "blank_threshold", "num_spellings"),
)


def _add_search(values: object) -> object:
    if not isinstance(values, dict):
        return values
    check_names(values, _SEARCHED, "")
    return {"search": "lexicon", **values}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PseudoOptions:
    """The values of conf/pseudo.yaml, which says what each is."""

    mapping: str | None
    valid_share: float = option(above=0, below=1)
    blank_scores: tuple[float, ...]
    search: SearchOptions = option(convert=_add_search)
    filters: FilterOptions
    guard: GuardOptions

    def __post_init__(self) -> None:
        """Check that there is a blank score to try.

        Raises:
            ValueError: There is none.
        """
        if not self.blank_scores:
            raise ValueError("blank_scores: [] found, expected a list such as [0.0]")


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
    values.pop("options", None)  # of local/pseudo.sh
    return read_dataclass(PseudoOptions, values, str(path), see="conf/pseudo.yaml")
