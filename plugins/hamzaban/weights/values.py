"""Check that the tensors of a file are finite, and no larger than the file."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_GROWTH = 2  # tied weights appear twice in the object and once in the file
_SLACK = 2**20  # bytes


def check_sizes(state: Any, path: str | Path) -> None:
    """Check that the tensors of a file are no larger than the file.

    A tensor may repeat one number without end; the first operation on it allocates all.

    Raises:
        ValueError: The tensors are larger.
    """
    total = sum(tensor.numel() * tensor.element_size() for tensor in _tensors(state))
    size = Path(path).stat().st_size
    if total > _GROWTH * size + _SLACK:
        raise ValueError(
            f"{path}: found {size} bytes that unpack to tensors of {total}, expected "
            "no more than the file has; save the weights again, each with .clone()"
        )


def check_finite(weights: Any, place: str | Path) -> None:
    """Check that parameters are tensors by name, finite, and not all zero.

    Args:
        weights: Parameters by name.
        place: Where they come from, for messages.

    Raises:
        ValueError: One is not a tensor or not finite, or all are zero.
    """
    if not isinstance(weights, Mapping) or not weights:
        found = "nothing" if isinstance(weights, Mapping) else type(weights).__name__
        raise ValueError(f"{place}: found {found}, expected parameters by name")
    others = [name for name, w in weights.items() if not isinstance(w, Tensor)]
    if others:
        kind = type(weights[others[0]]).__name__
        raise ValueError(
            f"{place}: {others[0]} is of type {kind}, expected a tensor; save the "
            "model's state_dict with torch.save"
        )
    bad = list_not_finite(weights)
    if bad:
        raise ValueError(
            f"{place}: {len(bad)} of {len(weights)} parameters are not finite, such as "
            f"{bad[0]}; the training that made them diverged: take an earlier model"
        )
    matrices = [w for w in weights.values() if w.is_floating_point() and w.dim() > 1]
    if matrices and not any(bool(w.any()) for w in matrices):
        raise ValueError(
            f"{place}: all weights are zero; the file was not written to its end, or "
            "the model never trained: copy it again, or take another"
        )


def list_not_finite(weights: Mapping[str, Any]) -> list[str]:
    """Return the names of parameters with a value that is not a finite number."""
    return [
        name
        for name, w in weights.items()
        if isinstance(w, Tensor) and w.is_floating_point() and not _is_finite(w)
    ]


def _is_finite(tensor: Tensor) -> bool:
    """Return whether all values are finite; a NaN is both least and greatest."""
    if not tensor.numel():
        return True
    return all(math.isfinite(end) for end in torch.aminmax(tensor.detach()))


def _tensors(state: Any) -> Iterator[Tensor]:
    """Yield all tensors inside dictionaries, lists and tuples, each object once."""
    seen: set[int] = set()
    todo = [state]
    while todo:
        value = todo.pop()
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, Mapping | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            todo += value.values() if isinstance(value, Mapping) else value
