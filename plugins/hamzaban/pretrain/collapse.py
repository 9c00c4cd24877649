"""Is a pretraining run well? Signs of collapse, with their reason and remedy.

The contrastive task is easily cheated: when the codebook falls together, targets are
alike and the loss says nothing; when the transformer stops telling targets apart, the
loss stays at that of guessing. Both show in numbers that each batch gives.
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
    """When a run is looked at and when it is ill.

    Attributes:
        interval: Updates between two looks; each sees the means since the last.
        patience: Looks in a row with an alarm after which training stops.
        warmup: Updates before which nothing but numbers that are none is an alarm;
            what a continued model's codebooks are worth is remembered from the first.
        min_perplexity: Smallest perplexity of a codebook.
        max_fall: Largest share of its best perplexity that a codebook may lose.
        chance_margin: Nats below the loss of guessing from which on it is an alarm.
        max_skipped: Updates in a row without a finite gradient that stop training.
        max_forgetting: Nats that the loss on a probe may rise above where it began;
            None: any.
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
    """A sign of illness.

    Attributes:
        reason: What was found.
        remedy: What to do.
    """

    reason: str
    remedy: str


class CollapseError(ValueError):
    """Training was stopped because the run is ill beyond patience."""


def read_doctor_options(values: Mapping[str, Any]) -> DoctorOptions:
    """Read `doctor_conf`.

    Raises:
        ValueError: A key is unknown or a value is wrong.
    """
    return read_dataclass(DoctorOptions, values, "doctor_conf")


def summarize(reporter: SubReporter, window: int) -> dict[str, float]:
    """Give the means of the watched statistics over the last batches.

    Args:
        reporter: Statistics of an epoch.
        window: Batches, at most.

    Returns:
        Means of what is there and finite.
    """
    means = {}
    for name, values in reporter.stats.items():
        last = [v for v in values[-window:] if np.isfinite(v.value)]
        if name.startswith(WATCHED) and last:
            means[name] = float(aggregate(last))
    return means


def remember(means: Mapping[str, float], best: dict[str, float]) -> None:
    """Keep the largest perplexity of each codebook.

    Args:
        means: From `summarize`.
        best: Largest perplexity seen before; updated.
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
    """Look for signs of collapse.

    Args:
        means: From `summarize`.
        best: Largest perplexity seen of each codebook; updated.
        options: What is ill.
        num_negatives: Negatives of a masked frame, K.

    Returns:
        The alarms, none for a healthy run.
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
                "lower the learning rate or warm up longer, look at the audio "
                "(silence, one channel, task_cfg.normalize as in the checkpoint)",
            )
        )
    return alarms


def _describe_fall(name: str, value: float, best: float) -> Alarm:
    return Alarm(
        f"{name} is {value:.2f} after {best:.2f} at best: the codebook falls together",
        "lower the learning rate, raise the first of loss_weights (diversity), start "
        "latent_temp where the checkpoint ended; with little audio set spectral_weight",
    )


def examine_probes(
    values: Mapping[str, float], baseline: Mapping[str, float], limit: float | None
) -> list[Alarm]:
    """Compare the loss on fixed probes with that before training.

    Args:
        values: Loss on each probe now, in nats, by name.
        baseline: The same before the first update.
        limit: Rise that is an alarm, in nats; None: none is.

    Returns:
        An alarm for each probe that is forgotten.
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
