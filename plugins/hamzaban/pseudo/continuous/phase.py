"""The state of continuous pseudo-labelling, beside model and optimizer.

It is written as `continuous.<epoch>.rank<r>.pth` before the checkpoint of that epoch.
The file of the previous epoch is kept, so that a run killed at any moment finds the
state that belongs to its checkpoint.pth.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_text
from hamzaban.pseudo.continuous.cache import LabelCache
from hamzaban.pseudo.continuous.continuous_options import ContinuousOptions
from hamzaban.pseudo.continuous.guard import (
    EMPTY,
    KEPT,
    TOO_FEW,
    TOO_MANY,
    Guard,
    JudgedLabel,
    LabelsCollapsedError,
    measure_labels,
)
from hamzaban.pseudo.continuous.labeller import Labeller
from hamzaban.pseudo.continuous.teacher import Teacher
from hamzaban.train import checkpoints
from hamzaban.weights.door import read_file

TABLE = "pseudo_labels.tsv"


class Phase:
    """The cache, guard and teacher of a run, and metrics of each epoch.

    Attributes:
        epoch: The last epoch that has ended.
        history: A row of metrics for each epoch.
    """

    def __init__(
        self,
        cache: LabelCache,
        labeller: Labeller,
        options: ContinuousOptions,
        rank: int = 0,
    ) -> None:
        """Start a new run; `take_up` continues an older one."""
        self.cache, self.labeller, self.options = cache, labeller, options
        self.rank = rank
        self.guard = Guard(options)
        self.teacher: Teacher | None = None
        self.epoch = 0
        self.history: list[dict[str, Any]] = []
        self._judged: list[JudgedLabel] = []
        self._new, self._seconds = 0, 0.0

    def fill(self, model: Any, update: int) -> None:
        """Fill the cache and start the teacher, if that was not done before.

        Raises:
            LabelsCollapsedError: The labels have collapsed.
        """
        if self.options.ema_decay is not None and self.teacher is None:
            self.teacher = Teacher(model, self.options.ema_decay)
        if self.cache.labels:
            return
        total, size = len(self.cache.lengths), self.cache.size
        while len(self.cache.labels) < size and self.cache.given < total:
            wanted = size - len(self.cache.labels)
            ids = self.cache.take_candidates(min(wanted, total - self.cache.given))
            self._take_in(model, ids, [], update)
        logging.info(f"Pseudo-labels: {len(self.cache.labels)} of {size} in the cache")
        if not self.cache.labels:
            raise LabelsCollapsedError(
                f"pseudo-labels collapsed before update {update + 1}: none of "
                f"{total} utterances got a label within the bounds; check "
                "min_length_ratio, max_length_ratio and the WER of the warm-up"
            )
        self.guard.check(update)

    def replace(self, model: Any, update: int, drawn: Sequence[str]) -> None:
        """Replace some utterances that were trained on by newly labelled ones.

        Args:
            model: The current model.
            update: Number of the next update.
            drawn: Utterances trained on since the last call.

        Raises:
            LabelsCollapsedError: The labels have collapsed.
        """
        leavers = self.cache.choose_leavers(update, drawn, self.options.replace_prob)
        if leavers:
            ids = self.cache.take_candidates(len(leavers))
            self._take_in(model, ids, leavers, update)

    def follow(self, model: Any) -> None:
        """Update the teacher, if there is one, after an update of the model."""
        if self.teacher is not None:
            self.teacher.follow(model)

    def _take_in(
        self, model: Any, ids: Sequence[str], leavers: Sequence[str], update: int
    ) -> None:
        start = time.monotonic()
        judged = self.labeller.label(model, self.teacher, ids)
        kept = {u: j.text for u, j in judged.items() if j.reason == KEPT}
        self._new += self.cache.replace(leavers, kept)
        self._judged += judged.values()
        self._seconds += time.monotonic() - start
        self.guard.look(judged.values(), update)

    def take_up(self, output_dir: Path, epoch: int, model: Any) -> None:
        """Restore the state after an epoch, unless this process ran that epoch.

        Args:
            output_dir: Folder of the run.
            epoch: The last epoch in its checkpoint.pth; 0 without one.
            model: The model that the teacher follows.

        Raises:
            FileNotFoundError: The file of that state is missing.
        """
        if self.epoch == epoch:
            return
        path = self._path(output_dir, epoch)
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: missing, needed to go on with epoch {epoch + 1}; use as many "
                "processes as before, or train into another --output_dir"
            )
        stored = read_file(path)
        state, teacher = json.loads(stored["state"]), stored["teacher"]
        self.cache.set_state(state["cache"])
        self.guard.set_state(state["guard"])
        self.epoch, self.history = epoch, list(state["history"])
        if teacher is not None and self.options.ema_decay is not None:
            self.teacher = Teacher(model, self.options.ema_decay)
            self.teacher.set_weights(teacher)
        logging.info(
            f"Continuing with {len(self.cache.labels)} pseudo-labels of {path}"
        )

    def end_epoch(self, output_dir: Path, epoch: int, updates: int) -> None:
        """Write the state after an epoch, and the table of all epochs.

        Args:
            output_dir: Folder of the run.
            epoch: Number of the epoch.
            updates: Number of updates made so far.
        """
        self.history.append({"epoch": epoch, "updates": updates, **self._sum_up()})
        if self._judged:
            logging.info(
                f"Pseudo-labels of epoch {epoch}: {len(self._judged)} made in "
                f"{self._seconds:.1f} s; {self.history[-1]}"
            )
        self.epoch, self._judged, self._new, self._seconds = epoch, [], 0, 0.0
        self._save(self._path(output_dir, epoch))
        for old in range(1, epoch - 1):
            self._path(output_dir, old).unlink(missing_ok=True)
        if self.rank == 0:
            self._write_table(output_dir / TABLE)

    def _save(self, path: Path) -> None:
        state = {
            "cache": self.cache.get_state(),
            "guard": self.guard.get_state(),
            "history": self.history,
        }
        weights = self.teacher.weights if self.teacher else None
        teacher = weights and {name: weight.cpu() for name, weight in weights.items()}
        text = json.dumps(state, ensure_ascii=False)  # equal states, equal bytes
        checkpoints.save({"state": text, "teacher": teacher}, path)

    def _sum_up(self) -> dict[str, Any]:
        reasons = Counter(judged.reason for judged in self._judged)
        metrics = measure_labels(self._judged)
        return {
            "cache": len(self.cache.labels),
            "labelled": len(self._judged),
            "new": self._new,
            **{name: reasons[name] for name in (EMPTY, TOO_FEW, TOO_MANY)},
            **{name: round(value, 6) for name, value in metrics.items()},
        }

    def _write_table(self, path: Path) -> None:
        with atomic_text(path) as stream:
            stream.write("\t".join(self.history[0]) + "\n")
            for row in self.history:
                stream.write("\t".join(map(str, row.values())) + "\n")

    def _path(self, output_dir: Path, epoch: int) -> Path:
        return output_dir / f"continuous.{epoch}.rank{self.rank}.pth"
