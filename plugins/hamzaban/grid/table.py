"""Error rates of the cells of a grid: means over repeats, ranks, tests."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hamzaban.grid.cells import DONE, State, Task
from hamzaban.grid.definition import Grid
from hamzaban.score.rank_tests import (
    ConoverIman,
    KruskalWallis,
    conover_iman,
    kruskal_wallis,
    rank_values,
)
from hamzaban.score.results import NOT_STATED, read_result


class Score(NamedTuple):
    """The content of result.txt: errors, tokens of the references, normalizer."""

    errors: int
    tokens: int
    normalizer: str

    @property
    def rate(self) -> float:
        """Errors in percent of the tokens."""
        return 100 * self.errors / self.tokens


class Cell(NamedTuple):
    """A cell: its place on the three axes, its state, and its score if it is done."""

    compared: str
    condition: str
    repeat: str
    state: State
    score: Score | None
    task: Task


@dataclass(frozen=True)
class Table:
    """The cells of a grid and statistics over them.

    Attributes:
        compared, conditions, repeats: The values of the axes in each role; the names of
            several axes are joined by a space.
        metric: The error rate, such as `cer`.
        cells: All cells.
    """

    compared: Sequence[str]
    conditions: Sequence[str]
    repeats: Sequence[str]
    metric: str
    cells: Sequence[Cell]

    def at(self, compared: str, condition: str) -> list[Cell]:
        """Return the repeats of a compared value in a condition."""
        return [c for c in self.cells if c[:2] == (compared, condition)]

    def rates(self, compared: str, condition: str) -> list[float]:
        """Return the rates in percent of the repeats that are done there."""
        return [c.score.rate for c in self.at(compared, condition) if c.score]

    def mean(self, compared: str, condition: str) -> float:
        """Return the mean of these rates; NaN if there are none."""
        rates = self.rates(compared, condition)
        return statistics.fmean(rates) if rates else math.nan

    def ranks(self, condition: str) -> dict[str, float]:
        """Return the rank of each compared value with a rate; 1 is the lowest mean."""
        means = {name: self.mean(name, condition) for name in self.compared}
        known = [name for name in means if not math.isnan(means[name])]
        ranks = rank_values([means[name] for name in known]) if known else []
        return dict(zip(known, ranks, strict=True))

    def complete(self) -> list[str]:
        """Return the conditions in which every compared value has a rate."""
        return [c for c in self.conditions if len(self.ranks(c)) == len(self.compared)]

    def mean_ranks(self) -> dict[str, float]:
        """Return the mean of the ranks over the complete conditions, if any."""
        complete = self.complete()
        if not complete:
            return {}
        ranks = [self.ranks(condition) for condition in complete]
        return {n: statistics.fmean(r[n] for r in ranks) for n in self.compared}

    def by_rank(self) -> list[str]:
        """Return the compared values, best first; without ranks, as in the YAML."""
        ranks = self.mean_ranks()
        return sorted(self.compared, key=lambda name: ranks.get(name, 0.0))


class Tests(NamedTuple):
    """Kruskal-Wallis, Conover-Iman, and the names of the groups."""

    names: Sequence[str]
    all_groups: KruskalWallis
    pairs: ConoverIman


def make_table(grid: Grid, found: Sequence[tuple[Task, State]]) -> Table:
    """Read the scores of the cells that are done."""
    roles = (grid.compared, grid.conditions, grid.repeats)
    cells = []
    for task, state in found:
        score = read_score(task.step.outputs[0]) if state.name == DONE else None
        one, two, three = (" ".join(task.names[a] for a in axes) for axes in roles)
        cells.append(Cell(one, two, three, state, score, task))
    compared, conditions, repeats = (
        [" ".join(names) for names in itertools.product(*(grid.axes[a] for a in axes))]
        for axes in roles
    )
    return Table(compared, conditions, repeats, grid.metric, cells)


def read_score(path: Path) -> Score:
    """Read the counts of a result.txt, which are exact, unlike its percentages.

    Raises:
        ValueError: It holds no line of sums, or no token was scored.
    """
    result = read_result(path)
    with open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            words = line.replace("|", " ").split()
            if words[:1] == ["Sum"] and len(words) == 9:
                errors, tokens = int(words[7]), int(words[2])
                break
        else:
            raise ValueError(f"{path}: holds no line of sums; score this set again")
    if tokens == 0:
        raise ValueError(f"{path}: no token in the references; look at the test set")
    return Score(errors, tokens, result.normalizer)


def compare_in(table: Table, condition: str) -> Tests | None:
    """Test the differences within a condition; None if repeats are too few.

    Each compared value is a group; the error rates of its repeats are observations.
    """
    return _test({n: table.rates(n, condition) for n in table.compared})


def compare_all(table: Table) -> Tests | None:
    """Test the differences over all complete conditions; None if repeats are too few.

    Error rates differ more between conditions than between compared values. An
    observation is therefore the rank of a repeat within its condition, divided by the
    number of repeats there.
    """
    groups: dict[str, list[float]] = {name: [] for name in table.by_rank()}
    for condition in table.complete():
        rates = [(n, rate) for n in groups for rate in table.rates(n, condition)]
        ranks = rank_values([rate for _, rate in rates])
        for (name, _), rank in zip(rates, ranks, strict=True):
            groups[name].append((rank - 0.5) / len(rates))
    return _test(groups)


def _test(groups: Mapping[str, Sequence[float]]) -> Tests | None:
    known = {name: rates for name, rates in groups.items() if rates}
    values = list(known.values())
    if len(known) < 2 or sum(map(len, values)) <= len(known):
        return None
    return Tests(list(known), kruskal_wallis(values), conover_iman(values))


def list_normalizers(table: Table, condition: str) -> list[str]:
    """Return the ids of the normalizers that the scores of a condition name."""
    cells = [c for c in table.cells if c.condition == condition and c.score]
    return sorted({c.score.normalizer if c.score else NOT_STATED for c in cells})
