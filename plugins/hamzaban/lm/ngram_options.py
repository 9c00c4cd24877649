"""Options of conf/lm.yaml."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hamzaban.config import check_names, drop_none, option, read_dataclass
from hamzaban.lm.audit import KINDS
from hamzaban.lm.kenlm import MAX_ORDER

UNITS = ("word", "char", "bpe")


@dataclasses.dataclass(frozen=True)
class NgramOptions:
    """One n-gram model.

    Attributes:
        order: Longest n-gram, 1..6.
        prune: For each order, the count up to which n-grams are dropped; the counts
            do not fall, and the last one holds for all higher orders.
    """

    order: int = option(3, at_least=1, at_most=MAX_ORDER)
    prune: tuple[int, ...] = option((0,), at_least=0)

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            ValueError: A count is below the one before, or there are more counts than
                orders.
        """
        is_rising = list(self.prune) == sorted(self.prune)
        if not is_rising or not 1 <= len(self.prune) <= self.order:
            raise ValueError(
                f"prune: {list(self.prune)} found, expected 1..{self.order} counts "
                "that do not fall, such as [0, 0, 1]"
            )


@dataclasses.dataclass(frozen=True)
class LmOptions:
    """All models of one folder.

    Attributes:
        word: Model of words; None: no such model.
        char: Model of characters; None: no such model.
        bpe: Model of the pieces of a SentencePiece model; None: no such model.
        memory: Memory for KenLM's sorting, such as `1G` or `20%`.
        drop_leaks: Whether to leave out leaking lines of the further text instead of
            refusing them.
        allow_leaks: For each allowed kind of leak, the reason why it is acceptable.
    """

    word: NgramOptions | None = None
    char: NgramOptions | None = None
    bpe: NgramOptions | None = None
    memory: str = "1G"
    drop_leaks: bool = False
    allow_leaks: dict[str, str] = option(default_factory=dict, convert=drop_none)

    def __post_init__(self) -> None:
        """Check the kinds of leaks.

        Raises:
            ValueError: A kind is unknown.
        """
        check_names(self.allow_leaks, KINDS, "allow_leaks")

    @property
    def models(self) -> dict[str, NgramOptions]:
        """Return the options of the models to train, by unit."""
        found = {unit: getattr(self, unit) for unit in UNITS}
        return {unit: model for unit, model in found.items() if model is not None}


def read_options(path: str | Path) -> LmOptions:
    """Read a YAML such as conf/lm.yaml, on top of its `base`.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A key is unknown or a value is wrong.
    """
    options = read_dataclass(LmOptions, Path(path), see="conf/lm.yaml")
    if not options.models:
        raise ValueError(f"{path}: no model found, expected one of {', '.join(UNITS)}")
    return options


def read_allowed(path: str | Path) -> dict[str, str]:
    """Return `allow_leaks` of a YAML: reasons by kind of leak.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A key is unknown or a value is wrong.
    """
    return read_dataclass(LmOptions, Path(path), see="conf/lm.yaml").allow_leaks
