"""wav2vec 2.0 pretraining as an ESPnet2 task."""

import argparse
import dataclasses
import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from espnet2.tasks import abs_task
from espnet2.tasks.abs_task import AbsTask

from hamzaban.pretrain.arguments import add_pretrain_arguments
from hamzaban.pretrain.batching import CropCollate, CropSpeech
from hamzaban.pretrain.collapse import CollapseError
from hamzaban.pretrain.data import fill_token_list, select_data
from hamzaban.pretrain.export import (
    ExportOptions,
    export_checkpoint,
    exported_file,
    read_export_options,
)
from hamzaban.pretrain.iterators import (
    ProbedIterFactory,
    add_labelled,
    add_replay,
    build_probes,
    replay_options,
)
from hamzaban.pretrain.model import LossOptions, PretrainModel
from hamzaban.pretrain.schedule import PolynomialDecayLR
from hamzaban.pretrain.trainer import LAST_GOOD, PretrainTrainer
from hamzaban.text.tokens import read_token_list
from hamzaban.train.divergence import DivergedError
from hamzaban.train.memory import keep_freed_memory
from hamzaban.train.peers import leave_group
from hamzaban.train.precision import checkpoint_wav2vec2
from hamzaban.train.task import (
    TaskMixin,
    count_batches,
    measure_batches,
)
from hamzaban.train.task_options import is_first
from hamzaban.wav2vec2 import config
from hamzaban.wav2vec2.checkpoint import load_weights
from hamzaban.wav2vec2.convert.source import read_source

abs_task.scheduler_classes["polynomialdecaylr"] = PolynomialDecayLR


class PretrainTask(AbsTask):
    """The parts of the task: options, data, model."""

    num_optimizers = 1
    class_choices_list: list[Any] = []

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of pretraining to ESPnet2's."""
        add_pretrain_arguments(parser)

    @classmethod
    def build_collate_fn(cls, args: argparse.Namespace, train: bool) -> CropCollate:
        """Return the function that pads or crops utterances to join them to a batch."""
        return CropCollate(train and args.crop_to_shortest)

    @classmethod
    def build_preprocess_fn(
        cls, args: argparse.Namespace, train: bool
    ) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
        """Return the function that normalizes and crops an utterance."""
        task_cfg = args.task_cfg
        return CropSpeech(task_cfg["normalize"], task_cfg["max_sample_size"], train)

    @classmethod
    def required_data_names(
        cls, train: bool = True, inference: bool = False
    ) -> tuple[str, ...]:
        """Return the name of the speech."""
        return ("speech",)

    @classmethod
    def optional_data_names(
        cls, train: bool = True, inference: bool = False
    ) -> tuple[str, ...]:
        """Return the name of the transcripts of labelled speech."""
        return ("text",)

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> PretrainModel:
        """Build the model; with `init_checkpoint`, its architecture and weights.

        Completes `args.model_cfg` and `args.task_cfg`, which config.yaml then shows.
        """
        fill_configs(args)
        diversity, features = args.loss_weights
        losses = LossOptions(
            diversity_weight=diversity,
            feature_weight=features,
            spectral_weight=args.spectral_weight,
            valid_seed=args.valid_seed,
        )
        model = cls._make_model(args, losses)
        if args.gradient_checkpointing:
            checkpoint_wav2vec2(model.wav2vec2)
        if args.init_checkpoint is not None:
            stored, form = read_source(args.init_checkpoint)
            weights, place = stored.model_weight, str(args.init_checkpoint)
            load_weights(model.wav2vec2, weights, place, strict=args.init_strict)
            logging.info(f"Starting from the weights of {form}")
        return model

    @classmethod
    def _make_model(
        cls, args: argparse.Namespace, losses: LossOptions
    ) -> PretrainModel:
        if args.labelled_dir is None:
            return PretrainModel(args.model_cfg, losses)
        from hamzaban.pretrain.wav2vec_s import SemiSupervisedModel, read_semi_options

        semi = read_semi_options(args.semi_conf)
        num_tokens = len(read_token_list(args.token_list))
        return SemiSupervisedModel(args.model_cfg, losses, semi, num_tokens)


