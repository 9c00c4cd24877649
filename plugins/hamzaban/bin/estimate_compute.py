"""Estimate the GPU hours of a training run from its config."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hamzaban.cli import finite_float
from hamzaban.verb_help import OptionHelp

GROUP = "train"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban estimate-compute`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="This is an estimate, not a measurement: the operations of all matrix "
        "products divided by the peak speed of a GPU times --mfu, the share of it that "
        "is assumed to be reached. Loading, validation and waiting are not included.",
        formatter_class=OptionHelp,
    )
    add = parser.add_argument
    add("config", type=Path, help="YAML of train-ssl or train-asr")
    add("--model_config", type=Path, help="YAML with model_cfg, if not in the config")
    add(
        "--updates",
        type=int,
        help="number of updates; default: max_updates of the config",
    )
    add(
        "--batch_hours",
        type=finite_float,
        help="hours of audio per update; default: the config's",
    )
    add(
        "--utterance_s",
        type=finite_float,
        default=15.0,
        help="mean length of utterances",
    )
    add(
        "--mfu",
        type=finite_float,
        default=0.4,
        help="share of the peak speed that is assumed to be reached",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.config import read_config
    from hamzaban.wav2vec2 import compute

    config = read_config(args.config)[0]
    model_cfg = read_config(args.model_config or args.config)[0].get("model_cfg") or {}
    if not 0 < args.mfu <= 1 or args.utterance_s <= 0:
        raise ValueError(
            f"--mfu is {args.mfu}, --utterance_s is {args.utterance_s}; expected a "
            "share above 0, at most 1, and a length above 0"
        )
    updates, hours = read_length(args, config)
    frontend = config.get("frontend_conf") or {}
    run = compute.Run(
        3600 * updates * hours,
        args.utterance_s,
        "feature_extractor" in (frontend.get("freeze") or []),
        any(part.get("gradient_checkpointing") for part in (config, frontend)),
    )
    one = compute.count_operations(model_cfg, round(16000 * args.utterance_s))
    forward = (one.convolutions + one.transformer) / args.utterance_s
    total = compute.count_run(model_cfg, run)
    print(f"{updates} updates of {hours:.3g} h: {updates * hours:,.0f} h of audio")
    print(f"{forward / 1e9:.1f} GFLOP per second of audio in the forward pass")
    print(f"{total:.3g} FLOP in total")
    for name, peak in compute.PEAK_TFLOPS.items():
        needed = format_hours(compute.gpu_hours(total, peak, args.mfu))
        print(f"estimate at {args.mfu:.0%} of the peak: {needed} h on one {name}")
    return 0


def format_hours(hours: float) -> str:
    """Format hours with only as many digits as the estimate supports."""
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2f}"


def read_length(args: argparse.Namespace, config: dict[str, Any]) -> tuple[int, float]:
    """Return the number of updates, and the hours of audio of each.

    Raises:
        ValueError: The config does not say, and no option does.
    """
    updates = args.updates or config.get("max_updates")
    hours = args.batch_hours or config.get("batch_hours")
    if hours is None and config.get("batch_bins"):
        hours = config["batch_bins"] * config.get("accum_grad", 1) / 16000 / 3600
    if not updates or not hours:
        what = "--batch_hours" if updates else "--updates"
        raise ValueError(
            f"{args.config}: has neither the length of training nor {what}; give {what}"
        )
    return int(updates), float(hours)
