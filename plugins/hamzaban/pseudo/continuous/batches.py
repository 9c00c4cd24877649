"""Batches with labels and with the model's own labels, in turns."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from torch import Tensor

from hamzaban.pseudo.continuous.phase import Phase
from hamzaban.train.batches import ResumableIterFactory, seeded

Batch = tuple[list[str], dict[str, Any]]


class ContinuousIterFactory(AbsIterFactory):
    """Makes the `ContinuousBatches` of each epoch.

    Attributes:
        labelled: The factory of batches with labels.
        phase: What the run remembers.
        num_updates: Of an epoch.
        accum_grad: Batches of an update.
        seed: Numbers that make the random choices those of this run and process.
    """

    def __init__(
        self,
        labelled: ResumableIterFactory,
        phase: Phase,
        *,
        num_updates: int,
        accum_grad: int,
        seed: Sequence[int],
        functions: tuple[Callable, Callable],
    ) -> None:
        """Join what the batches are made of.

        Args:
            labelled: Whose epochs are laps over the labels.
            phase: What the run remembers.
            num_updates: Of an epoch.
            accum_grad: Batches of an update.
            seed: Numbers, see above.
            functions: ESPnet's that prepares an utterance for training, and that joins
                utterances to a batch.
        """
        self.labelled, self.phase = labelled, phase
        self.num_updates, self.accum_grad = num_updates, accum_grad
        self.seed = tuple(seed)
        self.preprocess, self.collate = functions

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> ContinuousBatches:
        """Give the batches of an epoch."""
        return ContinuousBatches(self)

    def yield_labelled(self, position: int) -> Iterator[Batch]:
        """Give batches with labels without end.

        Args:
            position: How many were given before in the run.
        """
        size = len(self.labelled.build_iter(1))
        while True:
            batches = self.labelled.build_iter(position // size + 1)
            batches.start = position % size
            position += size - batches.start
            yield from batches

    def load(
        self, drawn: Sequence[Sequence[str]], numbers: Sequence[Sequence[int]]
    ) -> Iterator[Batch]:
        """Load batches with pseudo-labels, reading one ahead.

        Args:
            drawn: Utterances of each batch.
            numbers: What the random choices of each batch follow from.
        """
        utts, read = self.phase.labeller.utts, self.phase.labeller.read
        with ThreadPoolExecutor(self.phase.labeller.threads) as pool:
            waiting: list[list[Future]] = []
            for batch in drawn[:1]:
                waiting.append([pool.submit(read, utts[u]) for u in batch])
            for i, batch in enumerate(drawn):
                for following in drawn[i + 1 : i + 2]:
                    waiting.append([pool.submit(read, utts[u]) for u in following])
                waveforms = [future.result() for future in waiting.pop(0)]
                yield self._join(batch, waveforms, numbers[i])

    def _join(
        self, batch: Sequence[str], waveforms: Sequence[Tensor], numbers: Sequence[int]
    ) -> Batch:
        items = []
        for utt_id, speech in zip(batch, waveforms, strict=True):
            text = self.phase.cache.labels[utt_id]
            with seeded(*self.seed, *numbers, zlib.crc32(utt_id.encode())):
                data = self.preprocess(utt_id, {"speech": speech.numpy(), "text": text})
            items.append((utt_id, {name: _cast(v) for name, v in data.items()}))
        with seeded(*self.seed, *numbers):
            return self.collate(items)


class ContinuousBatches:
    """The batches of one epoch; `begin` comes before iterating."""

    def __init__(self, factory: ContinuousIterFactory) -> None:
        """Take what they are made of."""
        self.factory, self.phase = factory, factory.phase
        self._model: Any = None
        self._first = 0

    def begin(self, model: Any, updates: int) -> None:
        """Take the model that labels, and the updates it has made."""
        self._model, self._first = model, updates

    def __len__(self) -> int:
        """Number of batches."""
        return self.factory.num_updates * self.factory.accum_grad

    def __iter__(self) -> Iterator[Batch]:
        """Give the batches; what an update changes is looked at behind it."""
        accum, schedule = self.factory.accum_grad, self.phase.options.schedule
        position = schedule.count_labelled(self._first) * accum
        labelled = self.factory.yield_labelled(position)
        update, end = self._first, self._first + self.factory.num_updates
        while update < end:
            ahead = min(schedule.count_pseudo_ahead(update), end - update)
            if ahead:
                yield from self._take_turn(update, ahead)
                update += ahead
                continue
            yield from itertools.islice(labelled, accum)
            self.phase.follow(self._model)
            update += 1

    def _take_turn(self, update: int, number: int) -> Iterator[Batch]:
        """Give the batches of updates with pseudo-labels, then label anew."""
        self.phase.fill(self._model, update)
        accum, bins = self.factory.accum_grad, self.phase.labeller.batch_bins
        drawn = self.phase.cache.draw(update, number * accum, bins)
        numbers = [(update, place) for place in range(len(drawn))]
        for i, batch in enumerate(self.factory.load(drawn, numbers), 1):
            yield batch
            if i % accum == 0:
                self.phase.follow(self._model)
        used = [utt_id for batch in drawn for utt_id in batch]
        self.phase.replace(self._model, update + number, used)


def count_chars_per_s(texts: Mapping[str, str], lengths: Mapping[str, int]) -> float:
    """Count the characters of a second of transcribed speech, spaces apart.

    Args:
        texts: Transcripts.
        lengths: Samples at 16 kHz of all these utterances and perhaps others.

    Raises:
        ValueError: There is no character.
    """
    chars = sum(len(text.replace(" ", "")) for text in texts.values())
    samples = sum(lengths[utt_id] for utt_id in texts if utt_id in lengths)
    if not chars or not samples:
        raise ValueError("the training text has no characters; give transcripts")
    return chars / (samples / 16000)


def _cast(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype("float32" if array.dtype.kind == "f" else "int64")
