"""Average the best models of a run, and keep the mean only if validation agrees.

The best of many epochs is chosen by the valid set and looks better there than it is.
Its value is no measure for the mean, whose epochs were chosen as well but which was not
the best of anything: the mean is compared with what its epochs reach on average. On
mini_ar (240 valid words) it is one word worse on valid than the best of 33 epochs and
has 11.7 % WER on the test set, where that epoch has 15.6 %.
"""

import dataclasses
import logging
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from espnet2.train import trainer as espnet_trainer
from espnet2.train.reporter import Reporter

from hamzaban.config import read_dataclass, write_config
from hamzaban.train.checkpoints import Criteria, replace_link, replaced, save
from hamzaban.weights.door import read_weights

# How far behind the best an averaged epoch may be, relative to the best, or in the unit
# of the metric: 2 points of WER, which few valid words decide.
NEAR, CLOSE = 0.05, 0.02
RECORD = "{}.ave.yaml"  # beside the models, by criterion, such as valid.wer
Measure = Callable[[Path, str], float | None]


@dataclasses.dataclass(frozen=True)
class Average:
    """The model that `<criterion>.ave.pth` links to, and why.

    Attributes:
        model: The file that it links to.
        epochs: Epochs that were averaged, the best first.
        left_out: Those of the keep_nbest_models best epochs that are too far behind.
        best_epoch: The best single epoch.
        best_value: Its value on the valid set.
        usual_value: Mean of the values of the averaged epochs.
        mean_value: Value of the mean on the valid set; None if it was not measured.
        note: A sentence that states all this.
    """

    model: str
    epochs: tuple[int, ...]
    left_out: tuple[int, ...]
    best_epoch: int
    best_value: float
    usual_value: float
    mean_value: float | None = None
    note: str = ""


@contextmanager
def own_average() -> Iterator[None]:
    """Make ESPnet's trainer average by `average_nbest` while active."""
    with replaced(espnet_trainer, "average_nbest_models", average_nbest):
        yield


def is_near(value: float, best: float, mode: str) -> bool:
    """Return whether an epoch is at most `NEAR` (relative) or `CLOSE` behind the best.

    Args:
        value: The value of the epoch.
        best: The value of the best epoch.
        mode: `min` if lower values are better, else `max`.
    """
    distance = value - best if mode == "min" else best - value
    return distance <= max(NEAR * abs(best), CLOSE) + 1e-9  # values are rounded


@torch.no_grad()
def average_nbest(
    output_dir: Path,
    reporter: Reporter,
    best_model_criterion: Criteria,
    nbest: Collection[int] | int,
    suffix: str | None = None,
) -> None:
    """Write the mean of the n best models of each criterion, named as ESPnet does.

    Only epochs near the best (`is_near`) are averaged, so n may become smaller: an
    epoch of the first updates would spoil the mean of a run of few epochs. The files
    are <phase>.<key>.ave_<n>best[.<suffix>].pth; <phase>.<key>.ave.pth is a link to
    that of the largest n. ESPnet 202511's own function gives wrong means from the
    second file on, as it sums into the models it has read.

    Args:
        output_dir: Folder of the run.
        reporter: Record of all epochs.
        best_model_criterion: (phase, key, "min" or "max") of each criterion.
        nbest: Numbers of models to average.
        suffix: Added to the names.
    """
    counts = {nbest} if isinstance(nbest, int) else set(nbest)
    end = f"{suffix}.pth" if suffix else "pth"
    for phase, key, mode in best_model_criterion:
        if not reporter.has(phase, key):
            continue
        ranked = reporter.sort_epochs_and_values(phase, key, mode)
        best = ranked[0][1]
        epochs = [epoch for epoch, value in ranked if is_near(value, best, mode)]
        epochs = epochs or [ranked[0][0]]
        sizes = sorted({min(n, len(epochs)) for n in counts if n > 0}) or [1]
        for size in sizes:
            name = f"{phase}.{key}.ave_{size}best.{end}"
            files = [output_dir / f"{epoch}epoch.pth" for epoch in epochs[:size]]
            if size == 1:
                replace_link(output_dir / name, files[0].name)
            else:
                logging.info(f"Averaging {', '.join(f.name for f in files)}: {name}")
                save(average_models(files), output_dir / name)
        replace_link(output_dir / f"{phase}.{key}.ave.{end}", name)
        if suffix is None:
            considered = [epoch for epoch, _ in ranked[: max(counts, default=1)]]
            left_out = tuple(epoch for epoch in considered if epoch not in epochs)
            chosen = tuple(epochs[: sizes[-1]])
            usual = sum(dict(ranked)[epoch] for epoch in chosen) / len(chosen)
            average = Average(
                name, chosen, left_out, ranked[0][0], float(best), float(usual)
            )
            write_average(output_dir, f"{phase}.{key}", average)


