"""Write the files of a training run in one step, and repair them."""

import logging
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from espnet2.tasks import abs_task
from espnet2.train import trainer as espnet_trainer
from espnet2.train.reporter import Reporter

from hamzaban.fileio import atomic_path, atomic_text, temporary_name
from hamzaban.weights.door import read_file

LAST = "checkpoint.pth"
PREVIOUS = "checkpoint.previous.pth"  # the checkpoint of the epoch before
Criteria = Sequence[Sequence[str]]

_torch_save = torch.save


class LinkPath(type(pathlib.Path())):  # type: ignore[misc]
    """A path whose symbolic links are replaced in one step.

    ESPnet removes a link, then makes the new one; a run killed between the two has
    no link. Here the old link stays until `symlink_to` renames the new one over it.
    """

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove a file; leave a symbolic link for `symlink_to` to replace."""
        if not self.is_symlink():
            super().unlink(missing_ok=missing_ok)

    def symlink_to(self, target: Any, target_is_directory: bool = False) -> None:
        """Make this path a link to `target`, replacing any earlier link."""
        replace_link(Path(self), target)


class ConfigPath(type(pathlib.Path())):  # type: ignore[misc]
    """A path whose file appears whole or not at all when it is opened for writing."""

    def open(self, mode: str = "r", *args: Any, **named: Any) -> Any:
        """Open the file; for mode "w" as a context, see `atomic_text`."""
        if mode != "w":
            return super().open(mode, *args, **named)
        return atomic_text(Path(self))


def replace_link(path: Path, target: str | os.PathLike) -> None:
    """Make `path` a symbolic link to `target`, in one step."""
    temporary = temporary_name(path)
    temporary.symlink_to(target)
    temporary.replace(path)


def link_file(source: Path, path: Path) -> None:
    """Make `path` the same file as `source`, in one step; a copy where links fail."""
    temporary = temporary_name(path)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(path)
    temporary.unlink(missing_ok=True)  # renaming a file to itself leaves both names


def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> None:
    """Save as `torch.save` does, but so that the file appears whole or not at all.

    The checkpoint.pth of the epoch before is kept as checkpoint.previous.pth.

    The bytes depend on the object only: PyTorch writes the name of the file into it,
    so a temporary name would make equal models differ.
    """
    if not isinstance(f, (str, os.PathLike)):
        _torch_save(obj, f, *args, **kwargs)
        return
    if Path(f).name == LAST and Path(f).is_file():
        link_file(Path(f), Path(f).with_name(PREVIOUS))
    with atomic_path(Path(f)) as temporary, open(temporary, "wb") as stream:
        _torch_save(obj, stream, *args, **kwargs)


@contextmanager
def atomic_files() -> Iterator[None]:
    """Make ESPnet's trainer write its files and links atomically while active."""
    with ExitStack() as stack:
        stack.enter_context(replaced(torch, "save", save))
        stack.enter_context(replaced(espnet_trainer, "Path", LinkPath))
        yield


@contextmanager
def whole_configs() -> Iterator[None]:
    """Make ESPnet's task write config.yaml atomically while active."""
    with replaced(abs_task, "Path", ConfigPath):
        yield


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute of a module of a library while active."""
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint.pth of ESPnet's trainer without running code from it.

    Tensors stay in the file until they are used.

    Args:
        path: checkpoint.pth.

    Returns:
        Its dictionary: model, reporter, optimizers, schedulers, scaler.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or is not a checkpoint.
    """
    states = read_file(path)
    if not isinstance(states, dict):
        raise ValueError(
            f"{path}: found {type(states).__name__}, expected what the trainer writes; "
            "remove it"
        )
    return states


def read_reporter(states: dict[str, Any]) -> Reporter:
    """Return the record of all epochs that a checkpoint holds."""
    reporter = Reporter()
    reporter.load_state_dict(states["reporter"])
    return reporter


def repair(
    output_dir: Path,
    states: dict[str, Any],
    model: torch.nn.Module,
    criteria: Criteria,
    keep: int,
) -> None:
    """Complete the files that follow from checkpoint.pth, if the run was killed.

    ESPnet writes checkpoint.pth of an epoch, then <epoch>epoch.pth and the links, and
    then removes the models that are no longer among the best.

    Args:
        output_dir: Folder of the run.
        states: The content of its checkpoint.pth.
        model: The model of the run; it gets the weights of the checkpoint if their file
            is missing.
        criteria: (phase, key, "min" or "max") of the models to keep.
        keep: Number of best epochs to keep for each criterion.
    """
    reporter = read_reporter(states)
    epoch = reporter.get_epoch()
    last = output_dir / f"{epoch}epoch.pth"
    if not last.exists():
        logging.info(
            f"Writing {last} from checkpoint.pth, since the last run was killed"
        )
        _save_weights(states["model"], model, last)
    replace_link(output_dir / "latest.pth", last.name)
    kept = {epoch}
    for phase, key, mode in criteria:
        if reporter.has(phase, key):
            epochs = reporter.sort_epochs(phase, key, mode)
            kept.update(epochs[:keep])
            if (output_dir / f"{epochs[0]}epoch.pth").exists():
                best = output_dir / f"{phase}.{key}.best.pth"
                replace_link(best, f"{epochs[0]}epoch.pth")
    for other in range(1, epoch):
        if other not in kept:
            (output_dir / f"{other}epoch.pth").unlink(missing_ok=True)


def _save_weights(stored: dict[str, Any], model: torch.nn.Module, path: Path) -> None:
    model.load_state_dict(stored, strict=False)
    weights = model.state_dict()
    for name in set(weights) - set(stored):
        del weights[name]
    save(weights, path)
