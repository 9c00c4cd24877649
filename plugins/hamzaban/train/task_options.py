"""The options that our tasks add to those of ESPnet2, and values computed from them."""

import argparse
import importlib.util
import logging
import math
from collections.abc import Callable

from espnet2.train.distributed_utils import get_rank, get_world_size
from espnet2.utils.types import int_or_none, str_or_none

from hamzaban.cli import finite_float

FS = 16000
DTYPES = ("bfloat16",)  # float16 would need scaling of the loss


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options to the parser of a task."""
    add = parser.add_argument_group("hamzaban").add_argument
    add(
        "--save_interval",
        type=int,
        default=0,
        help="updates between two writes of partial.pth, from which a run resumes in "
        "mid-epoch; 0: never",
    )
    add(
        "--max_updates",
        type=int_or_none,
        default=None,
        help="updates after which training ends; max_epoch is computed from it",
    )
    add(
        "--batch_hours",
        type=finite_float,
        default=None,
        help="hours of audio per update, from which accum_grad is computed; "
        "batch_bins is then the batch of one GPU",
    )
    add(
        "--autocast_dtype",
        type=str_or_none,
        default=None,
        help="bfloat16: compute matrix products in bfloat16; weights stay float32",
    )


def check_loggers(args: argparse.Namespace) -> None:
    """Check that Weights & Biases is installed if the options ask for it.

    Raises:
        ValueError: It is not.
    """
    if getattr(args, "use_wandb", False) and importlib.util.find_spec("wandb") is None:
        raise ValueError(
            "--use_wandb true: the package wandb is not installed; call pip install "
            "wandb, or leave the option out (TensorBoard needs nothing more)"
        )


def world_size(args: argparse.Namespace) -> int:
    """Return the number of processes, or of GPUs, that share a batch."""
    if getattr(args, "distributed", False):
        return get_world_size(args.dist_world_size, args.dist_launcher)
    return max(getattr(args, "ngpu", 1), 1)


def is_first(args: argparse.Namespace) -> bool:
    """Return whether this process writes the files of a run."""
    if not getattr(args, "distributed", False):
        return True
    return not get_rank(args.dist_rank, args.dist_launcher)


def fill_batch_hours(
    args: argparse.Namespace, measure: Callable[[], tuple[int, int]]
) -> None:
    """Set `accum_grad` so that an update sees `batch_hours` of audio.

    `batch_bins` is first multiplied by the number of GPUs, since ESPnet2 divides a
    batch among them. `num_iters_per_epoch`, if not set, becomes a multiple of
    `accum_grad`; the batches left over come in the next epoch.

    Args:
        args: Options of a task; changed, with `batch_hours` set to None.
        measure: Returns the number of batches of an epoch, and their samples.

    Raises:
        ValueError: The hours are not positive, or more than an epoch has.
    """
    hours = getattr(args, "batch_hours", None)
    if hours is None:
        return
    if hours <= 0:
        raise ValueError(f"batch_hours is {hours}, expected more than 0; correct it")
    args.batch_bins *= world_size(args)
    num_batches, samples = measure()
    mean = samples / num_batches / FS / 3600
    args.accum_grad = max(round(hours / mean), 1)
    iters = args.num_iters_per_epoch
    if args.accum_grad > (num_batches if iters is None else iters):
        raise ValueError(
            f"batch_hours is {hours}, but the data have {samples / FS / 3600:.2f} h, "
            "so an epoch would end before its first update; lower batch_hours, or set "
            f"num_iters_per_epoch to {args.accum_grad} or more"
        )
    if iters is None:
        args.num_iters_per_epoch = num_batches // args.accum_grad * args.accum_grad
    logging.info(
        f"accum_grad = {args.accum_grad}: {mean * args.accum_grad:.3f} h of audio "
        f"per update on {world_size(args)} processes, batch_bins {args.batch_bins}"
    )
    args.batch_hours = None


def fill_max_epoch(args: argparse.Namespace, num_batches: int) -> None:
    """Set `max_epoch` to the epoch in which `max_updates` is reached, if it is set.

    Raises:
        ValueError: `max_updates` is not positive, or an epoch has no update.
    """
    limit = getattr(args, "max_updates", None)
    if limit is None:
        return
    if limit < 1:
        raise ValueError(f"max_updates is {limit}, expected 1 or more; correct it")
    an_epoch = num_batches // args.accum_grad
    if an_epoch < 1:
        raise ValueError(
            f"accum_grad is {args.accum_grad}, but an epoch has {num_batches} batches; "
            "lower accum_grad or batch_hours, or set num_iters_per_epoch"
        )
    args.max_epoch = math.ceil(limit / an_epoch)
    logging.info(f"max_epoch = {args.max_epoch}: {an_epoch} updates per epoch")
