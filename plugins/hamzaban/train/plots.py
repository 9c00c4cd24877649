"""Draw the curves of a run in images/ without slowing the training down."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from espnet2.train import trainer as espnet_trainer
from espnet2.train.reporter import Reporter

MAX_SHARE = 0.03  # largest share of a run's time that drawing may take


class SparseReporter(Reporter):
    """ESPnet's reporter, which draws only if it has not drawn for long enough.

    ESPnet draws all curves again after each epoch. This takes seconds, as long as an
    epoch of a small model.
    """

    def __init__(self, epoch: int = 0) -> None:
        """Start with nothing drawn."""
        super().__init__(epoch)
        self._wait_until = 0.0
        self._missing: Path | None = None

    def matplotlib_plot(self, output_dir: str | Path) -> None:
        """Draw the curves into a folder, now or later."""
        self._missing = Path(output_dir)
        if time.perf_counter() >= self._wait_until:
            self.draw_missing()

    def draw_missing(self) -> None:
        """Draw the curves if epochs have ended since they were drawn."""
        if self._missing is None:
            return
        start = time.perf_counter()
        super().matplotlib_plot(self._missing)
        end = time.perf_counter()
        self._missing = None
        self._wait_until = end + (end - start) * (1 / MAX_SHARE - 1)


@contextmanager
def sparse_plots() -> Iterator[None]:
    """Make ESPnet's trainer use a `SparseReporter`; draw what is missing at the end."""
    made: list[SparseReporter] = []

    def make() -> SparseReporter:
        made.append(SparseReporter())
        return made[-1]

    original = espnet_trainer.Reporter
    espnet_trainer.Reporter = make
    try:
        yield
        for reporter in made:
            reporter.draw_missing()
    finally:
        espnet_trainer.Reporter = original
