"""Try values beyond a grid for options whose best value is at its end."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence

LOWEST = {"lm_weight": 0.0}  # values below make no sense
NOT_WIDENED = ("beam_size",)  # a larger beam is slower, and the user's choice


def find_beyond(
    grid: Mapping[str, Sequence[float]], best: Mapping[str, float], warns: bool = True
) -> dict[str, float]:
    """Return a value beyond the grid for each option whose best value is at its end.

    Args:
        grid: Values of each option, sorted. One value means that it is not tuned.
        best: The best value of each option.
        warns: Whether the log says what is tried.
    """
    new = {}
    for name, values in grid.items():
        if len(values) < 2 or name in NOT_WIDENED:
            continue
        value, is_high = best[name], best[name] == values[-1]
        if not is_high and value != values[0]:
            continue
        beyond = round(2 * value - (values[-2] if is_high else values[1]), 6)
        if beyond < LOWEST.get(name, beyond):
            continue
        new[name] = beyond
        if warns:
            logging.warning(
                "the best %s, %g, is the %s of its grid; %g is tried as well",
                name,
                value,
                "highest" if is_high else "lowest",
                beyond,
            )
    return new


def combine(grid: Mapping[str, Sequence[float]]) -> Iterator[dict[str, float]]:
    """Yield all combinations of the values of a grid, by the name of the option."""
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def list_beyond(
    grid: Mapping[str, Sequence[float]],
    new: Mapping[str, float],
    best: Mapping[str, float],
) -> Iterator[dict[str, float]]:
    """Yield points with a new value; the others are at most a step from the best."""
    near = {}
    for name, values in grid.items():
        place = list(values).index(best[name])
        near[name] = [*values[max(place - 1, 0) : place + 2]]
        if name in new:
            near[name].append(new[name])
    for point in combine(near):
        if any(point[name] == value for name, value in new.items()):
            yield point
