"""One process's share of batches that are drawn for all processes."""

from collections.abc import Iterator

from espnet2.samplers.abs_sampler import AbsSampler


class ShardedSampler(AbsSampler):
    """The part of each batch that one of several processes gets."""

    def __init__(self, sampler: AbsSampler, rank: int, size: int) -> None:
        """Take every `size`-th utterance from `rank` on."""
        self.sampler, self.rank, self.size = sampler, rank, size

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Give the batches of the first epoch."""
        return iter(self.generate(0))

    def generate(self, seed: int) -> list[tuple[str, ...]]:
        """Give this process's part of the batches of an epoch."""
        batches = self.sampler.generate(seed)
        return [batch[self.rank :: self.size] for batch in batches]
