"""A teacher whose weights follow those of the model slowly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Teacher:
    """An exponential moving average of the weights that are trained.

    After each update, average = decay * average + (1 - decay) * weight. For labelling,
    the averages are put into the model itself, so no second model is needed.

    Attributes:
        weights: The averages, by the names of the parameters.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Start from the weights of the model.

        Args:
            model: The model; its trained parameters are averaged.
            decay: Share of the old average that is kept, between 0 and 1.
        """
        self.decay = decay
        self.weights = {
            name: weight.detach().clone() for name, weight in _trained(model).items()
        }

    @torch.no_grad()
    def follow(self, model: nn.Module) -> None:
        """Update the averages after an update of the model."""
        for name, weight in _trained(model).items():
            self.weights[name].lerp_(weight.detach(), 1 - self.decay)

    @contextmanager
    def stand_in(self, model: nn.Module) -> Iterator[None]:
        """Replace the weights of the model by the averages inside the `with` block."""
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    def set_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Restore the averages of a run that is resumed.

        Raises:
            ValueError: They belong to another model.
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
