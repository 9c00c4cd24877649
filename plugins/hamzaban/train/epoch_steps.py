"""Pass the batches of an epoch to the trainer, and act between them."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from hamzaban.train import mid_epoch, stopping
from hamzaban.train.resuming import wait_for_all

Watch = Callable[[mid_epoch.Run, Any, int], None]


class Steps:
    """Yields the batches of an epoch to ESPnet's trainer, and acts between them.

    After each update it calls `watch`. Every `options.save_interval` updates, and when
    a signal asks the run to end, it writes the state of the run. After update
    `options.max_updates` it ends the epoch.

    Attributes:
        was_taken_up: Whether an earlier process started the epoch.
    """

    def __init__(
        self, iterator: Any, run: mid_epoch.Run, options: Any, watch: Watch
    ) -> None:
        """Wrap the batches of an epoch.

        Args:
            iterator: The batches from an iterator factory.
            run: The run that is trained.
            options: The options of the trainer.
            watch: Called like `Trainer.after_update`.

        Raises:
            ValueError: The state is to be written, but the iterator cannot be resumed.
        """
        if options.save_interval and not hasattr(iterator, "start"):
            raise ValueError(
                f"save_interval is {options.save_interval}, expected 0 with iterators "
                "other than iterator_type: sequence; use that type"
            )
        self.iterator, self.run, self.options = iterator, run, options
        self.watch = watch
        self.was_taken_up = False
        self._rng: Any = None
        self._hash = ""

    def take_up(self, rank: int) -> None:
        """Continue where partial.pth was written, if it belongs to this epoch."""
        if not self.options.resume or not hasattr(self.iterator, "start"):
            return
        folder = Path(self.options.output_dir)
        found = mid_epoch.load_partial(folder, self.run, rank, self._digest())
        if found is not None:
            self.iterator.start, self._rng = found
            self.was_taken_up = True

    def __len__(self) -> int:
        """Return the number of batches of the whole epoch."""
        return len(self.iterator)

    def count_updates(self) -> tuple[int | None, int]:
        """Return the updates of an epoch (None if unknown), and how many are done."""
        num_batches, accum = length_of(self.iterator), self.options.accum_grad
        per_epoch = None if num_batches is None else num_batches // accum
        return per_epoch, getattr(self.iterator, "start", 0) // accum

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches; the code after `yield` runs when a batch is done."""
        done = getattr(self.iterator, "start", 0)
        before = self._updates()
        if self._is_over(before):
            return
        for batch in self.iterator:
            if self._rng is not None:
                mid_epoch.set_rng(self._rng)
                self._rng = None
            yield batch
            done += 1
            if done % self.options.accum_grad:
                continue
            updates = self._updates()
            self.watch(self.run, self.options, updates)
            is_asked = stopping.is_asked()
            if self._is_due(before, updates) or is_asked:
                self._save(done)
            before = updates
            if is_asked:
                self._stop(updates)
            if self._is_over(updates):
                return

    def _is_due(self, before: int, updates: int) -> bool:
        interval = self.options.save_interval
        return bool(interval) and updates > before and updates % interval == 0

    def _save(self, done: int) -> None:
        if hasattr(self.iterator, "start"):  # else it could not be resumed there
            folder = Path(self.options.output_dir)
            mid_epoch.save_partial(folder, self.run, done, self._digest())

    def _stop(self, updates: int) -> None:
        wait_for_all()  # until the first process has saved
        logging.warning(
            f"Asked to end by a signal: saved after update {updates} and ending with "
            f"status {stopping.STATUS}; started again, the training continues"
        )
        raise stopping.Stopped

    def _digest(self) -> str:
        if not self._hash:
            accum = self.options.accum_grad
            self._hash = mid_epoch.hash_batches(self.iterator, accum)
        return self._hash

    def _updates(self) -> int:
        return count_updates(self.run.optimizers[0])

    def _is_over(self, updates: int) -> bool:
        limit = self.options.max_updates
        return limit is not None and updates >= limit


def length_of(batches: Any) -> int | None:
    """Return the number of batches; None if the iterator has no length."""
    try:
        return len(batches)
    except TypeError:
        return None


def count_updates(optimizer: torch.optim.Optimizer) -> int:
    """Return the number of updates of an optimizer, over all runs of its training."""
    return optimizer.param_groups[0].get("num_updates", 0)


def tell_updates(model: torch.nn.Module, updates: int) -> None:
    """Pass the number of updates to a model that has `set_num_updates`."""
    tell = getattr(unwrap(model), "set_num_updates", None)
    if tell is not None:
        tell(updates)


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """Return the model inside PyTorch's wrappers for several devices."""
    parallel = (torch.nn.parallel.DistributedDataParallel, torch.nn.DataParallel)
    return model.module if isinstance(model, parallel) else model
