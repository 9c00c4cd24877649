"""Detect the collapse of a pretraining run, with its reason and a remedy.

The contrastive task has trivial solutions. If the codebook collapses, targets are alike
and the loss means nothing; if the transformer cannot distinguish the targets, the loss
stays at the level of guessing. The statistics of the batches show both.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from espnet2.train.reporter import SubReporter, aggregate

from hamzaban.config import option, read_dataclass

WATCHED = ("loss_contrastive", "acc", "mask_share", "grad_norm", "code_perplexity")


@dataclasses.dataclass(frozen=True)
class DoctorOptions:
    """When a run is checked, and when it counts as collapsed.

    Attributes:
        interval: Updates between two checks; each check uses the means since the last.
        patience: Consecutive checks with an alarm after which training stops.
        warmup: Updates before which only values that are not finite are an alarm. For a
            continued model the best perplexity is recorded from the first check on.
        min_perplexity: Smallest perplexity of a codebook.
        max_fall: Largest share of its best perplexity that a codebook may lose.
        chance_margin: Nats by which the contrastive loss must stay below guessing.
        max_skipped: Consecutive updates without a finite gradient that stop training.
        max_forgetting: Largest rise of the loss on a probe above its first value, in
            nats; None: no limit.
    """

    interval: int = option(100, at_least=1)
    patience: int = option(5, at_least=1)
    warmup: int = 1000
    min_perplexity: float = 2.0
    max_fall: float = 0.8
    chance_margin: float = 0.02
    max_skipped: int = option(20, at_least=1)
    max_forgetting: float | None = None


class Alarm(NamedTuple):
    """A sign of collapse.

    Attributes:
        reason: What was found.
        remedy: What the user can do.
    """

    reason: str
    remedy: str


class CollapseError(ValueError):
    """Training was stopped because the run has collapsed."""


def read_doctor_options(values: Mapping[str, Any]) -> DoctorOptions:
    """Read `doctor_conf`.

    Raises:
        ValueError: A key is unknown or a value is wrong.
    """
    return read_dataclass(DoctorOptions, values, "doctor_conf")


def summarize(reporter: SubReporter, window: int) -> dict[str, float]:
    """Return the means of the watched statistics over the last batches.

    Args:
        reporter: Statistics of an epoch.
        window: Largest number of batches.

    Returns:
        Means over the finite values, by name.
    """
    means = {}
    for name, values in reporter.stats.items():
        last = [v for v in values[-window:] if np.isfinite(v.value)]
        if name.startswith(WATCHED) and last:
            means[name] = float(aggregate(last))
    return means


def remember(means: Mapping[str, float], best: dict[str, float]) -> None:
    """Record the largest perplexity of each codebook.

    Args:
        means: The means from `summarize`.
        best: Largest perplexity so far by name; updated.
    """
    for name, value in means.items():
        if name.startswith("code_perplexity"):
            best[name] = max(best.get(name, value), value)


def examine(
    means: Mapping[str, float],
    best: dict[str, float],
    options: DoctorOptions,
    num_negatives: int,
) -> list[Alarm]:
    """Check for signs of collapse.

    Args:
        means: The means from `summarize`.
        best: Largest perplexity of each codebook so far; updated.
        options: The limits.
        num_negatives: Negatives of a masked frame, K.

    Returns:
        The alarms; empty for a healthy run.
    """
    alarms = []
    remember(means, best)
    for name, value in means.items():
        if name.startswith("code_perplexity"):
            lowest = (1 - options.max_fall) * best[name]
            if value < max(options.min_perplexity, lowest):
                alarms.append(_describe_fall(name, value, best[name]))
    chance = math.log(num_negatives + 1)
    loss = means.get("loss_contrastive", 0.0)
    if loss > chance - options.chance_margin:
        alarms.append(
            Alarm(
                f"loss_contrastive is {loss:.3f}, not below that of guessing among "
                f"{num_negatives + 1} (ln = {chance:.3f}): nothing is learnt",
                "lower the learning rate or warm up longer; check the audio (silence, "
                "channels) and that task_cfg.normalize is that of the checkpoint",
            )
        )
    return alarms


def _describe_fall(name: str, value: float, best: float) -> Alarm:
    return Alarm(
        f"{name} is {value:.2f} after {best:.2f} at best: the codebook collapses",
        "lower the learning rate, raise the first of loss_weights (diversity), start "
        "latent_temp where the checkpoint ended; with little audio set spectral_weight",
    )


def examine_probes(
    values: Mapping[str, float], baseline: Mapping[str, float], limit: float | None
) -> list[Alarm]:
    """Compare the loss on fixed probes with the loss before training.

    Args:
        values: Current loss on each probe, in nats, by name.
        baseline: Loss on each probe before the first update.
        limit: Largest rise without an alarm, in nats; None: no limit.

    Returns:
        An alarm for each probe whose loss rose by more than `limit`.
    """
    return [
        Alarm(
            f"loss on probe '{name}' rose from {baseline[name]:.3f} to {value:.3f}: "
            "the model forgets",
            "raise replay_share, lower the learning rate, or train less",
        )
        for name, value in values.items()
        if limit is not None and name in baseline and value > baseline[name] + limit
    ]
