"""The state of a run in the middle of an epoch: `partial.pth`.

ESPnet writes checkpoint.pth when an epoch ends. An epoch of thousands of hours lasts
days, so our trainer writes this file every `save_interval` updates beside it.
"""

import logging
import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from espnet2.train.reporter import Average, SubReporter, WeightedAverage

from hamzaban.train import checkpoints

NAME = "partial.pth"


class Run(NamedTuple):
    """What of a run changes while it trains.

    Attributes:
        model: The bare model.
        optimizers: Its optimizers.
        schedulers: One for each optimizer, or None in its place.
        scaler: Scales losses in half precision, or None.
        reporter: Statistics of the epoch.
    """

    model: torch.nn.Module
    optimizers: Any
    schedulers: Any
    scaler: Any
    reporter: SubReporter


def save_partial(output_dir: Path, run: Run, num_batches: int) -> None:
    """Write partial.pth; all processes of a distributed run call this together.

    Args:
        output_dir: Folder of the run.
        run: Its state between two updates.
        num_batches: Batches of this epoch that are done.
    """
    ranks = _gather({"rng": get_rng(), "stats": pack_stats(run.reporter)})
    if ranks is None:
        return
    state = {
        "epoch": run.reporter.get_epoch(),
        "num_batches": num_batches,
        "model": run.model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in run.optimizers],
        "schedulers": [s.state_dict() if s else None for s in run.schedulers],
        "scaler": run.scaler.state_dict() if run.scaler else None,
        "ranks": ranks,
    }
    checkpoints.save(state, output_dir / NAME)


def load_partial(output_dir: Path, run: Run, rank: int) -> tuple[int, Any] | None:
    """Take up partial.pth if it belongs to the epoch that begins.

    Args:
        output_dir: Folder of the run.
        run: What is filled.
        rank: Number of this process.

    Returns:
        The batches that are done and the state of the random generators for `set_rng`;
        None if there is nothing to take up.
    """
    path = output_dir / NAME
    if not path.is_file():
        return None
    state = checkpoints.load_checkpoint(path)
    epoch, size = run.reporter.get_epoch(), _world_size()
    if state["epoch"] < epoch:
        return None  # of an epoch that has ended
    if state["epoch"] != epoch or len(state["ranks"]) != size:
        logging.warning(
            f"{path} is of epoch {state['epoch']} and {len(state['ranks'])} processes, "
            f"not of epoch {epoch} and {size}; the epoch starts at its beginning"
        )
        return None
    run.model.load_state_dict(state["model"])
    for optimizer, stored in zip(run.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(stored)
    for scheduler, stored in zip(run.schedulers, state["schedulers"], strict=True):
        if scheduler is not None:
            scheduler.load_state_dict(stored)
    if run.scaler is not None and state["scaler"] is not None:
        run.scaler.load_state_dict(state["scaler"])
    unpack_stats(run.reporter, state["ranks"][rank]["stats"])
    num_batches = state["num_batches"]
    logging.info(f"Going on with epoch {epoch} after {num_batches} batches: {path}")
    return num_batches, state["ranks"][rank]["rng"]


def get_rng() -> dict[str, Any]:
    """Give the states of all random generators as plain values and tensors."""
    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    state = {
        "python": random.getstate(),
        "numpy": (
            torch.from_numpy(np.asarray(keys, dtype=np.int64)),
            int(position),
            int(has_gauss),
            float(gauss),
        ),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_rng(state: dict[str, Any]) -> None:
    """Put back what `get_rng` gave."""
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    keys, *rest = state["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(state["cuda"])


def pack_stats(reporter: SubReporter) -> dict[str, Any]:
    """Give the statistics of an unfinished epoch as plain values."""
    stats = {
        name: [
            (v.value, v.weight) if isinstance(v, WeightedAverage) else (v.value,)
            for v in values
        ]
        for name, values in reporter.stats.items()
    }
    return {
        "stats": stats,
        "count": reporter.count,
        "total_count": reporter.total_count,
    }


def unpack_stats(reporter: SubReporter, packed: dict[str, Any]) -> None:
    """Fill a reporter with what `pack_stats` gave."""
    for name, values in packed["stats"].items():
        reporter.stats[name] = [
            Average(*v) if len(v) == 1 else WeightedAverage(*v) for v in values
        ]
    reporter.count, reporter.total_count = packed["count"], packed["total_count"]


def _world_size() -> int:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size()
    return 1


def _gather(value: Any) -> list | None:
    """Give the values of all processes to the first; None to the others."""
    if _world_size() == 1:
        return [value]
    values: list[Any] = [None] * _world_size()
    torch.distributed.all_gather_object(values, value)
    return values if torch.distributed.get_rank() == 0 else None
