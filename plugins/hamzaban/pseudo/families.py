"""How far two languages stand from each other by descent: families.yaml."""

from __future__ import annotations

import functools
from pathlib import Path

from hamzaban.config import load_mapping

TABLE = Path(__file__).parent / "families.yaml"
UNKNOWN = "unknown"

Groups = tuple[str, ...]


@functools.cache
def read_families() -> dict[str, Groups]:
    """Read the groups of each language, the widest first, by ISO 639 code."""
    values = load_mapping(TABLE)
    return {
        code: tuple(group.strip() for group in groups.split("/"))
        for code, groups in values.items()
    }


def measure_descent(one: str, other: str) -> float | str:
    """Give the share of groups that two languages do not have in common.

    Args:
        one: ISO 639 code; what follows a hyphen, such as a region, is not looked at.
        other: Likewise.

    Returns:
        0 (all groups shared, or the same language) to 1 (other families); `unknown`
        if the table lacks one of them.
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
