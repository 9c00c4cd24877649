"""Measure how distantly two languages are related, by the groups of families.yaml."""

from __future__ import annotations

import functools
from pathlib import Path

from hamzaban.config import load_mapping

TABLE = Path(__file__).parent / "families.yaml"
UNKNOWN = "unknown"

Groups = tuple[str, ...]


@functools.cache
def read_families() -> dict[str, Groups]:
    """Read the groups that each language belongs to, widest first, by ISO 639 code."""
    values = load_mapping(TABLE)
    return {
        code: tuple(group.strip() for group in groups.split("/"))
        for code, groups in values.items()
    }


def measure_descent(one: str, other: str) -> float | str:
    """Return the share of groups that two languages do not have in common.

    Args:
        one: ISO 639 code; a part after a hyphen, such as a region, is ignored.
        other: The code of the other language.

    Returns:
        From 0 (the same language, or all groups shared) to 1 (different families);
        `unknown` if the table lacks one of the languages.
    """
    codes = [code.lower().split("-")[0] for code in (one, other)]
    if codes[0] == codes[1]:
        return 0.0
    families = read_families()
    if not all(code in families for code in codes):
        return UNKNOWN
    first, second = (families[code] for code in codes)
    shared = 0
    for mine, theirs in zip(first, second, strict=False):
        if mine != theirs:
            break
        shared += 1
    return 1 - shared / max(len(first), len(second))
