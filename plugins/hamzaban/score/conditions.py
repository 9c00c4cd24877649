"""Error rates of a test set by condition, compared with the set without noise."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hamzaban.audio.conditions import Conditions
from hamzaban.score.analysis import format_bounds
from hamzaban.score.bootstrap import (
    Plan,
    choose_unit,
    compute_interval,
    draw_rates,
    sum_groups,
)
from hamzaban.score.sclite import Scored
from hamzaban.score.systems import read_folder, read_normalizer
from hamzaban.score.trn import get_speaker

CLEAN = "clean"
_HEAD = (
    *("set", "condition", "utterances", "tokens", "errors", "rate, %", "95 %"),
    *("increase over clean", "95 %"),
)


@dataclass(frozen=True)
class Row:
    """The result of a set under a condition.

    Attributes:
        name: Name of the set.
        condition: Name of the condition, `clean` for the set itself.
        num_utterances: Number of utterances.
        num_tokens: Number of reference tokens.
        errors: Number of errors.
        interval: Interval of the error rate, as shares; None with fewer than two units.
        increase: Error rate minus that of the clean set.
        increase_interval: Interval of the increase; the same utterances are drawn from
            both sets.
    """

    name: str
    condition: str
    num_utterances: int
    num_tokens: int
    errors: int
    interval: tuple[float, float] | None
    increase: float
    increase_interval: tuple[float, float] | None


def compare_conditions(
    decoded: Path, conditions: Conditions, kind: str, plan: Plan
) -> tuple[str, list[Row]]:
    """Return the error rates of sets and of their copies under conditions.

    Args:
        decoded: Folder of the decoded sets, such as exp/asr_x/decode.
        conditions: Conditions that make-conditions reads.
        kind: A name of `KINDS`.
        plan: Plan of the bootstrap for intervals; it draws speakers if there are 20.

    Returns:
        The id of the text normalizer, and a row for each set and condition.

    Raises:
        FileNotFoundError: A set is not scored.
        ValueError: Utterances or normalizers of a set and its copy differ.
    """
    rows, normalizers = [], set()
    for name in conditions.sets:
        copies = {CLEAN: name, **conditions.name_copies(name)}
        clean: Scored | None = None
        for condition, copy in copies.items():
            folder = decoded / copy / f"score_{kind}"
            if not (folder / "ref.trn").is_file():
                raise FileNotFoundError(
                    f"{folder}/ref.trn: no such file; name {copy} in --test_sets and "
                    "run the stages audio, decode and score"
                )
            scored = read_folder(folder)
            normalizers.add(read_normalizer(folder))
            clean = scored if clean is None else clean
            _check_same(folder, clean, scored)
            rows.append(_make_row(name, condition, clean, scored, plan))
    if len(normalizers) > 1:
        found = ", ".join(sorted(normalizers))
        raise ValueError(
            f"{decoded}: scored with normalizers {found}, expected one; score all "
            "sets again"
        )
    return normalizers.pop(), rows


def _check_same(folder: Path, clean: Scored, scored: Scored) -> None:
    if list(clean.trn_ids) != list(scored.trn_ids):
        only = sorted(set(clean.trn_ids) ^ set(scored.trn_ids))
        raise ValueError(
            f"{folder}: its utterances are not those of the clean set"
            f"{': ' + only[0] if only else ''}; make, decode and score it again"
        )


def _make_row(
    name: str, condition: str, clean: Scored, scored: Scored, plan: Plan
) -> Row:
    sizes = scored.counts[:, :3].sum(axis=1)  # (U,)
    errors = [x.counts[:, 1:].sum(axis=1) for x in (clean, scored)]
    table = np.column_stack([*errors, sizes])  # (U, 3)
    speakers = [get_speaker(trn_id) for trn_id in scored.trn_ids]
    units: Sequence[Hashable] = range(len(table))
    if choose_unit("auto", speakers) == "speaker":
        units = speakers
    table = sum_groups(table, units)
    interval, more = None, None
    if (table[:, 2] > 0).sum() >= 2:
        rates = draw_rates(table[:, :2], table[:, 2], plan)  # (replicates, 2)
        interval = compute_interval(rates[:, 1], plan)
        more = compute_interval(rates[:, 1] - rates[:, 0], plan)
    total = max(1, int(sizes.sum()))
    was, now = (int(e.sum()) for e in errors)
    counts = (len(sizes), int(sizes.sum()), now)
    return Row(name, condition, *counts, interval, (now - was) / total, more)


def format_conditions(kind: str, normalizer: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield rows as a table in Markdown."""
    yield f"{kind.upper()} by condition, normalizer `{normalizer}`"
    yield ""
    yield f"| {' | '.join(_HEAD)} |"
    yield "|" + "---|" * len(_HEAD)
    for row in rows:
        rate = f"{100 * row.errors / max(1, row.num_tokens):.2f}"
        cells = [row.name, row.condition, row.num_utterances, row.num_tokens]
        cells += [row.errors, rate, format_bounds(row.interval)]
        if row.condition != CLEAN:
            cells += [
                f"{100 * row.increase:+.2f}",
                format_bounds(row.increase_interval),
            ]
        else:
            cells += ["", ""]
        yield f"| {' | '.join(map(str, cells))} |"
