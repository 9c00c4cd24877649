"""Check what a run starts from, before any file of an older run is overwritten.

ESPnet writes config.yaml before it reads checkpoint.pth and the files of init_param. A
run that fails to start would leave a config.yaml that does not fit the models.
"""

import argparse
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from hamzaban.train import checkpoints
from hamzaban.train.task_options import is_first
from hamzaban.wav2vec2.checkpoint import compare_weights
from hamzaban.weights.door import read_file
from hamzaban.weights.values import check_finite
from hamzaban.yaml_loader import load_yaml

# Prefixes of the options of the optimizer, its schedule and its parameter groups.
_KEPT = (
    "optim",
    "scheduler",
    "exclude_weight_decay",
    "layer_lr_decay",
    "head_lr_scale",
)
_OTHER_WAYS = (
    "restore the option, or train into another --output_dir from these weights "
    "(--init_param; for train-ssl --init_checkpoint)"
)


def check_start(args: argparse.Namespace, model: torch.nn.Module) -> None:
    """Check that a run can start from the files that its options name.

    Args:
        args: Options of a task whose model is built; nothing is written yet.
        model: The model.

    Raises:
        FileNotFoundError: A file of init_param is missing.
        ValueError: checkpoint.pth or a file of init_param does not fit the model, or
            the optimizer and schedule differ from those of the resumed run.
    """
    if not getattr(args, "use_adapter", False):
        for text in args.init_param or []:
            check_init_param(text, model, args.ignore_init_mismatch)
    if not is_resuming(args):
        return
    path = Path(args.output_dir) / checkpoints.LAST
    states = take_up(args)
    for name, value in read_record(args).items():
        check_option(args, name, value, path.with_name("config.yaml"))
    if not getattr(args, "use_adapter", False):
        wrong, _ = compare_weights(model.state_dict(), states["model"])
        if wrong:
            raise ValueError(
                f"{path}: its model does not fit these options "
                f"({'; '.join(wrong)}); {_OTHER_WAYS}, with --ignore_init_mismatch "
                "true, or `hamzaban map-head` for other tokens"
            )


def is_resuming(args: argparse.Namespace) -> bool:
    """Return whether a run resumes an older one."""
    return bool(args.resume) and (Path(args.output_dir) / checkpoints.LAST).is_file()


def take_up(args: argparse.Namespace) -> dict[str, Any]:
    """Read checkpoint.pth or, if it is damaged, the checkpoint of the epoch before.

    The damaged file is kept as checkpoint.pth.damaged. All processes of a run call this
    together.

    Raises:
        ValueError: Neither checkpoint can be read.
    """
    folder = Path(args.output_dir)
    last, previous = folder / checkpoints.LAST, folder / checkpoints.PREVIOUS
    try:
        return _load(last)
    except ValueError as error:
        if not previous.is_file():
            raise
        states = _load(previous)
        epoch = checkpoints.read_reporter(states).get_epoch()
        logging.warning(
            f"{error}: resuming after epoch {epoch} from {previous} instead"
        )
    wait_for_all()
    if is_first(args):
        last.replace(last.with_name(f"{last.name}.damaged"))
        checkpoints.link_file(previous, last)
    wait_for_all()
    return states


def _load(path: Path) -> dict[str, Any]:
    states = checkpoints.load_checkpoint(path)
    missing = {"model", "reporter", "optimizers", "schedulers", "scaler"} - set(states)
    if missing:
        raise ValueError(
            f"{path}: {', '.join(sorted(missing))} missing, expected a checkpoint of "
            "the trainer; remove it to train from the beginning"
        )
    return states


def wait_for_all() -> None:
    """Wait until all processes of a run have reached this point."""
    world = torch.distributed
    if world.is_available() and world.is_initialized():
        world.barrier()


