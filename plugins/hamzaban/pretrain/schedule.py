"""Learning rate of wav2vec 2.0 pretraining: linear rise, then polynomial decay."""

import torch
from espnet2.schedulers.abs_scheduler import AbsBatchStepScheduler
from torch.optim.lr_scheduler import LambdaLR


class PolynomialDecayLR(LambdaLR, AbsBatchStepScheduler):
    """Rise from 0 to the optimizer's rate, then fall to `end_scale` of it at the end.

    Baevski et al. 2020 (arXiv 2006.11477), section 4.2: warm-up over the first 8 % of
    the updates, then linear decay to 0.

    Args:
        optimizer: Optimizer whose rates are the largest ones.
        max_steps: Updates of the whole run.
        warmup_ratio: Share of them in which the rate rises, in 0..1.
        power: Exponent of the decay; 1 is linear.
        end_scale: Rate after `max_steps` relative to the largest.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        max_steps: int,
        warmup_ratio: float = 0.08,
        *,
        power: float = 1.0,
        end_scale: float = 0.0,
    ) -> None:
        """Check the values and set the first rate."""
        if max_steps < 1 or not 0 <= warmup_ratio <= 1:
            raise ValueError(
                f"scheduler_conf: max_steps {max_steps}, warmup_ratio {warmup_ratio}; "
                "expected at least 1, and a share in 0..1"
            )
        self.max_steps = max_steps
        self.warmup = max(round(max_steps * warmup_ratio), 1)
        self.power = power
        self.end_scale = end_scale
        super().__init__(optimizer, self.scale)

    def scale(self, step: int) -> float:
        """Return the factor of the rate for update `step`, counted from 0."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        left = max(self.max_steps - step, 0) / max(self.max_steps - self.warmup, 1)
        return self.end_scale + (1 - self.end_scale) * left**self.power
