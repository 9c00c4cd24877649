"""The searches of `hamzaban decode-asr`, one module each.

A new search takes three files and their tests:

1. `searches/<name>.py`, with a frozen dataclass of `name = "<name>"` that derives from
   `CtcSearch` (hamzaban.decode.search). Its fields are the options of the inference
   YAML, checked in `__post_init__`; `build` returns the decoder of log-posteriors.
   `greedy.py` is the shortest.
2. `conf/decode_<name>.yaml`, with `search: <name>`.
3. A test in `tests/plugins/test_decode_beam.py` that compares it with an exhaustive
   search, and its name in `test_decode_searches.py`.

The module is found by its name. A field that two searches share has one type in both.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil

from hamzaban.decode.search import Search


def search_names() -> list[str]:
    """Return the names of all searches, sorted."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in modules if not name.startswith("_"))


def find_search(name: str) -> type[Search]:
    """Return the class of a search.

    Raises:
        ValueError: There is no such search.
    """
    if name not in search_names():
        known = ", ".join(search_names())
        raise ValueError(f"search {name!r} found; known: {known}")
    module = importlib.import_module(f"{__name__}.{name}")
    return next(
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Search) and found.name == name
    )


@functools.cache
def search_defaults() -> dict[str, object]:
    """Return the default of every option that some search has."""
    return {
        field.name: field.default
        for name in search_names()
        for field in dataclasses.fields(find_search(name))
    }


@functools.cache
def tunable_options() -> tuple[str, ...]:
    """Return every option that `tune` may name for some search."""
    names = [name for search in search_names() for name in find_search(search).tunable]
    return tuple(dict.fromkeys(names))
