"""ESPnet2's trainer, made resumable bit for bit."""

import argparse
import contextlib
import dataclasses
import functools
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from espnet2.torch_utils.set_all_random_seed import set_all_random_seed
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import SubReporter
from espnet2.train.trainer import Trainer as EspnetTrainer
from espnet2.train.trainer import TrainerOptions
from espnet2.utils.build_dataclass import build_dataclass

from hamzaban.fileio import remove_leftovers
from hamzaban.progress import ProgressFile
from hamzaban.train import averaging, checkpoints, divergence, mid_epoch
from hamzaban.train.epoch_steps import Steps, count_updates, tell_updates, unwrap
from hamzaban.train.measuring import measure_file, pool_ratios
from hamzaban.train.plots import sparse_plots
from hamzaban.train.progress import (
    TrainingProgress,
    WatchedBatches,
    last_metrics,
    mean_metrics,
)
from hamzaban.train.stopping import heeded
from hamzaban.train.task_options import add_train_arguments


@dataclasses.dataclass
class Options(TrainerOptions):
    """The options of ESPnet2's trainer, and ours.

    Attributes:
        save_interval: Updates between two writes of partial.pth; 0: never.
        max_updates: Updates after which training ends; None: `max_epoch` decides.
    """

    save_interval: int
    max_updates: int | None


class Trainer(EspnetTrainer):
    """ESPnet2's trainer with atomic files and exact resuming.

    A run that was killed at any moment and started again ends with the same model files
    (on a CPU byte for byte) as one that was never killed. To this end each epoch draws
    its random numbers from (seed, epoch, rank) and starts without left-over gradients,
    and files that a killed process left unfinished are completed or removed first.

    Two optional members of the model are used:
        set_num_updates(n): is called with the number of optimizer updates so far,
            before the first batch of an epoch and after each update.
        pooled_stats: {name: (numerator, denominator)}; validation reports `name` as the
            ratio of the sums of two statistics, which the model returns as means over
            the utterances of a batch (weight = number of utterances).
    """

    progress: ClassVar = TrainingProgress(0, None)  # progress of this process's run

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add our options to ESPnet2's."""
        add_train_arguments(parser)

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> Options:
        """Build the options of the trainer from those of the task."""
        return build_dataclass(Options, args)

    @classmethod
    def after_update(cls, run: mid_epoch.Run, options: Any, updates: int) -> None:
        """Do nothing after an update; a task may override this.

        Args:
            run: The run, with the statistics of the epoch.
            options: The options of the trainer.
            updates: Number of updates made so far.
        """

    @classmethod
    def _end_update(cls, run: mid_epoch.Run, options: Any, updates: int) -> None:
        cls.after_update(run, options, updates)
        cls.progress.end_update(updates, run.reporter.stats.get("loss", []))

    @classmethod
    def run(
        cls,
        *,
        model: torch.nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        schedulers: Sequence[Any],
        trainer_options: TrainerOptions,
        distributed_option: DistributedOption,
        **factories: Any,
    ) -> None:
        """Train as ESPnet2 does; first repair the files of a run that is resumed."""
        output_dir, distributed = Path(trainer_options.output_dir), distributed_option
        is_main = not distributed.distributed or not distributed.dist_rank
        if is_main:
            for path in remove_leftovers(output_dir):
                logging.info(f"Removed {path}, left by a killed run")
        max_updates = getattr(trainer_options, "max_updates", None)
        cls.progress = TrainingProgress(trainer_options.max_epoch, max_updates)
        if is_main:
            cls.progress.file = ProgressFile()
        if trainer_options.resume and (output_dir / "checkpoint.pth").exists():
            trainer_options = _resume(
                model, schedulers, trainer_options, cls.progress if is_main else None
            )
        hooks = [
            optimizer.register_step_post_hook(functools.partial(_count_update, model))
            for optimizer in optimizers[:1]
        ]
        with _own_ways():
            super().run(
                model=model,
                optimizers=optimizers,
                schedulers=schedulers,
                trainer_options=trainer_options,
                distributed_option=distributed_option,
                **factories,
            )
        for hook in hooks:
            hook.remove()
        factory = factories["valid_iter_factory"]
        _settle_averages(model, factory, trainer_options, distributed)

    @classmethod
    def train_one_epoch(
        cls,
        *,
        model: torch.nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        reporter: SubReporter,
        options: TrainerOptions,
        distributed_option: DistributedOption,
        **rest: Any,
    ) -> bool:
        """Train one epoch, which depends on (seed, epoch, rank) and the model only.

        Returns:
            Always False, since an epoch without a finite gradient is an error.

        Raises:
            DivergedError: No batch of the epoch gave a finite gradient.
        """
        rank = distributed_option.dist_rank or 0
        set_all_random_seed(epoch_seed(options.seed, reporter.get_epoch(), rank))
        for optimizer in optimizers:
            optimizer.zero_grad()
        schedulers, scaler = rest["schedulers"], rest["scaler"]
        run = mid_epoch.Run(unwrap(model), optimizers, schedulers, scaler, reporter)
        steps = Steps(rest.pop("iterator"), run, options, cls._end_update)
        steps.take_up(rank)
        updates = count_updates(optimizers[0])
        tell_updates(model, updates)
        cls.progress.begin_epoch(reporter.get_epoch(), updates, *steps.count_updates())
        is_invalid = super().train_one_epoch(
            model=model,
            iterator=steps,
            optimizers=optimizers,
            reporter=reporter,
            options=options,
            distributed_option=distributed_option,
            **rest,
        )
        is_invalid = is_invalid and not steps.was_taken_up
        divergence.check_gradients(is_invalid, reporter)
        return is_invalid

    @classmethod
    def validate_one_epoch(
        cls,
        *,
        model: torch.nn.Module,
        iterator: Iterable,
        reporter: SubReporter,
        **rest: Any,
    ) -> None:
        """Validate, and pool the ratios the model asks for over the whole set.

        Raises:
            DivergedError: The loss or the model is not finite.
        """
        is_valid = reporter.key == "valid"  # and no probe of pretraining
        if is_valid:
            iterator = WatchedBatches(iterator, cls.progress)
        super().validate_one_epoch(
            model=model, iterator=iterator, reporter=reporter, **rest
        )
        pool_ratios(reporter, getattr(unwrap(model), "pooled_stats", {}))
        if is_valid:
            cls.progress.end_validation(mean_metrics(reporter))
        divergence.check_losses(reporter)
        divergence.check_model(unwrap(model), reporter.get_epoch())


