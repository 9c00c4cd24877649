"""Divide batches that are drawn for all processes among the processes."""

from collections.abc import Iterator

from espnet2.samplers.abs_sampler import AbsSampler


class ShardedSampler(AbsSampler):
    """A sampler that returns one process's part of each batch."""

    def __init__(self, sampler: AbsSampler, rank: int, size: int) -> None:
        """Keep every `size`-th utterance from `rank` on."""
        self.sampler, self.rank, self.size = sampler, rank, size

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Return an iterator over the batches of the first epoch."""
        return iter(self.generate(0))

    def generate(self, seed: int) -> list[tuple[str, ...]]:
        """Return this process's part of the batches of an epoch."""
        batches = self.sampler.generate(seed)
        return [batch[self.rank :: self.size] for batch in batches]
