"""Read the inference YAML: how to run the model, the search, and what to tune."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

from hamzaban.config import check_names, load_yaml, read_config, read_value, show
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.search import CtcSearch, Search
from hamzaban.typed_values import read_fields

GREEDY = "greedy"  # the search of a YAML that names none
NEVER_IGNORED = ("blank_score", "mapping")  # must apply, since they change the text


@dataclasses.dataclass(frozen=True)
class InferenceConfig:
    """The content of an inference YAML.

    Attributes:
        decode: Values of `DecodeOptions` that the YAML gives, by name.
        search: The search, with its options.
        tune: Values to try on the validation set, by the name of the option.
    """

    decode: dict[str, Any]
    search: Search
    tune: dict[str, list[float]]


def read_inference(
    path: str | Path | None = None, weights: str | Path | None = None
) -> InferenceConfig:
    """Read a YAML such as conf/decode.yaml, on top of its `base`.

    It may have options of searches other than the one it names, since its base may be
    for another search; their types are checked and they have no effect.

    Args:
        path: The YAML; None for the defaults.
        weights: A YAML of `tune-decoder`, whose values replace those of `path`.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is not YAML, a key is unknown, or a value does not fit.
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
        search = _make_search(rest)
        _check_tune(search, tune)
    except ValueError as e:
        raise ValueError(f"{weights or path}: {e}") from e
    if mapping := getattr(search, "mapping", ""):
        from hamzaban.decode.spelling import check_mapping

        check_mapping(mapping, path or "mapping")
    return InferenceConfig(decode, search, tune)


def needs_lm(path: str | Path) -> bool:
    """Return whether the search of an inference YAML reads a language model.

    Raises:
        FileNotFoundError: The YAML or its base is missing.
        ValueError: It cannot be read.
    """
    return read_inference(path).search.needs_lm


def search_for_hotwords(search: Search) -> CtcSearch:
    """Return the search to use with hotwords: for greedy search, one with a beam.

    Raises:
        ValueError: The search cannot prefer words.
    """
    from hamzaban.decode.beam_options import BeamOptions
    from hamzaban.decode.searches.greedy import GreedySearch
    from hamzaban.decode.searches.token import TokenSearch

    if isinstance(search, BeamOptions):
        return search
    if not isinstance(search, GreedySearch):
        raise ValueError(
            f"--hotwords: search {search.name} cannot prefer words; give an "
            "--inference_config with search: lexicon or token, or none"
        )
    found = TokenSearch(lm_unit="none", lm_weight=0.0, blank_score=search.blank_score)
    logging.info("hotwords: a beam search without a language model replaces greedy")
    return found


def _make_search(values: dict[str, Any]) -> Search:
    from hamzaban.decode.searches import find_search

    cls = find_search(values.pop("search", GREEDY))
    own = {field.name for field in dataclasses.fields(cls)}
    for name in NEVER_IGNORED:
        if values.get(name) and name not in own:
            raise ValueError(f"{name} is not for search: {cls.name}; leave it out")
    return read_fields(cls, {key: values[key] for key in values if key in own}, "")


def _check_tune(search: Search, tune: dict[str, list[float]]) -> None:
    """Check that the search accepts each value to tune."""
    for name in set(tune) & set(search.tunable):
        for value in tune[name]:
            try:
                dataclasses.replace(search, **{name: value})
            except ValueError as e:
                raise ValueError(f"tune: {name}: {e}") from e


def _read_values(path: str | Path) -> dict[str, Any]:
    from hamzaban.decode.searches import search_defaults

    if load_yaml(path) is None:  # an empty file
        return {}
    values, _ = read_config(path)
    mapping = values.get("mapping")
    if isinstance(mapping, str) and (Path(path).parent / mapping).is_file():
        values["mapping"] = str(Path(path).parent / mapping)
    tune = values.pop("tune", None)
    known = dataclasses.asdict(DecodeOptions())
    known |= {"search": GREEDY, **search_defaults(), "tune": {}}
    try:
        check_names(values, list(known), "")
        checked = {
            key: read_value(type(known[key]), value, key)
            for key, value in values.items()
        }
        return checked if tune is None else {**checked, "tune": _read_tune(tune)}
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from e


def _read_tune(values: object) -> dict[str, list[float]]:
    from hamzaban.decode.searches import search_defaults, tunable_options

    tunable, found = tunable_options(), {}
    if not isinstance(values, dict) or not values:
        raise ValueError(f"tune: {show(values)} found, expected `option: [values]`")
    for key, numbers in values.items():
        if key not in tunable or not isinstance(numbers, list) or not numbers:
            raise ValueError(
                f"tune: {key}: {show(numbers)} found, expected a list of numbers for "
                f"one of {', '.join(tunable)}"
            )
        kind = type(search_defaults()[key])
        found[key] = [read_value(kind, number, f"tune: {key}") for number in numbers]
    return found