@contextlib.contextmanager
def _own_ways() -> Iterator[None]:
    """Write files, average, plot and end in our ways and not in ESPnet's."""
    with checkpoints.atomic_files(), averaging.own_average(), sparse_plots(), heeded():
        yield


def epoch_seed(seed: int, epoch: int, rank: int = 0) -> int:
    """Return a seed of 32 bits that is computed from seed, epoch and rank."""
    return int(np.random.SeedSequence([seed, epoch, rank]).generate_state(1)[0])


def _settle_averages(
    model: torch.nn.Module,
    factory: Any,
    options: TrainerOptions,
    distributed: DistributedOption,
) -> None:
    if distributed.distributed:
        torch.distributed.barrier()  # the first process has written the means
    measure = functools.partial(
        measure_file,
        model=model,
        factory=factory,
        options=options,
        distributed_option=distributed,
    )
    averaging.settle_averages(
        Path(options.output_dir),
        options.best_model_criterion,
        measure,
        is_main=not distributed.distributed or not distributed.dist_rank,
    )


def _resume(
    model: torch.nn.Module,
    schedulers: Sequence[Any],
    options: TrainerOptions,
    progress: TrainingProgress | None,
) -> TrainerOptions:
    """Repair the files of a run; `progress` is None in all processes but the first."""
    states = checkpoints.load_checkpoint(Path(options.output_dir) / "checkpoint.pth")
    _warn_of_schedule(schedulers, states["schedulers"])
    if progress is not None:
        progress.resume(last_metrics(checkpoints.read_reporter(states)))
        _repair(states, model, options)
    return _stop_early(states, options)


def _repair(
    states: dict[str, Any], model: torch.nn.Module, options: TrainerOptions
) -> None:
    keep = options.keep_nbest_models
    keep = keep if isinstance(keep, int) else max(keep, default=1)
    output_dir, criteria = Path(options.output_dir), options.best_model_criterion
    checkpoints.repair(output_dir, states, model, criteria, keep)


def _stop_early(states: dict[str, Any], options: TrainerOptions) -> TrainerOptions:
    """Return the options, without further epochs if early stopping ended the run."""
    reporter = checkpoints.read_reporter(states)
    criterion = options.early_stopping_criterion
    if (
        options.patience is not None
        and reporter.has(*criterion[:2])
        and reporter.check_early_stopping(options.patience, *criterion)
    ):
        return dataclasses.replace(options, max_epoch=reporter.get_epoch())
    return options


def _warn_of_schedule(
    schedulers: Sequence[Any], stored: Sequence[Mapping[str, Any] | None]
) -> None:
    for scheduler, state in zip(schedulers, stored, strict=True):
        steps = getattr(scheduler, "max_steps", None)
        before = (state or {}).get("max_steps", steps)
        if steps != before:
            logging.warning(
                f"The learning rate follows the schedule of checkpoint.pth, with "
                f"max_steps {before} and not {steps}; train into another --output_dir "
                "for a new schedule"
            )


def _count_update(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, *_: Any
) -> None:
    updates = count_updates(optimizer) + 1
    # The group is saved with the optimizer, so a resumed run knows the count.
    optimizer.param_groups[0]["num_updates"] = updates
    tell_updates(model, updates)
