"""Measure models on the valid set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import SubReporter, WeightedAverage, aggregate
from espnet2.train.trainer import Trainer as EspnetTrainer

from hamzaban.weights.door import read_weights


def measure_file(
    file: Path,
    key: str,
    *,
    model: torch.nn.Module,
    factory: Any,
    options: Any,
    distributed_option: DistributedOption,
) -> float | None:
    """Return a metric of a model file on the valid set, as training measures it.

    Args:
        file: Model file of the run.
        key: Name of the metric, such as `wer`.
        model: Model of the run, without wrappers; it gets the weights of the file.
        factory: Builds the iterator over the valid set.
        options: Options of the trainer.
        distributed_option: The processes that share the valid set.

    Returns:
        The metric; None if the model does not report it, or if one process runs on
        several GPUs.
    """
    if options.ngpu > 1 and not distributed_option.distributed:
        return None
    model.load_state_dict(read_weights(file), strict=False)
    set_all_random_seed(options.seed)
    reporter = SubReporter("valid", 1, 0)
    EspnetTrainer.validate_one_epoch(
        model=model,
        iterator=factory.build_iter(1),
        reporter=reporter,
        options=options,
        distributed_option=distributed_option,
    )
    pool_ratios(reporter, getattr(model, "pooled_stats", {}))
    values = reporter.stats.get(key)
    return float(aggregate(values)) if values else None


def pool_ratios(
    reporter: SubReporter, ratios: Mapping[str, tuple[str, str]]
) -> dict[str, float]:
    """Report ratios of sums over all batches of a phase.

    Args:
        reporter: Holds the means of the terms over the utterances of each batch.
        ratios: {name: (numerator, denominator)}; the terms of an utterance are whole
            numbers, so rounding makes their sums exact.

    Returns:
        The reported ratios, without those whose denominator is zero or whose terms are
        missing.
    """
    pooled = {}
    for name, terms in ratios.items():
        if not all(term in reporter.stats for term in terms):
            continue
        sums = [
            round(sum(v.value * v.weight for v in reporter.stats[term] if v.weight))
            for term in terms
        ]
        if sums[1] == 0:
            continue
        pooled[name] = sums[0] / sums[1]
        empty = [WeightedAverage(np.nan, 0)] * (reporter.count - 1)
        reporter.stats[name] = [*empty, WeightedAverage(pooled[name], 1)]
    return pooled
