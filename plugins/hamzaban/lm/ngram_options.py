"""What conf/lm.yaml may say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hamzaban.config import read_config
from hamzaban.lm.audit import KINDS
from hamzaban.lm.kenlm import MAX_ORDER

UNITS = ("word", "char", "bpe")


@dataclasses.dataclass(frozen=True)
class NgramOptions:
    """One n-gram model.

    Attributes:
        order: Of the model, 1..6.
        prune: Counts of each order up to which n-grams are dropped, rising; the last
            holds for the orders after it.
    """

    order: int = 3
    prune: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is out of range.
        """
        if not 1 <= self.order <= MAX_ORDER:
            raise ValueError(f"order {self.order} found, expected 1..{MAX_ORDER}")
        rising = all(type(count) is int and count >= 0 for count in self.prune)
        rising = rising and list(self.prune) == sorted(self.prune)
        if not rising or not 1 <= len(self.prune) <= self.order:
            raise ValueError(
                f"prune {list(self.prune)} found, expected 1..{self.order} counts that "
                "do not fall, such as [0, 0, 1]"
            )


@dataclasses.dataclass(frozen=True)
class LmOptions:
    """All models of one folder.

    Attributes:
        models: Options by unit, one or more of UNITS.
        memory: For KenLM's sorting, such as `1G` or `20%`.
        drop_leaks: Leave out lines of the further text that leak; else refuse them.
        allow_leaks: Reasons, by kind, why leaks are no fault of this corpus.
    """

    models: dict[str, NgramOptions]
    memory: str = "1G"
    drop_leaks: bool = False
    allow_leaks: dict[str, str] = dataclasses.field(default_factory=dict)


def read_options(path: str | Path) -> LmOptions:
    """Read a YAML such as conf/lm.yaml, on top of its `base`.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A key is unknown or a value is wrong.
    """
    values = _read_known(path)
    models = {u: _read_ngram(path, u, values[u]) for u in UNITS if values.get(u)}
    if not models:
        raise ValueError(f"{path}: no model; expected one or more of {UNITS}")
    memory, drop = values.get("memory", "1G"), values.get("drop_leaks", False)
    if not isinstance(memory, str) or not isinstance(drop, bool):
        raise ValueError(
            f"{path}: memory {memory!r}, drop_leaks {drop!r} found, expected a size "
            "such as 1G and true or false"
        )
    return LmOptions(models, memory, drop, _read_reasons(path, values))


def read_allowed(path: str | Path) -> dict[str, str]:
    """Read `allow_leaks` of a YAML: reasons by kind of leak.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A key is unknown or a value is wrong.
    """
    return _read_reasons(path, _read_known(path))


def _read_known(path: str | Path) -> dict[str, Any]:
    values, _ = read_config(path)
    known = {*UNITS, "memory", "drop_leaks", "allow_leaks"}
    for key in values:
        if key not in known:
            raise ValueError(f"{path}: {key!r} is unknown; known: {sorted(known)}")
    return values


def _read_reasons(path: str | Path, values: dict[str, Any]) -> dict[str, str]:
    reasons = values.get("allow_leaks") or {}
    if not isinstance(reasons, dict):
        raise ValueError(
            f"{path}: allow_leaks: found {reasons!r}, expected lines `kind: reason`"
        )
    for kind, reason in reasons.items():
        if kind not in KINDS or not (reason is None or isinstance(reason, str)):
            raise ValueError(
                f"{path}: allow_leaks: {kind}: {reason!r} found, expected a reason in "
                f"words for one of {', '.join(KINDS)}"
            )
    return {kind: reason for kind, reason in reasons.items() if reason}


def _read_ngram(path: str | Path, unit: str, values: object) -> NgramOptions:
    if not isinstance(values, dict) or set(values) - {"order", "prune"}:
        raise ValueError(f"{path}: {unit}: {values!r} found, expected order and prune")
    order, prune = values.get("order", 3), values.get("prune", [0])
    if type(order) is not int or not isinstance(prune, list):
        raise ValueError(
            f"{path}: {unit}: order {order!r}, prune {prune!r} found, expected a "
            "number and a list of counts"
        )
    try:
        return NgramOptions(order, tuple(prune))
    except ValueError as e:
        raise ValueError(f"{path}: {unit}: {e}") from e
