"""Mix kinds of batches: replayed with new speech, labelled with unlabelled speech.

All choices depend only on the seed and the epoch, so a run can be resumed exactly.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.samplers.abs_sampler import AbsSampler

from hamzaban.train.batches import EpochBatches, ResumableIterFactory

MODES = ("alternate", "sum")


@dataclass(frozen=True)
class Mixture:
    """How batches without and with labels follow each other.

    Attributes:
        mode: `alternate` gives whole updates of one kind; `sum` gives batches of both
            kinds together, whose losses are added.
        ratio: Updates of a turn without and with labels, for `alternate`.
        accum_grad: Batches of an update.
    """

    mode: str
    ratio: tuple[int, int]
    accum_grad: int

    def plan(self, num_unlabelled: int) -> list[bool]:
        """Return for each batch of an epoch whether it has labels.

        Args:
            num_unlabelled: Batches without labels of an epoch; all are used.

        Returns:
            True for batches with labels. For `ratio` (n, m) a turn has n updates
            without labels, then m updates with labels; the last turn may end early.
        """
        if self.mode == "sum":
            return [False] * num_unlabelled
        without, labelled = self.ratio
        kinds: list[bool] = []
        left, update = num_unlabelled, 0
        while left > 0 or update % (without + labelled) >= without:
            has_labels = update % (without + labelled) >= without
            size = self.accum_grad if has_labels else min(self.accum_grad, left)
            kinds += [has_labels] * size
            left -= 0 if has_labels else size
            update += 1
            if size < self.accum_grad:
                break
        return kinds

    def count_labelled(self, num_unlabelled: int) -> int:
        """Return the number of batches with labels in an epoch."""
        if self.mode == "sum":
            return num_unlabelled
        return sum(self.plan(num_unlabelled))


class MixedBatches:
    """The batches of an epoch; the speech of those with labels has its own names.

    Attributes:
        start: The batch that iteration starts at, counted from 0.
    """

    def __init__(
        self, unlabelled: EpochBatches, labelled: EpochBatches, mixture: Mixture
    ) -> None:
        """Join the batches of two epochs that belong together."""
        self.start = 0
        self.parts = unlabelled, labelled
        self.mixture = mixture
        self.kinds = mixture.plan(len(unlabelled))

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.kinds)

    def __iter__(self) -> Iterator[tuple[list[str], dict[str, Any]]]:
        """Load the batches from `start` on."""
        unlabelled, labelled = self.parts
        done = self.kinds[: self.start]
        if self.mixture.mode == "sum":
            unlabelled.start = labelled.start = self.start
            for (utt_ids, batch), (_, other) in zip(unlabelled, labelled, strict=True):
                yield utt_ids, {**batch, **name_labelled(other)}
            return
        unlabelled.start, labelled.start = done.count(False), done.count(True)
        loaders = iter(unlabelled), iter(labelled)
        for has_labels in self.kinds[self.start :]:
            utt_ids, batch = next(loaders[has_labels])
            yield utt_ids, name_labelled(batch) if has_labels else batch


class MixedIterFactory(AbsIterFactory):
    """Makes the `MixedBatches` of each epoch."""

    def __init__(
        self,
        unlabelled: ResumableIterFactory,
        labelled: ResumableIterFactory,
        mixture: Mixture,
    ) -> None:
        """Join two factories; `labelled` gives as many batches as the mixture needs."""
        self.unlabelled, self.labelled, self.mixture = unlabelled, labelled, mixture

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> MixedBatches:
        """Return the batches of an epoch, counted from 1."""
        return MixedBatches(
            self.unlabelled.build_iter(epoch, shuffle),
            self.labelled.build_iter(epoch, shuffle),
            self.mixture,
        )


def name_labelled(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a batch with labels, its speech renamed to `labelled_speech`."""
    return {
        f"labelled_{name}" if name.startswith("speech") else name: value
        for name, value in batch.items()
    }


class ReplaySampler(AbsSampler):
    """Batches of new speech, each filled up with old speech of like length.

    Replaying what a model has learnt before keeps it from forgetting. The share counts
    samples and holds in each batch.
    """

    def __init__(
        self,
        batches: Sequence[Sequence[str]],
        new: Mapping[str, int],
        old: Mapping[str, int],
        share: float,
    ) -> None:
        """Sort the old utterances by length.

        Args:
            batches: Utterance ids of the batches of new speech.
            new: Samples of each new utterance.
            old: Samples of each old utterance.
            share: Share of old speech in a batch, in 0..1, both excluded.

        Raises:
            ValueError: There is less old speech than a batch needs.
        """
        self.batches, self.new, self.share = batches, new, share
        self.old_ids = sorted(old, key=lambda utt_id: (old[utt_id], utt_id))
        self.old_samples = np.array([old[utt_id] for utt_id in self.old_ids])
        largest = max(sum(new[utt_id] for utt_id in batch) for batch in batches)
        if sum(self.old_samples) < largest * share / (1 - share):
            raise ValueError(
                f"replay_dir has {sum(self.old_samples) / 16000:.1f} s of speech, less "
                f"than one batch needs for replay_share {share}; give more of it"
            )

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Return an iterator over the batches of the first epoch."""
        return iter(self.generate(0))

    def generate(self, seed: int) -> list[tuple[str, ...]]:
        """Return the batches of an epoch, with old utterances drawn by the seed."""
        rng = np.random.default_rng([seed, 1])
        return [(*batch, *self._choose(batch, rng)) for batch in self.batches]

    def _choose(self, batch: Sequence[str], rng: np.random.Generator) -> list[str]:
        """Draw old utterances as long as the batch's longest or somewhat shorter.

        At least one is taken, and as many as bring the share nearest to the one asked
        for. Longer ones are taken, too, if there are not enough of this length.
        """
        lengths = [self.new[utt_id] for utt_id in batch]
        wanted = sum(lengths) * self.share / (1 - self.share)
        fitting = int(np.searchsorted(self.old_samples, max(lengths), side="right"))
        number = len(self.old_ids)
        mean = float(self.old_samples[: fitting or 1][-100:].mean())
        window = min(number, max(100, 4 * math.ceil(wanted / mean)))
        end = max(fitting, window)
        chosen: list[str] = []
        samples = 0
        for place in rng.permutation(window):
            index = end - 1 - int(place)
            size = int(self.old_samples[index])
            if chosen and abs(samples + size - wanted) > abs(samples - wanted):
                break
            chosen.append(self.old_ids[index])
            samples += size
        return chosen
