"""Report the progress of training: epoch, updates, loss, metrics and time left.

Nothing here changes random numbers, the model or a file of the run.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hamzaban.progress import ProgressFile
from hamzaban.train.epoch_steps import length_of

LOSSES = 50  # batches in the mean of the loss
MEAN_OF = 50  # updates in the moving average of their duration
METRICS = ("wer", "cer", "acc", "loss")  # on valid, where the model reports them


class MovingMean:
    """A plain mean of the first values, then an exponential moving average."""

    def __init__(self, size: int) -> None:
        """Set the number of values after which the average becomes exponential."""
        self._size, self._count, self.value = size, 0, 0.0

    def __bool__(self) -> bool:
        """Return whether there is a value."""
        return self._count > 0

    def add(self, value: float) -> None:
        """Add a value."""
        self._count = min(self._count + 1, self._size)
        self.value += (value - self.value) / self._count


class TrainingProgress:
    """Follows a run from update to update and reports it every few seconds.

    Attributes:
        file: Where to report; None reports nothing, as in all processes but the first.
    """

    def __init__(
        self,
        max_epoch: int,
        max_updates: int | None,
        *,
        file: ProgressFile | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            max_epoch: Epochs after which training ends.
            max_updates: Updates after which it ends; None: `max_epoch` decides.
            file: Where to report; None reports nothing.
            clock: Returns seconds.
        """
        self._max_epoch, self._max_updates = max_epoch, max_updates
        self.file, self._clock = file, clock
        self._update_s, self._epoch_end_s = MovingMean(MEAN_OF), MovingMean(5)
        self._last: float | None = None  # end of the last update, or start of the epoch
        self._ended: float | None = None  # end of the last update of an epoch
        self._epoch = self._updates = self._left_in_epoch = 0
        self._per_epoch: int | None = None
        self._losses: Sequence[Any] = ()
        self._batches: list[int] | None = None  # batches of valid: done, all
        self._valid: dict[str, float] = {}

    def resume(self, valid: Mapping[str, float]) -> None:
        """Restore the metrics on valid that an earlier process measured last."""
        self._valid = {name: valid[name] for name in METRICS if name in valid}

    def begin_epoch(
        self, epoch: int, updates: int, per_epoch: int | None, done: int = 0
    ) -> None:
        """Begin an epoch.

        Args:
            epoch: Its number, from 1.
            updates: Updates made so far in the whole training.
            per_epoch: Updates of an epoch; None if unknown.
            done: Updates of this epoch that an earlier process has made.
        """
        now = self._clock()
        if self._ended is not None:
            self._epoch_end_s.add(now - self._ended)
        self._epoch, self._updates, self._per_epoch = epoch, updates, per_epoch
        self._left_in_epoch = max((per_epoch or 0) - done, 0)
        self._last, self._ended, self._batches = now, None, None

    def end_update(self, updates: int, losses: Sequence[Any]) -> None:
        """Count an update.

        Args:
            updates: Updates made so far in the whole training.
            losses: Losses of this epoch's batches, as ESPnet's reporter holds them.
        """
        now = self._clock()
        if self._last is not None:
            self._update_s.add(now - self._last)
        self._last, self._updates = now, updates
        self._left_in_epoch = max(self._left_in_epoch - 1, 0)
        self._losses = losses
        if self.file is not None and self.file.is_due():
            self.file.write(self.describe())

    def begin_validation(self, num_batches: int | None) -> None:
        """Begin to validate `num_batches` batches; None if the number is unknown."""
        self._left_in_epoch = 0
        self._ended = self._last
        self._batches = None if num_batches is None else [0, num_batches]
        self._write()

    def end_valid_batch(self) -> None:
        """Count a batch of valid."""
        if self._batches is not None:
            self._batches[0] += 1
        if self.file is not None and self.file.is_due():
            self.file.write(self.describe())

    def end_validation(self, valid: Mapping[str, float]) -> None:
        """Record the metrics on valid."""
        self.resume(valid)
        self._batches = None
        self._write()

    def describe(self) -> dict[str, Any]:
        """Return the record of the run as it is now."""
        left = self._count_left()
        return {
            "epoch": self._epoch,
            "max_epoch": self._max_epoch,
            "update": self._updates,
            "updates_total": None if left is None else self._updates + left,
            "loss": self._mean_loss(),
            "valid": self._valid,
            "valid_batches": self._batches,
            "seconds_per_update": self._update_s.value if self._update_s else None,
            "left_s": None if left is None else self._estimate_left_s(left),
            "has_validated": bool(self._epoch_end_s),
        }

    def _mean_loss(self) -> float | None:
        values = [float(loss.value) for loss in self._losses[-LOSSES:]]
        values = [value for value in values if math.isfinite(value)]
        return sum(values) / len(values) if values else None

    def _count_left(self) -> int | None:
        """Return the number of updates that are left; None if unknown."""
        limit = None
        if self._max_updates is not None:
            limit = max(self._max_updates - self._updates, 0)
        if self._per_epoch is None:
            return limit
        later = max(self._max_epoch - self._epoch, 0) * self._per_epoch
        left = self._left_in_epoch + later
        return left if limit is None else min(left, limit)

    def _estimate_left_s(self, left: int) -> float | None:
        if not self._update_s:
            return None
        epochs = self._max_epoch - self._epoch
        if self._per_epoch:
            later = left - self._left_in_epoch
            epochs = min(epochs, max(math.ceil(later / self._per_epoch), 0))
        ends_s = (epochs + 1) * self._epoch_end_s.value
        if self._ended is not None:  # validating, plotting or saving
            spent_s = self._clock() - self._ended
            ends_s -= min(spent_s, self._epoch_end_s.value)
        return left * self._update_s.value + ends_s

    def _write(self) -> None:
        if self.file is not None:
            self.file.write(self.describe())


class WatchedBatches:
    """The batches of valid; each is counted when it is done."""

    def __init__(self, batches: Iterable, progress: TrainingProgress) -> None:
        """Store the batches and the progress that counts them."""
        self._batches, self._progress = batches, progress

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches."""
        self._progress.begin_validation(length_of(self._batches))
        for batch in self._batches:
            yield batch
            self._progress.end_valid_batch()


def mean_metrics(reporter: Any) -> dict[str, float]:
    """Return the means of METRICS so far in a phase of ESPnet's reporter."""
    from espnet2.train.reporter import aggregate

    names = [name for name in METRICS if name in reporter.stats]
    return {name: float(aggregate(reporter.stats[name])) for name in names}


def last_metrics(reporter: Any) -> dict[str, float]:
    """Return METRICS on valid in the last epoch that ESPnet's reporter has."""
    names = [name for name in METRICS if reporter.has("valid", name)]
    return {name: float(reporter.get_value("valid", name)) for name in names}
