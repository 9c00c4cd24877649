"""Continuous pseudo-labelling as an ESPnet2 task: ASR, with audio without labels."""

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from espnet2.train.reporter import SubReporter
from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import str_or_none

from hamzaban.asr.task import ASRTask
from hamzaban.data.files import read_scp
from hamzaban.decode.emissions import Utterance, has_frames, read_utterances
from hamzaban.fileio import atomic_text
from hamzaban.pseudo.continuous.batches import (
    ContinuousBatches,
    ContinuousIterFactory,
    count_chars_per_s,
)
from hamzaban.pseudo.continuous.cache import LabelCache
from hamzaban.pseudo.continuous.continuous_options import read_continuous_options
from hamzaban.pseudo.continuous.guard import LabelsCollapsedError
from hamzaban.pseudo.continuous.labeller import Labeller
from hamzaban.pseudo.continuous.phase import Phase
from hamzaban.train.epoch_steps import count_updates, unwrap
from hamzaban.train.task_options import FS, world_size
from hamzaban.train.trainer import Trainer
from hamzaban.wav2vec2.frames import WAV2VEC2_CONV, parse_conv_layers

COLLAPSED = "collapsed"  # file with the reason for which a run was stopped


class ContinuousTrainer(Trainer):
    """Our trainer, with an iterator that labels audio with the model in training."""

    @classmethod
    def train_one_epoch(
        cls,
        *,
        model: torch.nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        reporter: SubReporter,
        options: Any,
        distributed_option: Any,
        **rest: Any,
    ) -> bool:
        """Train one epoch; write the state of pseudo-labelling beside the checkpoint.

        Raises:
            LabelsCollapsedError: The labels have collapsed; the file `collapsed` of
                the run has the reason.
        """
        iterator: ContinuousBatches = rest["iterator"]
        output_dir, epoch = Path(options.output_dir), reporter.get_epoch()
        iterator.phase.take_up(output_dir, epoch - 1, unwrap(model))
        iterator.begin(unwrap(model), count_updates(optimizers[0]))
        (output_dir / COLLAPSED).unlink(missing_ok=True)
        try:
            is_invalid = super().train_one_epoch(
                model=model,
                optimizers=optimizers,
                reporter=reporter,
                options=options,
                distributed_option=distributed_option,
                **rest,
            )
        except LabelsCollapsedError as e:
            with atomic_text(output_dir / COLLAPSED) as stream:
                stream.write(f"{e}\n")
            raise
        updates = count_updates(optimizers[0])
        iterator.phase.end_epoch(output_dir, epoch, updates)
        return is_invalid