def average_models(files: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Return the mean of the floating-point tensors of model files.

    Other tensors are taken from the first file.

    Args:
        files: State dictionaries with equal keys and shapes, at least one.

    Returns:
        The state dictionary of the mean, in the type of the first file.
    """
    total = read_weights(files[0])
    for file in files[1:]:
        states = read_weights(file)
        for name, value in total.items():
            if value.is_floating_point():
                value += states[name]
    for value in total.values():
        if value.is_floating_point():
            value /= len(files)
    return total


def settle_averages(
    output_dir: Path, criteria: Criteria, measure: Measure, *, is_main: bool
) -> None:
    """Compare each mean with the epochs that it is made of; a worse one is not used.

    <criterion>.ave.pth then leads to the best epoch. The file of the mean stays, and
    <criterion>.ave.yaml and the log say what was found.

    Args:
        output_dir: Folder of a run that `average_nbest` has finished.
        criteria: (phase, key, "min" or "max") of each criterion.
        measure: Returns a metric of a model file on the valid set; None if it has no
            such metric. All processes of a training call it.
        is_main: Whether this process writes the files.
    """
    for phase, key, mode in criteria:
        name = f"{phase}.{key}"
        if not (output_dir / RECORD.format(name)).is_file():
            continue
        average = read_average(output_dir, name)
        if phase == "valid" and len(average.epochs) > 1:
            value = measure(output_dir / average.model, key)
            average = choose_model(average, value, mode)
        if is_main:
            average = dataclasses.replace(average, note=describe(average, name))
            replace_link(output_dir / f"{name}.ave.pth", average.model)
            write_average(output_dir, name, average)
            logging.info(f"{name}.ave.pth: {average.note}")


def choose_model(average: Average, value: float | None, mode: str) -> Average:
    """Return the mean or, where it is worse than its epochs, the best single epoch.

    Args:
        average: A mean of several epochs.
        value: Its metric on the valid set, by which epochs were ranked; None: unknown.
        mode: `min` if lower values are better, else `max`.
    """
    if value is None:
        return average
    usual = average.usual_value
    is_no_worse = value <= usual if mode == "min" else value >= usual  # NaN is worse
    model = average.model if is_no_worse else f"{average.best_epoch}epoch.pth"
    known = value if math.isfinite(value) else None
    return dataclasses.replace(average, model=model, mean_value=known)


def describe(average: Average, criterion: str) -> str:
    """Return a sentence that says which model was chosen, and why."""
    best = f"{average.best_value:.4g}"
    if len(average.epochs) == 1:
        text = f"epoch {average.epochs[0]} ({criterion} {best})"
    else:
        mean = f"mean of epochs {', '.join(map(str, sorted(average.epochs)))}"
        is_single = average.model == f"{average.best_epoch}epoch.pth"
        found = "not finite" if is_single else "not measured"
        if average.mean_value is not None:
            found = f"{average.mean_value:.4g}"
        single = f"epoch {average.best_epoch}"
        text = f"{mean} ({criterion} {found}; best epoch {average.best_epoch}: {best})"
        if is_single:
            text = (
                f"{single} ({criterion} {best}), since the {mean} is worse than they "
            )
            text += f"are on average ({found}; {average.usual_value:.4g})"
    if average.left_out:
        epochs = ", ".join(map(str, sorted(average.left_out)))
        text += f"; too far behind the best to be averaged: epochs {epochs}"
    return text


def write_average(output_dir: Path, criterion: str, average: Average) -> None:
    """Write <criterion>.ave.yaml."""
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(average).items()
    }
    comment = f"How {criterion}.ave.pth was chosen."
    write_config(values, output_dir / RECORD.format(criterion), comment)


def read_average(output_dir: Path, criterion: str) -> Average:
    """Read <criterion>.ave.yaml.

    Raises:
        FileNotFoundError: It is missing.
        ValueError: It was changed.
    """
    return read_dataclass(Average, output_dir / RECORD.format(criterion))