class SSLTask(TaskMixin, PretrainTask):
    """Pretraining with our resumable trainer, which writes wav2vec2.pt at the end."""

    trainer = PretrainTrainer
    description = (
        "Pretrain wav2vec 2.0 on untranscribed speech, from scratch or a checkpoint.\n"
        "A YAML given by --config may set any option of ESPnet2 or of ours."
    )

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Select utterances, train in this process, write wav2vec2.pt."""
        if args.collect_stats:
            raise ValueError(
                "train-ssl: --collect_stats is true; pretraining needs no such stage, "
                "use hamzaban collect-stats for the lengths"
            )
        export = read_export_options(args.export_conf)
        keep_freed_memory()
        fill_configs(args)
        select_data(args)
        fill_token_list(args)
        if args.labelled_dir is not None and args.semi_conf.get("mode") != "sum":
            args.unused_parameters = True  # an update does not use one of the heads
        if args.model_cfg["encoder_layerdrop"]:
            args.unused_parameters = True  # an update leaves layers out
        configs = args.output_dir, args.task_cfg, args.model_cfg
        try:
            super().main_worker(args)
        except (CollapseError, DivergedError) as error:
            good = dataclasses.replace(export, model="good")
            raise CollapseError(f"{error}; {leave_good(args, configs, good)}") from None
        if not args.dry_run and is_first(args):
            export_checkpoint(args.output_dir, args.task_cfg, args.model_cfg, export)

    @classmethod
    def count_batches(cls, args: argparse.Namespace) -> int:
        """Return the number of training batches of an epoch, labelled or not."""
        number = count_batches(replay_options(args, args))
        if args.labelled_dir is None:
            return number
        from hamzaban.pretrain.wav2vec_s import read_semi_options

        mixture = read_semi_options(args.semi_conf).mixture(args.accum_grad)
        return len(mixture.plan(number))

    @classmethod
    def measure_batches(cls, args: argparse.Namespace) -> tuple[int, int]:
        """Return the number of unlabelled batches, and their samples with replay."""
        number, samples = measure_batches(replay_options(args, args))
        if args.replay_dir is not None:
            samples = round(samples / (1 - args.replay_share))
        return number, samples

    @classmethod
    def build_sequence_iter_factory(
        cls, args: argparse.Namespace, iter_options: Any, mode: str
    ) -> Any:
        """Build an iterator over speech without labels, with replay in training."""
        if mode != "train" or args.replay_dir is None:
            return super().build_sequence_iter_factory(args, iter_options, mode)
        options = replay_options(args, iter_options)
        factory = super().build_sequence_iter_factory(args, options, mode)
        add_replay(args, factory.inner, cls.build_dataset(args, options))
        return factory

    @classmethod
    def build_iter_factory(
        cls,
        args: argparse.Namespace,
        distributed_option: Any,
        mode: str,
        kwargs: dict | None = None,
    ) -> Any:
        """Build the iterator of a mode, with labels and probes if they are given."""
        common = {"args": args, "distributed_option": distributed_option}
        factory = super().build_iter_factory(**common, mode=mode, kwargs=kwargs)
        build = super().build_sequence_iter_factory
        if mode == "train" and args.labelled_dir is not None:
            options = cls.build_iter_options(**common, mode=mode)
            return add_labelled(args, factory, options, build)
        if mode == "valid" and (args.probes or args.labelled_valid_dir):
            make = functools.partial(cls.build_iter_options, **common, mode=mode)
            return ProbedIterFactory(factory, build_probes(args, make, build))
        return factory


def leave_good(
    args: argparse.Namespace, configs: tuple[Any, Any, Any], export: ExportOptions
) -> str:
    """Write the last good weights of a stopped run as a checkpoint.

    Args:
        args: Options of the task.
        configs: Folder of the run, its task_cfg and its model_cfg.
        export: The options of the export.

    Returns:
        How to continue from them, for the message.
    """
    if not (Path(args.output_dir) / LAST_GOOD).exists():
        return "no good weights yet"
    if is_first(args):
        export_checkpoint(*configs, export)
    leave_group()
    path = exported_file(args.output_dir, export.model)
    return f"start another tag with --pretrain_init {path}, the last good weights"


def fill_configs(args: argparse.Namespace) -> None:
    """Complete `args.model_cfg` and `args.task_cfg`; a checkpoint decides the sizes.

    Args:
        args: Options of the task; changed.

    Raises:
        ValueError: A value is unknown or not supported.
    """
    if args.init_checkpoint is None:
        args.model_cfg = config.make_model_cfg(args.model_cfg, "model_cfg")
        args.task_cfg = config.make_task_cfg(args.task_cfg, "task_cfg")
        return
    stored = read_source(args.init_checkpoint).checkpoint
    config.make_model_cfg(args.model_cfg, "model_cfg")
    merged, kept = config.merge_model_cfg(stored.model_cfg, args.model_cfg)
    if kept:
        values = ", ".join(f"{name}: {value}" for name, value in sorted(kept.items()))
        logging.warning(f"model_cfg follows {args.init_checkpoint} for {values}")
    args.model_cfg = config.make_model_cfg(merged, "model_cfg")
    task_cfg = config.make_task_cfg(args.task_cfg, "task_cfg")
    if task_cfg["normalize"] != stored.task_cfg["normalize"]:
        normalize = stored.task_cfg["normalize"]
        logging.warning(
            f"task_cfg.normalize follows {args.init_checkpoint}: {normalize}"
        )
        task_cfg["normalize"] = normalize
    args.task_cfg = task_cfg