def read_record(args: argparse.Namespace) -> dict[str, Any]:
    """Read the optimizer, schedule and tokens of a run from its config.yaml.

    Returns:
        Options by name; empty if config.yaml is missing or damaged.
    """
    path = Path(args.output_dir) / "config.yaml"
    try:
        values = load_yaml(path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        logging.warning(
            f"{path}: cannot be read, so the optimizer is not compared: {reason}"
        )
        return {}
    if not isinstance(values, Mapping):
        return {}
    return {
        name: value
        for name, value in values.items()
        if name.startswith(_KEPT) or name == "token_list"
    }


def check_option(
    args: argparse.Namespace, name: str, before: Any, place: str | Path
) -> None:
    """Check that an option has the value that the run started with.

    Raises:
        ValueError: The value differs; the optimizer would ignore the new one.
    """
    if not hasattr(args, name):
        return
    now, old = normalize(getattr(args, name)), normalize(before)
    if name == "token_list":
        if isinstance(now, list) and isinstance(old, list) and now != old:
            raise ValueError(
                f"{place}: token_list has {len(old)} tokens, which are not the "
                f"{len(now)} of this run; {_OTHER_WAYS}, after `hamzaban map-head`"
            )
        return
    if now == old:
        return
    if isinstance(now, dict) and isinstance(old, dict):
        differ = sorted(k for k in now.keys() | old.keys() if now.get(k) != old.get(k))
        name, now, old = f"{name}.{differ[0]}", now.get(differ[0]), old.get(differ[0])
    raise ValueError(
        f"{place}: {name} is {old}, but now {now}; a resumed run keeps its optimizer "
        f"and schedule; {_OTHER_WAYS}"
    )


def normalize(value: Any) -> Any:
    """Return a value of a YAML or a command line in a form that can be compared."""
    if isinstance(value, Mapping):
        return {str(key): normalize(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [normalize(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def keep_schedule(args: argparse.Namespace, computed: Iterable[str]) -> None:
    """Replace a computed max_steps by that of the resumed run.

    Args:
        args: Options of a task; scheduler*_conf is changed.
        computed: Names of the options whose max_steps was computed from the data.
    """
    if not is_resuming(args):
        return
    record = read_record(args)
    for name in computed:
        before = (record.get(name) or {}).get("max_steps")
        conf = getattr(args, name)
        if before is not None and conf["max_steps"] != before:
            logging.warning(
                f"{name}.max_steps stays {before}, as at the start of the run, and "
                f"does not become {conf['max_steps']}; train into another --output_dir "
                "for a new schedule"
            )
            setattr(args, name, {**conf, "max_steps": before})


def check_init_param(text: str, model: torch.nn.Module, leave_out: bool) -> None:
    """Check that a file of init_param fits the model.

    Args:
        text: <file>:<part of the file>:<part of the model>:<parts left out>, the form
            of ESPnet.
        model: The model.
        leave_out: Whether to allow parameters that do not fit, which are left out, as
            with --ignore_init_mismatch.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file does not fit the model.
    """
    path, source, target, excluded = (text.split(":", 4) + [""] * 3)[:4]
    state = read_file(path)
    if isinstance(state, Mapping) and isinstance(state.get("module"), Mapping):
        state = state["module"]
    check_finite(state, path)
    if excluded:
        left = tuple(excluded.split(","))
        state = {name: w for name, w in state.items() if not name.startswith(left)}
    if source:
        start = len(source) + 1
        state = {n[start:]: w for n, w in state.items() if n.startswith(source)}
    own = _find_part(model, target, text).state_dict()
    fits = [n for n in own.keys() & state.keys() if own[n].shape == state[n].shape]
    wrong, _ = compare_weights(own, state)
    wrong = [kind for kind in wrong if not kind.startswith("missing")]
    if not fits or (wrong and not leave_out):
        raise ValueError(
            f"init_param {path}: {len(fits)} of {len(own)} parameters fit the model "
            f"({'; '.join(wrong)}); for other tokens map its output layer with "
            "`hamzaban map-head`, or leave out parameters that do not fit with "
            "--ignore_init_mismatch true"
        )


def _find_part(model: torch.nn.Module, name: str, place: str) -> torch.nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        raise ValueError(
            f"init_param {place}: '{name}' is not part of the model; known: "
            f"{', '.join(name for name, _ in model.named_children())}"
        ) from None
