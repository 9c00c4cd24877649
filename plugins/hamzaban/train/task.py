"""The parts that our ESPnet2 tasks share: schedule, freezing, checks of the start."""

import argparse
import difflib
import functools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hamzaban.devices import require_gpus, usable_dtype
from hamzaban.train import briefing, cluster
from hamzaban.train.arguments import parse_arguments, wrong_types_explained
from hamzaban.train.batches import ResumableIterFactory
from hamzaban.train.checkpoints import whole_configs
from hamzaban.train.peers import errors_in_one_line, leave_group
from hamzaban.train.precision import run_under_autocast
from hamzaban.train.resuming import check_start, is_resuming, keep_schedule
from hamzaban.train.task_options import (
    check_loggers,
    fill_batch_hours,
    fill_max_epoch,
    is_first,
    world_size,
)
from hamzaban.train.trainer import Trainer
from hamzaban.wav2vec2.frames import parse_conv_layers
from hamzaban.weights.door import guarded

SCHEDULES = ("tristagelr", "polynomialdecaylr")  # these need max_steps


class TaskMixin:
    """Mix-in for an ESPnet2 task; it comes first: `class Our(TaskMixin, AbsTask)`.

    It trains with our `Trainer`. It computes `accum_grad`, `max_epoch` and
    `scheduler_conf.max_steps` from the data if the config does not set them. It refuses
    a `freeze_param` that names no parameter, which ESPnet ignores.

    Attributes:
        trainer: The trainer of the task.
        description: What `--help` says about the command.
    """

    trainer = Trainer
    description = ""

    @classmethod
    def main(
        cls,
        args: argparse.Namespace | None = None,
        cmd: Sequence[str] | None = None,
    ) -> None:
        """Train with the given options, or with those of the command line."""
        if args is None:
            args = parse_arguments(cls.get_parser(), cmd)
        cluster.join(args)
        require_gpus(args.ngpu)
        if hasattr(args, "autocast_dtype"):
            args.autocast_dtype = usable_dtype(args.autocast_dtype, args.ngpu)
        with errors_in_one_line():
            super().main(args=args)  # type: ignore[misc]

    @classmethod
    def get_parser(cls) -> Any:
        """Return ESPnet2's parser with our description, which `--help` shows."""
        parser = super().get_parser()  # type: ignore[misc]
        parser.description = cls.description
        return parser

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Train or collect statistics in this process, as ESPnet2 does."""
        if not args.collect_stats:
            check_loggers(args)
            cls.plan(args)
        with guarded(check_code), whole_configs():
            super().main_worker(args)  # type: ignore[misc]
        leave_group()

    @classmethod
    def plan(cls, args: argparse.Namespace) -> None:
        """Compute the length of training where the config does not set it."""
        if args.dry_run and not args.train_shape_file:
            return
        if args.batch_hours and getattr(args, "labelled_batch_bins", None):
            args.labelled_batch_bins *= world_size(args)
        fill_batch_hours(args, lambda: cls.measure_batches(args))
        if args.max_updates is not None:
            fill_max_epoch(args, cls.count_batches(args))
        keep_schedule(args, fill_max_steps(args, cls.count_batches))
        if args.train_shape_file and not is_resuming(args):
            briefing.check_warmup(args, lambda: cls.count_batches(args))

    @classmethod
    def count_batches(cls, args: argparse.Namespace) -> int:
        """Return the number of training batches of an epoch."""
        return count_batches(args)

    @classmethod
    def measure_batches(cls, args: argparse.Namespace) -> tuple[int, int]:
        """Return the number of training batches, and the samples of their audio."""
        return measure_batches(args)

    @classmethod
    def build_sequence_iter_factory(
        cls, args: argparse.Namespace, iter_options: Any, mode: str
    ) -> Any:
        """Build ESPnet2's iterator; that of training can start in mid-epoch."""
        factory = super().build_sequence_iter_factory(  # type: ignore[misc]
            args=args, iter_options=iter_options, mode=mode
        )
        return ResumableIterFactory(factory) if mode == "train" else factory

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> Any:
        """Build the model, and check that each `freeze_param` names a part of it."""
        with guarded(check_code), wrong_types_explained():
            model = super().build_model(args)  # type: ignore[misc]
        names = [name for name, _ in model.named_parameters()]
        check_prefixes(names, getattr(args, "freeze_param", None) or [])
        run_under_autocast(model, getattr(args, "autocast_dtype", None))
        return model

    @classmethod
    def build_optimizers(cls, args: argparse.Namespace, model: Any) -> list[Any]:
        """Check that the run can start, and build the optimizers."""
        cls.check_start(args, model)
        if is_first(args) and args.train_shape_file and not args.collect_stats:
            measure = functools.partial(cls.measure_batches, args)
            briefing.brief(args, lambda: cls.count_batches(args), measure)
        return super().build_optimizers(args, model)  # type: ignore[misc]

    @classmethod
    def check_start(cls, args: argparse.Namespace, model: Any) -> None:
        """Check what the run starts from, before anything is written."""
        if not args.collect_stats:
            check_start(args, model)

    @classmethod
    def build_model_from_file(cls, *files: Any, **named: Any) -> Any:
        """Build and fill a model as ESPnet2 does, without running code from files."""
        with guarded(check_code):
            return super().build_model_from_file(*files, **named)  # type: ignore[misc]