class ContinuousTask(ASRTask):
    """Our ASR task with `unlabelled_data_dir` and `continuous_conf`.

    An epoch is one pass over the labels together with the updates on pseudo-labels in
    between, or `num_iters_per_epoch` batches of both kinds.
    """

    trainer = ContinuousTrainer
    description = (
        "Train a CTC recognizer that labels audio for itself as it trains (slimIPL).\n"
        "It takes the options of train-asr, --unlabelled_data_dir (audio to label)\n"
        "and --continuous_conf (see conf/pseudo_continuous.yaml)."
    )

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add our options to those of the ASR task."""
        super().add_task_arguments(parser)
        add = parser.add_argument_group("continuous pseudo-labelling").add_argument
        add(
            "--unlabelled_data_dir",
            type=str_or_none,
            default=None,
            help="data directory of the audio to label; a text in it is ignored",
        )
        add(
            "--continuous_conf",
            action=NestedDictAction,
            default={},
            help="options of cache, schedule, teacher and guard; see "
            "conf/pseudo_continuous.yaml",
        )

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Train in this process."""
        check_options(args)
        super().main_worker(args)

    @classmethod
    def plan(cls, args: argparse.Namespace) -> None:
        """Compute the length of training; check that it exceeds the warm-up."""
        super().plan(args)
        if not args.dry_run or args.train_shape_file:
            check_warmup(args, cls.count_batches(args) // args.accum_grad)

    @classmethod
    def count_batches(cls, args: argparse.Namespace) -> int:
        """Return the number of batches of an epoch, of both kinds."""
        accum = args.accum_grad
        if args.num_iters_per_epoch is not None:
            return args.num_iters_per_epoch // accum * accum
        labelled = math.ceil(super().count_batches(args) / accum)
        options = read_continuous_options(args.continuous_conf)
        return options.schedule.count_epoch_updates(labelled) * accum

    @classmethod
    def build_sequence_iter_factory(
        cls, args: argparse.Namespace, iter_options: Any, mode: str
    ) -> Any:
        """Build the iterator; in training with batches of both kinds."""
        if mode != "train":
            return super().build_sequence_iter_factory(
                args=args, iter_options=iter_options, mode=mode
            )
        iter_options = dataclasses.replace(iter_options, num_iters_per_epoch=None)
        labelled = super().build_sequence_iter_factory(
            args=args, iter_options=iter_options, mode=mode
        )
        return ContinuousIterFactory(
            labelled,
            build_phase(args),
            num_updates=cls.count_batches(args) // args.accum_grad,
            accum_grad=args.accum_grad,
            seed=(args.seed, get_rank()),
            functions=(iter_options.preprocess_fn, iter_options.collate_fn),
        )


def check_options(args: argparse.Namespace) -> None:
    """Check the options before anything is loaded.

    Raises:
        ValueError: An option is missing, or has a value that is not supported.
    """
    read_continuous_options(args.continuous_conf)
    if args.unlabelled_data_dir is None:
        raise ValueError(
            "--unlabelled_data_dir is missing; give a data directory of audio, or use "
            "`hamzaban train-asr`"
        )
    expected = {"iterator_type": "sequence", "multiple_iterator": False}
    expected |= {"save_interval": 0, "batch_type": "numel"}
    for name, value in expected.items():
        if getattr(args, name) != value:
            raise ValueError(
                f"{name} is {getattr(args, name)}, expected {value} for continuous "
                "pseudo-labelling; for more frequent checkpoints lower "
                "num_iters_per_epoch"
            )
    if args.token_type not in ("char", "bpe"):
        raise ValueError(f"token_type is {args.token_type}, expected char or bpe")


def check_warmup(args: argparse.Namespace, num_updates: int) -> None:
    """Check that a run is longer than its warm-up.

    Args:
        args: Options of the task, with the final `max_epoch` and `max_updates`.
        num_updates: Number of updates of an epoch.

    Raises:
        ValueError: All updates of the run belong to the warm-up.
    """
    warmup = read_continuous_options(args.continuous_conf).warmup_updates
    total = args.max_updates or num_updates * args.max_epoch
    if warmup >= total:
        raise ValueError(
            f"continuous_conf: warmup_updates {warmup}, but the run has {total} "
            "updates; lower it, or raise max_epoch or max_updates: no pseudo-label "
            "would ever be made"
        )


def build_phase(args: argparse.Namespace) -> Phase:
    """Build the state of pseudo-labelling for the share of audio of this process."""
    options = read_continuous_options(args.continuous_conf)
    size = world_size(args) if getattr(args, "distributed", False) else 1
    utts = read_audio(Path(args.unlabelled_data_dir), get_rank(), size)
    lengths = {utt_id: utt.num_samples for utt_id, utt in utts.items()}
    labeller = Labeller(
        utts,
        options,
        chars_per_s=measure_rate(args),
        batch_bins=max(args.batch_bins // size, 1),
        fs=FS,
        threads=max(args.num_workers, 1),
        dtype=args.autocast_dtype,
    )
    share = math.ceil(options.cache_size / size)
    cache = LabelCache(lengths, share, (args.seed, get_rank()))
    return Phase(cache, labeller, options, get_rank())


def read_audio(data_dir: Path, rank: int, size: int) -> dict[str, Utterance]:
    """Read the utterances of one frame or more, every `size`-th from `rank` on.

    Raises:
        ValueError: There are fewer than `size`.
    """
    conv = parse_conv_layers(WAV2VEC2_CONV)
    utts = [u for u in read_utterances(data_dir) if has_frames(u.num_samples, conv)]
    if len(utts) < size:
        raise ValueError(
            f"{data_dir}: {len(utts)} utterances of a frame or more found, expected "
            f"{size} at least; give more audio"
        )
    return {utt.utt_id: utt for utt in utts[rank::size]}


def measure_rate(args: argparse.Namespace) -> float:
    """Return the characters per second of the training set."""
    named = {name: path for path, name, _ in args.train_data_path_and_name_and_type}
    shapes = read_scp(Path(args.train_shape_file[0]))
    lengths = {utt_id: int(shape.split(",")[0]) for utt_id, shape in shapes}
    return count_chars_per_s(dict(read_scp(Path(named["text"]))), lengths)


def get_rank() -> int:
    """Return the number of this process, 0 if it is the only one."""
    world = torch.distributed
    if world.is_available() and world.is_initialized():
        return world.get_rank()
    return 0
