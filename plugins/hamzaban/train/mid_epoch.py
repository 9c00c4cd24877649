"""Save and restore a run in the middle of an epoch: `partial.pth`.

ESPnet writes checkpoint.pth when an epoch ends. An epoch of thousands of hours lasts
days, so our trainer also writes partial.pth every `save_interval` updates.
"""

import hashlib
import logging
import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from espnet2.train.reporter import Average, SubReporter, WeightedAverage

from hamzaban.train import checkpoints
from hamzaban.train.divergence import check_model

NAME = "partial.pth"


class Run(NamedTuple):
    """The parts of a run that change while it trains.

    Attributes:
        model: The model without wrappers.
        optimizers: Its optimizers.
        schedulers: A scheduler or None for each optimizer.
        scaler: The scaler of losses in half precision, or None.
        reporter: Statistics of the epoch.
    """

    model: torch.nn.Module
    optimizers: Any
    schedulers: Any
    scaler: Any
    reporter: SubReporter


def hash_batches(iterator: Any, accum_grad: int) -> str:
    """Return a hash of the utterances in the batches of an epoch, and their order.

    Args:
        iterator: The batches of an epoch, or several kinds of them in `parts`.
        accum_grad: Number of batches of an update.
    """
    digest = hashlib.sha256(str(accum_grad).encode())
    for part in getattr(iterator, "parts", (iterator,)):
        digest.update(b"\n\n")
        for batch in part.batches:
            digest.update("\t".join([*map(str, batch), "\n"]).encode())
    return digest.hexdigest()


def save_partial(output_dir: Path, run: Run, num_batches: int, digest: str) -> None:
    """Write partial.pth; all processes of a distributed run call this together.

    Args:
        output_dir: Folder of the run.
        run: The run, between two updates.
        num_batches: Number of batches of this epoch that are done.
        digest: From `hash_batches`.

    Raises:
        DivergedError: The model is not finite.
    """
    check_model(run.model, run.reporter.get_epoch())
    mine = {"rng": get_rng(), "stats": pack_stats(run.reporter), "batches": digest}
    ranks = _gather(mine)
    if not is_first():
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


def load_partial(
    output_dir: Path, run: Run, rank: int, digest: str
) -> tuple[int, Any] | None:
    """Restore partial.pth if it belongs to the epoch that starts.

    All processes of a distributed run call this together.

    Args:
        output_dir: Folder of the run.
        run: The run to restore.
        rank: Number of this process.
        digest: From `hash_batches`.

    Returns:
        The number of batches that are done, and the state of the random generators for
        `set_rng`; None if there is nothing to restore.
    """
    path = output_dir / NAME
    if not path.is_file():
        return None
    epoch = run.reporter.get_epoch()
    state = _read_state(path, epoch, digest)
    if state is None:
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
    logging.info(f"Resuming epoch {epoch} after {num_batches} batches from {path}")
    return num_batches, state["ranks"][rank]["rng"]


def _read_state(path: Path, epoch: int, digest: str) -> dict[str, Any] | None:
    """Read partial.pth; log the reason and return None if it cannot be used."""
    try:
        state = checkpoints.load_checkpoint(path)
    except ValueError as error:
        logging.warning(f"{error}: the epoch starts at its beginning")
        return None
    if state["epoch"] < epoch:
        return None  # that epoch has ended
    reason = _check_state(state, epoch, digest)
    if reason is not None:
        logging.warning(f"{path} is {reason}; the epoch starts at its beginning")
        return None
    return state


def _check_state(state: dict[str, Any], epoch: int, digest: str) -> str | None:
    """Return the reason for which the state cannot be resumed; None if it can."""
    size = _world_size()
    if state["epoch"] != epoch or len(state["ranks"]) != size:
        return (
            f"of epoch {state['epoch']} and {len(state['ranks'])} processes, "
            f"not of epoch {epoch} and {size}"
        )
    before = [rank.get("batches") for rank in state["ranks"]]
    if before != _gather(digest):
        return (
            f"of other batches of epoch {epoch} than those now, since batch_bins, "
            "accum_grad, seed or data differ: some would be skipped, others used twice"
        )
    return None


def get_rng() -> dict[str, Any]:
    """Return the states of all random generators as plain values and tensors."""
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
    """Restore the states that `get_rng` returned."""
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    keys, *rest = state["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(state["cuda"])


def pack_stats(reporter: SubReporter) -> dict[str, Any]:
    """Return the statistics of an unfinished epoch as plain values."""
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
    """Fill a reporter with the statistics that `pack_stats` returned."""
    for name, values in packed["stats"].items():
        reporter.stats[name] = [
            Average(*v) if len(v) == 1 else WeightedAverage(*v) for v in values
        ]
    reporter.count, reporter.total_count = packed["count"], packed["total_count"]


def _world_size() -> int:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size()
    return 1


def is_first() -> bool:
    """Return whether this process is the only or the first one of a run."""
    return _world_size() == 1 or torch.distributed.get_rank() == 0


def _gather(value: Any) -> list:
    """Return the values of all processes."""
    values: list[Any] = [value] * _world_size()
    if len(values) > 1:
        torch.distributed.all_gather_object(values, value)
    return values
