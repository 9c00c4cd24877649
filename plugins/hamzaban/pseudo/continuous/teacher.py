"""A teacher whose weights follow those of the model slowly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Teacher:
    """An exponential moving average of the weights that are trained.

    After each update, average = decay * average + (1 - decay) * weight. Labels are
    made with the averages standing in the model itself, which so needs no copy of its
    code.

    Attributes:
        weights: The averages, by the names of the parameters.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Begin with the weights of the model.

        Args:
            model: Its parameters with a gradient are averaged.
            decay: Above 0, under 1.
        """
        self.decay = decay
        self.weights = {
            name: weight.detach().clone() for name, weight in _trained(model).items()
        }

    @torch.no_grad()
    def follow(self, model: nn.Module) -> None:
        """Take the weights after an update in."""
        for name, weight in _trained(model).items():
            self.weights[name].lerp_(weight.detach(), 1 - self.decay)

    @contextmanager
    def stand_in(self, model: nn.Module) -> Iterator[None]:
        """Put the averages in the place of the model's weights; put them back."""
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    def set_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Take the averages of a run that goes on.

        Raises:
            ValueError: They are another model's.
        """
        if set(weights) != set(self.weights):
            raise ValueError(
                "the teacher's weights are of another model; train into another "
                "--output_dir"
            )
        for name, weight in weights.items():
            self.weights[name].copy_(weight)

    def _swap(self, model: nn.Module) -> None:
        for name, weight in _trained(model).items():
            weight.data, self.weights[name] = self.weights[name], weight.data


def _trained(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: w for name, w in model.named_parameters() if w.requires_grad}