def check_code(state: Any, path: str) -> None:
    """Check the part of a checkpoint that S3PRL evaluates as Python.

    Args:
        state: The content of a file that a library reads.
        path: The file, for messages.

    Raises:
        ValueError: `conv_feature_layers` is not a list of convolutions.
    """
    todo = [state]
    while todo:
        values = todo.pop()
        if isinstance(values, Mapping):
            if "conv_feature_layers" in values:
                try:
                    parse_conv_layers(values["conv_feature_layers"])
                except ValueError as error:
                    raise ValueError(f"{path}: {error}") from None
            todo += values.values()


def check_prefixes(
    names: Iterable[str], prefixes: Iterable[str], option: str = "freeze_param"
) -> None:
    """Check that each prefix selects at least one parameter.

    Args:
        names: All parameter names of a model, dotted.
        prefixes: Prefixes; each matches the name equal to it and the names below it.
        option: The option that holds them, for the message.

    Raises:
        ValueError: A prefix matches nothing; the message lists similar names.
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


def fill_max_steps(
    args: argparse.Namespace,
    count: Callable[[argparse.Namespace], int] | None = None,
) -> list[str]:
    """Set `max_steps` of each schedule that needs it and has none, from the data.

    Args:
        args: Options of an ESPnet2 task; scheduler*_conf is changed.
        count: Returns the number of batches of an epoch.

    Returns:
        Names of the changed options.

    Raises:
        ValueError: The number of batches of an epoch is unknown.
    """
    filled = []
    for key in [k for k in vars(args) if k.startswith("scheduler")]:
        conf = getattr(args, f"{key}_conf", None) or {}
        if getattr(args, key) not in SCHEDULES or "max_steps" in conf:
            continue
        steps = getattr(args, "max_updates", None)
        if steps is None:
            batches = (count or count_batches)(args)
            steps = max(batches // args.accum_grad, 1) * args.max_epoch
            logging.info(
                f"{key}_conf.max_steps = {steps}: {batches} batches per epoch, "
                f"accum_grad {args.accum_grad}, max_epoch {args.max_epoch}"
            )
        setattr(args, f"{key}_conf", {**conf, "max_steps": steps})
        filled.append(f"{key}_conf")
    return filled


def count_batches(args: argparse.Namespace) -> int:
    """Return the number of training batches of an epoch, by the sampler of ESPnet2.

    Raises:
        ValueError: The iterator is not `sequence`, or there is no shape file.
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
    return len(list(build_sampler(args)))


def measure_batches(args: argparse.Namespace) -> tuple[int, int]:
    """Return the number of training batches, and their samples without padding."""
    if args.iterator_type != "sequence" or not args.train_shape_file:
        raise ValueError(
            f"batch_hours needs iterator_type sequence (found {args.iterator_type}) "
            "and --train_shape_file; give them, or accum_grad instead"
        )
    batches = list(build_sampler(args))
    with open(args.train_shape_file[0], encoding="utf-8") as lines:
        rows = (line.split() for line in lines)
        samples = {utt_id: int(shape.split(",")[0]) for utt_id, shape in rows}
    return len(batches), sum(samples[utt_id] for batch in batches for utt_id in batch)


def build_sampler(args: argparse.Namespace) -> Iterable[Sequence[str]]:
    """Build the sampler of ESPnet2 for the training batches of an epoch.

    Raises:
        FileNotFoundError: A shape file is missing.
    """
    for path in args.train_shape_file:
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no such shape file; run collect-stats")
    from espnet2.samplers.build_batch_sampler import build_batch_sampler

    data = Path(args.train_data_path_and_name_and_type[0][0])
    category = data.parent / "utt2category"
    size = world_size(args) if getattr(args, "distributed", False) else 1
    return build_batch_sampler(
        type=args.batch_type,
        shape_files=args.train_shape_file,
        fold_lengths=args.fold_length,
        batch_size=args.batch_size,
        batch_bins=args.batch_bins,
        sort_in_batch=args.sort_in_batch,
        sort_batch=args.sort_batch,
        drop_last=args.drop_last_iter,
        min_batch_size=size if size > 1 else args.min_batch_size,
        utt2category_file=str(category) if category.exists() else None,
    )
