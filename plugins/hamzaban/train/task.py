"""What our ESPnet2 tasks share: a schedule that fits the data, freezing checked."""

import argparse
import difflib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hamzaban.train.trainer import Trainer


class TaskMixin:
    """Mix-in for an ESPnet2 task, to stand before it: `class Our(TaskMixin, AbsTask)`.

    It trains with our `Trainer`, computes `scheduler_conf.max_steps` of the tri-stage
    schedule from the data where the config has none, and refuses a `freeze_param` that
    names no parameter (ESPnet ignores it and trains everything).
    """

    trainer = Trainer

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Train or collect statistics in this process, as ESPnet2's method."""
        if not (args.collect_stats or args.dry_run):
            fill_max_steps(args)
        super().main_worker(args)  # type: ignore[misc]

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> Any:
        """Build the model and check that each prefix of `freeze_param` is in it."""
        model = super().build_model(args)  # type: ignore[misc]
        names = [name for name, _ in model.named_parameters()]
        check_prefixes(names, getattr(args, "freeze_param", None) or [])
        return model


def check_prefixes(
    names: Iterable[str], prefixes: Iterable[str], option: str = "freeze_param"
) -> None:
    """Check that each prefix selects at least one parameter.

    Args:
        names: All parameter names of a model, dotted.
        prefixes: Selectors; one matches the name equal to it and those below it.
        option: Where they come from, for the message.

    Raises:
        ValueError: If a prefix matches nothing; names what is near.
    """
    parts = [name.split(".") for name in names]
    known = sorted({".".join(p[:n]) for p in parts for n in range(1, len(p) + 1)})
    for prefix in prefixes:
        if prefix in known:
            continue
        last = prefix.rsplit(".", 1)[-1]
        near = [name for name in known if name.rsplit(".", 1)[-1] == last][:5]
        near = near or difflib.get_close_matches(prefix, known, 5, 0.4)
        hint = ", ".join(near) or ", ".join(sorted({p[0] for p in parts}))
        raise ValueError(
            f"{option}: '{prefix}' matches no parameter of the model; near: {hint}"
        )


def fill_max_steps(args: argparse.Namespace) -> None:
    """Set `max_steps` of each tri-stage schedule that has none, from the data.

    Args:
        args: Options of an ESPnet2 task; scheduler*_conf is changed.

    Raises:
        ValueError: If the number of batches of an epoch cannot be told.
    """
    for key in [k for k in vars(args) if k.startswith("scheduler")]:
        conf = getattr(args, f"{key}_conf", None)
        if getattr(args, key) != "tristagelr" or "max_steps" in (conf or {}):
            continue
        batches = count_batches(args)
        steps = max(batches // args.accum_grad, 1) * args.max_epoch
        logging.info(
            f"{key}_conf.max_steps = {steps}: {batches} batches an epoch, "
            f"accum_grad {args.accum_grad}, max_epoch {args.max_epoch}"
        )
        setattr(args, f"{key}_conf", {**(conf or {}), "max_steps": steps})


def count_batches(args: argparse.Namespace) -> int:
    """Number of training batches of an epoch, by ESPnet2's own batch sampler.

    Raises:
        ValueError: If the iterator is not `sequence` or there is no shape file.
    """
    if args.num_iters_per_epoch is not None:
        return args.num_iters_per_epoch
    if args.iterator_type != "sequence" or args.multiple_iterator:
        raise ValueError(
            f"scheduler_conf: max_steps cannot be computed for iterator_type "
            f"'{args.iterator_type}'; set max_steps or num_iters_per_epoch"
        )
    if not args.train_shape_file:
        raise ValueError(
            "scheduler_conf: max_steps cannot be computed without --train_shape_file; "
            "give it, or set max_steps"
        )
    for path in args.train_shape_file:
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no such shape file; run collect-stats")
    return len(list(_build_sampler(args)))


def _build_sampler(args: argparse.Namespace) -> Iterable:
    from espnet2.samplers.build_batch_sampler import build_batch_sampler

    data = Path(args.train_data_path_and_name_and_type[0][0])
    category = data.parent / "utt2category"
    distributed = getattr(args, "distributed", False)
    return build_batch_sampler(
        type=args.batch_type,
        shape_files=args.train_shape_file,
        fold_lengths=args.fold_length,
        batch_size=args.batch_size,
        batch_bins=args.batch_bins,
        sort_in_batch=args.sort_in_batch,
        sort_batch=args.sort_batch,
        drop_last=args.drop_last_iter,
        min_batch_size=args.dist_world_size if distributed else args.min_batch_size,
        utt2category_file=str(category) if category.exists() else None,
    )
