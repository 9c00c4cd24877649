"""Training batches that alternate between labels and pseudo-labels."""

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
        phase: The state of pseudo-labelling.
        num_updates: Number of updates of an epoch.
        accum_grad: Number of batches of an update.
        seed: Numbers that make the random choices differ between runs and processes.
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
        """Keep the parts that make the batches.

        Args:
            labelled: The factory of batches with labels; one epoch of it is a pass over
                all labels.
            phase: The state of pseudo-labelling.
            num_updates: Number of updates of an epoch.
            accum_grad: Number of batches of an update.
            seed: See the attribute.
            functions: ESPnet's function that prepares an utterance for training, and
                the one that joins utterances to a batch.
        """
        self.labelled, self.phase = labelled, phase
        self.num_updates, self.accum_grad = num_updates, accum_grad
        self.seed = tuple(seed)
        self.preprocess, self.collate = functions

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> ContinuousBatches:
        """Return the batches of an epoch."""
        return ContinuousBatches(self)

    def yield_labelled(self, position: int) -> Iterator[Batch]:
        """Yield batches with labels without end.

        Args:
            position: Number of batches with labels that the run has used before.
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
        """Yield batches with pseudo-labels; read the audio of the next one ahead.

        Args:
            drawn: Utterances of each batch.
            numbers: Numbers that seed the random choices of each batch.
        """
        utts, read = self.phase.labeller.utts, self.phase.labeller.read
        with ThreadPoolExecutor(self.phase.labeller.threads) as pool:

            def start(batch: Sequence[str]) -> list[Future[Tensor]]:
                return [pool.submit(read, utts[utt_id]) for utt_id in batch]

            waiting = [start(batch) for batch in drawn[:1]]
            for i, batch in enumerate(drawn):
                waiting += [start(following) for following in drawn[i + 1 : i + 2]]
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
    """The batches of one epoch; call `begin` before iterating."""

    def __init__(self, factory: ContinuousIterFactory) -> None:
        """Keep the factory that makes them."""
        self.factory, self.phase = factory, factory.phase
        self._model: Any = None
        self._first = 0

    def begin(self, model: Any, updates: int) -> None:
        """Set the model that labels, and the number of updates it has made."""
        self._model, self._first = model, updates

    def __len__(self) -> int:
        """Return the number of batches."""
        return self.factory.num_updates * self.factory.accum_grad

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches; the code after a `yield` runs when the batch is done."""
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
        """Yield the batches of updates with pseudo-labels; then label again."""
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
    """Return the characters, without spaces, per second of transcribed speech.

    Args:
        texts: Transcripts by utt_id.
        lengths: Samples at 16 kHz of these utterances; others are ignored.

    Raises:
        ValueError: The transcripts have no character.
    """
    chars = sum(len(text.replace(" ", "")) for text in texts.values())
    samples = sum(lengths[utt_id] for utt_id in texts if utt_id in lengths)
    if not chars or not samples:
        raise ValueError("the training text has no characters; give transcripts")
    return chars / (samples / 16000)


def _cast(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype("float32" if array.dtype.kind == "f" else "int64")
