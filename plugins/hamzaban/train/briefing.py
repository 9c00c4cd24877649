"""Say before a training what it will do: its length, its data, its hours."""

import argparse
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hamzaban.train.task_options import FS, world_size
from hamzaban.wav2vec2 import compute

MFU = 0.4  # share of the peak speed of a GPU that estimates assume
RATIOS = {"polynomialdecaylr": 0.08, "tristagelr": 0.1}  # defaults of warmup_ratio
STEPS = {"noamlr": 25000, "warmuplr": 25000}  # defaults of warmup_steps
_FASTER = re.compile(r"sp\d[\d.]*-")  # prefix of a copy at another speed
_NO_NOISE = "- - -"  # of utt2noise

Count = Callable[[], int]
Measure = Callable[[], tuple[int, int]]


def count_updates(args: argparse.Namespace, count_batches: Count) -> int:
    """Return the number of updates of a training from its beginning to its end."""
    if args.max_updates is not None:
        return int(args.max_updates)
    return max(count_batches() // args.accum_grad, 1) * int(args.max_epoch)


def check_warmup(args: argparse.Namespace, count_batches: Count) -> None:
    """Check that the learning rate reaches its peak before training ends.

    Args:
        args: Options of a task, schedules complete.
        count_batches: Returns the number of batches of an epoch.

    Raises:
        ValueError: The warm-up is as long as the training, or longer.
    """
    warmups = list_warmups(args)
    updates = count_updates(args, count_batches) if warmups else 0
    for key, (warmup, option) in warmups.items():
        if warmup >= updates:
            raise ValueError(
                f"{key}_conf: the warm-up takes {warmup:g} updates, but training ends "
                f"after {updates}, before the learning rate has reached its value; "
                f"lower {option}, or train for longer (max_epoch, max_updates)"
            )


def list_warmups(args: argparse.Namespace) -> dict[str, tuple[float, str]]:
    """Return the updates of the warm-up of each schedule, and the option for it."""
    found = {}
    for key in [name for name in vars(args) if re.fullmatch(r"scheduler\d*", name)]:
        conf = getattr(args, f"{key}_conf", None) or {}
        if getattr(args, key) is None:
            continue
        name = getattr(args, key)
        ratio = conf.get("warmup_ratio", RATIOS.get(name))
        steps = conf.get("warmup_steps", STEPS.get(name))
        if ratio is not None and "max_steps" in conf:
            most = float(ratio) * float(conf["max_steps"])
            found[key] = (most, "warmup_ratio or max_steps")
        elif steps is not None:
            found[key] = (float(steps), "warmup_steps")
    return found


def brief(args: argparse.Namespace, count_batches: Count, measure: Measure) -> None:
    """Log the plan of a training.

    Args:
        args: Options of a task whose model is built.
        count_batches: Returns the number of batches of an epoch.
        measure: Returns that number and the samples of the batches.
    """
    updates = count_updates(args, count_batches)
    parts = [f"{updates:,} updates"]
    hours: float | None = None
    try:
        num_batches, samples = measure()
    except ValueError:  # iterators of other types tell nothing
        parts.append("hours of audio unknown for this type of iterator")
    else:
        hours = samples / num_batches * args.accum_grad / FS / 3600
        total = f"{hours * updates:,.3g} h in all"
        parts.append(f"{hours:.3g} h of audio an update, {total}")
    parts += [
        f"warm-up {100 * warmup / updates:.1f} % of them"
        for warmup, _ in list_warmups(args).values()
    ]
    logging.info("Plan: %s", "; ".join(parts))
    logging.info("Plan: %s", "; ".join(describe_data(args)))
    if hours is not None:
        logging.info("Plan: %s", estimate_hours(args, hours * updates))


def describe_data(args: argparse.Namespace) -> list[str]:
    """Return how many utterances are used, left out for CTC, and augmented."""
    folder = Path(args.train_data_path_and_name_and_type[0][0]).parent
    used = set(_read_ids(Path(args.train_shape_file[0])))
    total = sum(
        1 for _ in _read_ids(Path(args.train_data_path_and_name_and_type[0][0]))
    )
    parts = [f"{len(used):,} of {total:,} utterances of {folder}"]
    if len(used) < total:
        number = total - len(used)
        parts.append(f"{number:,} left out by collect-stats, such as too short for CTC")
    changed = _list_augmented(folder) & used
    changed |= {utt_id for utt_id in used if _FASTER.match(utt_id)}
    share = 100 * len(changed) / max(len(used), 1)
    parts.append(f"{share:.1f} % with noise, rooms or another speed")
    for name in ("noise", "rir"):
        if getattr(args, f"{name}_scp", None):
            share = 100 * getattr(args, f"{name}_apply_prob", 1.0)
            parts.append(f"{name} added while training to {share:.0f} %")
    return parts


def estimate_hours(args: argparse.Namespace, audio_h: float) -> str:
    """Return an estimate of the hours that the GPUs need, or why there is none."""
    if not args.ngpu:
        return "time on CPUs is not estimated; the first updates show it"
    import torch

    name = torch.cuda.get_device_name()
    known = compute.PEAK_TFLOPS.items()
    peaks = [peak for gpu, peak in known if gpu.removesuffix(" SXM") in name]
    if not peaks:
        return f"time on {name} is not estimated; see hamzaban estimate-compute"
    frontend: Mapping[str, Any] = getattr(args, "frontend_conf", None) or {}
    model_cfg = getattr(args, "model_cfg", None) or frontend.get("model_cfg") or {}
    run = compute.Run(
        3600 * audio_h, 15.0, "feature_extractor" in (frontend.get("freeze") or []),
        bool(frontend.get("gradient_checkpointing")),
    )  # fmt: skip
    needed = compute.gpu_hours(compute.count_run(model_cfg, run), peaks[0], MFU)
    count = world_size(args)
    return (
        f"about {needed / count:.3g} h on {count} x {name}, an estimate at {MFU:.0%} "
        "of the peak, without loading and validation"
    )


def _list_augmented(folder: Path) -> set[str]:
    path = folder / "utt2noise"
    if not path.is_file():
        return set()
    with open(path, encoding="utf-8") as lines:
        rows = (line.rstrip("\n").partition(" ") for line in lines)
        return {utt_id for utt_id, _, added in rows if added != _NO_NOISE}


def _read_ids(path: Path) -> Iterable[str]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield line.partition(" ")[0].rstrip("\n")
