"""Build the iterators of pretraining with replay, labels and probes."""

import argparse
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.tasks.abs_task import IteratorOptions
from espnet2.train.collate_fn import CommonCollateFn

from hamzaban.pretrain.data import LENGTHS, find_file, read_lengths, shape_file
from hamzaban.pretrain.mixing import (
    MixedIterFactory,
    ReplaySampler,
    name_labelled,
)
from hamzaban.text.tokens import CharTokenizer, read_token_list
from hamzaban.train.batches import ResumableIterFactory
from hamzaban.train.sharding import ShardedSampler

Build = Callable[..., Any]  # ESPnet2's build_sequence_iter_factory


class ProbedBatches:
    """The batches of a valid set, together with those of further sets.

    Attributes:
        probes: Batches of each further set, by its name.
    """

    def __init__(self, batches: Any, probes: Mapping[str, Any]) -> None:
        """Store the batches."""
        self.batches, self.probes = batches, dict(probes)

    def __iter__(self) -> Iterator[Any]:
        """Load the batches of the valid set."""
        return iter(self.batches)

    def __len__(self) -> int:
        """Return the number of batches of the valid set."""
        return len(self.batches)


class ProbedIterFactory(AbsIterFactory):
    """Makes the `ProbedBatches` of each epoch."""

    def __init__(self, valid: AbsIterFactory, probes: Mapping[str, Any]) -> None:
        """Store the factories."""
        self.valid, self.probes = valid, dict(probes)

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> ProbedBatches:
        """Return the batches, which are the same in each epoch."""
        probes = {name: probe.build_iter(epoch) for name, probe in self.probes.items()}
        return ProbedBatches(self.valid.build_iter(epoch, shuffle), probes)


def replay_options(args: argparse.Namespace, options: Any) -> Any:
    """Return options whose batches leave room for `replay_share`, if it is used."""
    if args.replay_dir is None:
        return options
    bins = max(int(options.batch_bins * (1 - args.replay_share)), 1)
    if isinstance(options, argparse.Namespace):
        return argparse.Namespace(**{**vars(options), "batch_bins": bins})
    return dataclasses.replace(options, batch_bins=bins)


def add_replay(args: argparse.Namespace, factory: Any, dataset: Any) -> None:
    """Add replayed speech to each batch of a factory.

    Args:
        args: Options of the task.
        factory: ESPnet2's factory over the new speech; it is changed.
        dataset: The dataset of new and old speech.
    """
    import torch

    world = torch.distributed
    is_split = world.is_available() and world.is_initialized()
    batches = list(factory.sampler)
    if is_split:  # ESPnet2 has split the batches: make them whole
        batches = _join_ranks(batches)
    new = read_lengths(args.train_shape_file[0])
    old = read_lengths(shape_file(args, "replay"))
    sampler = ReplaySampler(batches, new, old, args.replay_share)
    factory.dataset = dataset
    factory.sampler = (
        ShardedSampler(sampler, world.get_rank(), world.get_world_size())
        if is_split
        else sampler
    )


def add_labelled(
    args: argparse.Namespace,
    unlabelled: ResumableIterFactory,
    options: IteratorOptions,
    build: Build,
) -> MixedIterFactory:
    """Join the batches without labels with those of `labelled_dir`.

    Args:
        args: Options of the task.
        unlabelled: The factory of batches without labels.
        options: ESPnet2's options for training; they are changed.
        build: ESPnet2's function that makes a factory of options.
    """
    from hamzaban.pretrain.wav2vec_s import read_semi_options

    mixture = read_semi_options(args.semi_conf).mixture(args.accum_grad)
    num_unlabelled = len(unlabelled.build_iter(1))
    set_labelled(args, options, args.labelled_dir)
    options.batch_bins = args.labelled_batch_bins or args.batch_bins
    options.num_iters_per_epoch = mixture.count_labelled(num_unlabelled)
    factory = build(args=args, iter_options=options, mode="train")
    factory.names = (1,)  # random choices independent of those of `unlabelled`
    return MixedIterFactory(unlabelled, factory, mixture)


def set_labelled(args: argparse.Namespace, options: Any, folder: str) -> None:
    """Point ESPnet2's options of an iterator at a directory with transcripts."""
    from hamzaban.pretrain.wav2vec_s import LabelledSpeech

    tokenizer = CharTokenizer(read_token_list(args.token_list))
    options.preprocess_fn = LabelledSpeech(args.task_cfg["normalize"], tokenizer)
    options.collate_fn = CommonCollateFn(float_pad_value=0.0, int_pad_value=-1)
    options.data_path_and_name_and_type = [
        (find_file(folder, "wav.scp"), "speech", "sound"),
        (find_file(folder, "text"), "text", "text"),
    ]
    options.shape_files = [find_file(folder, LENGTHS)]


def build_probes(
    args: argparse.Namespace, make_options: Callable[[], Any], build: Build
) -> dict[str, Any]:
    """Make the factories of `probes` and of `labelled_valid_dir`, by name.

    Args:
        args: Options of the task.
        make_options: Returns ESPnet2's options for validation.
        build: ESPnet2's function that makes a factory of options.
    """
    factories = {}
    for name, folder in (args.probes or {}).items():
        options = make_options()
        path = find_file(folder, "wav.scp")
        options.data_path_and_name_and_type = [(path, "speech", "sound")]
        options.shape_files = [shape_file(args, f"probe_{name}")]
        factories[name] = build(args=args, iter_options=options, mode="valid")
    if args.labelled_valid_dir is not None:
        options = make_options()
        set_labelled(args, options, args.labelled_valid_dir)
        options.batch_bins = args.labelled_batch_bins or options.batch_bins
        build_one = build(args=args, iter_options=options, mode="valid")
        factories["labelled"] = LabelledOnly(build_one)
    return factories


class LabelledOnly(AbsIterFactory):
    """Renames the speech of batches with labels, as `name_labelled` does."""

    def __init__(self, inner: AbsIterFactory) -> None:
        """Wrap a factory."""
        self.inner = inner

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> Iterator[Any]:
        """Yield the batches of an epoch."""
        for utt_ids, batch in self.inner.build_iter(epoch, shuffle):
            yield utt_ids, name_labelled(batch)


def _join_ranks(batches: list) -> list[list[str]]:
    import torch

    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, batches)
    return [[u for part in same for u in part] for same in zip(*parts, strict=True)]
