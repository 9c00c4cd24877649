"""Training batches that can be resumed in the middle of an epoch.

The random choices for an utterance (its crop, noise, room) depend only on (seed, epoch,
batch, utterance). They do not depend on earlier batches or on the number of loader
processes, so an epoch can be resumed at any batch with the same results.
"""

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory
from torch.utils.data import DataLoader, Dataset


class EpochBatches:
    """The batches of one epoch.

    Attributes:
        batches: Utterance ids of each batch.
        start: The batch that iteration starts at, counted from 0.
    """

    def __init__(self, loader: DataLoader, seed: Sequence[int]) -> None:
        """Store the dataset, batches and options of ESPnet's loader of an epoch.

        Args:
            loader: The loader from `SequenceIterFactory.build_iter`.
            seed: Numbers that make the random choices of this epoch differ.
        """
        self.batches: list = list(loader.batch_sampler or [])
        self.start = 0
        self._loader, self._seed = loader, tuple(seed)

    def __len__(self) -> int:
        """Return the number of batches of the whole epoch."""
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[list[str], dict[str, Any]]]:
        """Load the batches from `start` on."""
        numbered = [
            [(number, utt_id) for utt_id in batch]
            for number, batch in enumerate(self.batches)
        ]
        loader = self._loader
        return iter(
            DataLoader(
                dataset=SeededDataset(loader.dataset, self._seed),
                batch_sampler=numbered[self.start :],
                num_workers=loader.num_workers,
                pin_memory=loader.pin_memory,
                collate_fn=SeededCollate(loader.collate_fn, self._seed),
            )
        )


class ResumableIterFactory(AbsIterFactory):
    """ESPnet's sequence iterator, whose epochs are `EpochBatches`."""

    def __init__(self, inner: SequenceIterFactory, *names: int) -> None:
        """Wrap a factory.

        Args:
            inner: Decides on the batches of each epoch and their order.
            *names: Numbers that make its random choices different from those of other
                factories of a run.
        """
        self.inner, self.names = inner, names

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> EpochBatches:
        """Return the batches of an epoch, counted from 1."""
        loader = self.inner.build_iter(epoch, shuffle)
        return EpochBatches(loader, (self.inner.seed, epoch, *self.names))


class SeededDataset(Dataset):
    """A dataset whose random choices follow from the place of an utterance."""

    def __init__(self, dataset: Any, seed: tuple[int, ...]) -> None:
        """Wrap ESPnet's dataset."""
        self.dataset, self.seed = dataset, seed

    def __getitem__(self, key: tuple[int, str]) -> tuple[tuple[int, str], Any]:
        """Load the utterance of (number of batch, utterance id)."""
        number, utt_id = key
        with seeded(*self.seed, number, zlib.crc32(str(utt_id).encode())):
            return key, self.dataset[utt_id][1]


class SeededCollate:
    """A collate function whose random choices follow from the place of the batch."""

    def __init__(self, collate: Callable, seed: tuple[int, ...]) -> None:
        """Wrap a collate function of ESPnet's form."""
        self.collate, self.seed = collate, seed

    def __call__(self, items: Sequence[tuple[tuple[int, str], Any]]) -> Any:
        """Join utterances from a `SeededDataset` to a batch."""
        number = items[0][0][0]
        with seeded(*self.seed, number):
            return self.collate([(utt_id, data) for (_, utt_id), data in items])


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Seed Python's and NumPy's generators from numbers; restore them at the end."""
    before = random.getstate(), np.random.get_state()
    seed = int(np.random.SeedSequence(numbers).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
