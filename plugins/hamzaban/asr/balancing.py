"""The options that balance languages in training, and the sampler that uses them."""

import argparse
import logging
from typing import Any

from espnet2.utils.types import float_or_none, str_or_none

from hamzaban.asr.languages import find_utt2lang, read_languages
from hamzaban.cli import finite_float
from hamzaban.train.balance import (
    Balance,
    BalancedSampler,
    Limits,
    describe_shares,
    read_lengths,
)
from hamzaban.train.sharding import ShardedSampler
from hamzaban.train.task_options import world_size


def add_balance_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options to the parser of a task."""
    add = parser.add_argument
    add(
        "--language_temperature",
        type=float_or_none,
        default=None,
        help="T: a language with the share p of the audio gets a share in proportion "
        "to p^(1/T); .inf: equal shares; null: no balancing",
    )
    add(
        "--replay_language",
        type=str_or_none,
        default=None,
        help="language that makes up replay_share of each epoch",
    )
    add(
        "--replay_share",
        type=finite_float,
        default=0.0,
        help="share of replay_language in each epoch, 0..1",
    )


def is_balanced(args: argparse.Namespace) -> bool:
    """Return whether languages are balanced."""
    return args.language_temperature is not None or args.replay_language is not None


def build_balanced(args: argparse.Namespace) -> BalancedSampler:
    """Build the sampler of training batches.

    Args:
        args: Options of the task.

    Raises:
        FileNotFoundError: There is no utt2lang beside the training text.
        ValueError: An option is out of range, or the batches are not by `numel`.
    """
    if args.batch_type != "numel" or args.iterator_type != "sequence":
        raise ValueError(
            f"language_temperature and replay_language need batch_type numel (found "
            f"{args.batch_type}) and iterator_type sequence ({args.iterator_type}); "
            "set these"
        )
    path = find_utt2lang(args.train_data_path_and_name_and_type)
    if path is None or not args.train_shape_file:
        raise ValueError(
            "language_temperature and replay_language need training data with text and "
            "--train_shape_file; give them, or leave these options out"
        )
    balance = Balance(
        1.0 if args.language_temperature is None else args.language_temperature,
        args.replay_language,
        args.replay_share,
    )
    size = world_size(args) if getattr(args, "distributed", False) else 1
    limits = Limits(args.batch_bins, max(size, args.min_batch_size))
    lengths = read_lengths(args.train_shape_file)
    return BalancedSampler(lengths, read_languages(path), balance, limits, args.seed)


def add_balance(args: argparse.Namespace, factory: Any, dataset: Any) -> None:
    """Make a factory of ESPnet2 draw balanced batches.

    Args:
        args: Options of the task.
        factory: The factory of training iterators; it is changed.
        dataset: The dataset of all training data.
    """
    import torch

    sampler = build_balanced(args)
    for line in describe_shares(sampler):
        logging.info(line)
    world = torch.distributed
    factory.dataset, factory.sampler = dataset, sampler
    if world.is_available() and world.is_initialized():
        rank, size = world.get_rank(), world.get_world_size()
        factory.sampler = ShardedSampler(sampler, rank, size)
