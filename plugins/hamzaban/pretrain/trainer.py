"""The trainer of pretraining: checks for collapse and keeps the last good weights."""

import argparse
import dataclasses
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from espnet2.train.reporter import SubReporter, WeightedAverage, aggregate
from espnet2.utils.build_dataclass import build_dataclass

from hamzaban.fileio import atomic_text
from hamzaban.pretrain.collapse import (
    Alarm,
    CollapseError,
    DoctorOptions,
    examine,
    examine_probes,
    read_doctor_options,
    remember,
    summarize,
)
from hamzaban.train import checkpoints
from hamzaban.train.epoch_steps import unwrap
from hamzaban.train.mid_epoch import Run
from hamzaban.train.trainer import Options, Trainer

LAST_GOOD = "last_good.pth"
CANDIDATE = "candidate.pth"  # becomes LAST_GOOD if the next check finds no alarm
BASELINE = "probe_baseline.json"
PROBED = ("loss_contrastive", "acc", "loss_ctc", "cer", "code_perplexity")


@dataclasses.dataclass
class PretrainOptions(Options):
    """The options of the trainer, and those of pretraining.

    Attributes:
        doctor_conf: The options of `DoctorOptions`.
        init_checkpoint: The model that is continued; None: random weights.
    """

    doctor_conf: dict
    init_checkpoint: str | None


class PretrainTrainer(Trainer):
    """Our trainer with checks for collapse and with probes.

    After `interval` updates the means of perplexity, loss, accuracy, gradient norm and
    mask share are logged and checked. An alarm is a warning with reason and remedy, and
    `patience` alarms in a row end the run with a `CollapseError`. `last_good.pth` has
    the weights of the last epoch or save_interval after which a check found no alarm.

    Probes are further valid sets: their losses are reported as `valid/<name>_<key>`,
    and before the first update they are measured for `<name>_forgetting`.
    """

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> PretrainOptions:
        """Build the options of the trainer from those of the task."""
        read_doctor_options(args.doctor_conf)
        return build_dataclass(PretrainOptions, args)

    @classmethod
    def run(cls, **parts: Any) -> None:
        """Train; measure the probes first."""
        options, factory = parts["trainer_options"], parts["valid_iter_factory"]
        path = Path(options.output_dir) / BASELINE
        is_new = not (options.resume and path.is_file())
        probes = getattr(factory, "probes", {})
        if probes and is_new:
            distributed = parts["distributed_option"]
            values = {
                name: cls._measure(parts["model"], probe, options, distributed)
                for name, probe in factory.build_iter(1).probes.items()
            }
            logging.info(f"Probes before training: {values}")
            if not distributed.distributed or not distributed.dist_rank:
                with atomic_text(path) as stream:
                    json.dump(values, stream, indent=1)
        super().run(**parts)

    @classmethod
    def validate_one_epoch(
        cls,
        *,
        model: torch.nn.Module,
        iterator: Iterable,
        reporter: SubReporter,
        **rest: Any,
    ) -> None:
        """Validate, measure the probes, and keep the weights if there is no alarm."""
        super().validate_one_epoch(
            model=model, iterator=iterator, reporter=reporter, **rest
        )
        options = rest["options"]
        path = Path(options.output_dir) / BASELINE
        baseline = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        alarms = []
        for name, batches in getattr(iterator, "probes", {}).items():
            found = cls._measure(model, batches, options, rest["distributed_option"])
            loss, before = found.get("loss_contrastive"), baseline.get(name, {})
            if loss is not None and "loss_contrastive" in before:
                found["forgetting"] = loss - before["loss_contrastive"]
                limit = read_doctor_options(options.doctor_conf).max_forgetting
                first = {name: before["loss_contrastive"]}
                alarms += examine_probes({name: loss}, first, limit)
            add_means(reporter, {f"{name}_{key}": v for key, v in found.items()})
        bare: Any = unwrap(model)
        state = getattr(bare, "doctor", {})
        doctor = read_doctor_options(options.doctor_conf)
        if state.get("looked", 0) > doctor.warmup:
            means, best = summarize(reporter, reporter.count), dict(state["best"])
            alarms += examine(means, best, doctor, bare.wav2vec2.n_negatives)
        for alarm in alarms:
            logging.warning(f"Valid: {alarm.reason}; {alarm.remedy}")
        if not alarms and not state.get("sick"):
            save_weights(bare, options, LAST_GOOD)

    @classmethod
    def after_update(cls, run: Run, options: Any, updates: int) -> None:
        """Check the run, and stop it after `patience` alarms in a row."""
        doctor = read_doctor_options(options.doctor_conf)
        state = run.optimizers[0].param_groups[0].setdefault("doctor", {})
        model: Any = run.model
        model.doctor = state
        watch_gradient(run, doctor, state, options)
        if updates % doctor.interval or state.get("looked") == updates:
            return
        state["looked"] = updates
        means = summarize(run.reporter, doctor.interval * options.accum_grad)
        shown = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        logging.info(f"Update {updates}: {shown}")
        best = state.setdefault("best", {})
        if updates <= doctor.warmup:
            if options.init_checkpoint:  # codes of random weights mean nothing
                remember(means, best)
            return
        alarms = examine(means, best, doctor, model.wav2vec2.n_negatives)
        if not alarms:
            state["sick"] = 0
            promote(options)
            keep_candidate(model, options, state, updates)
            return
        state["sick"] = state.get("sick", 0) + 1
        for alarm in alarms:
            logging.warning(f"Update {updates}: {alarm.reason}; {alarm.remedy}")
        if state["sick"] >= doctor.patience:
            stop(alarms[0], options, updates)

    @classmethod
    def _measure(
        cls, model: torch.nn.Module, batches: Iterable, options: Any, distributed: Any
    ) -> dict[str, float]:
        """Return the mean statistics on a probe."""
        reporter = SubReporter("probe", 1, 0)
        super().validate_one_epoch(
            model=model,
            iterator=batches,
            reporter=reporter,
            options=options,
            distributed_option=distributed,
        )
        return {
            name: float(aggregate(values))
            for name, values in reporter.stats.items()
            if name.startswith(PROBED)
        }


def watch_gradient(
    run: Run, doctor: DoctorOptions, state: dict[str, Any], options: Any
) -> None:
    """Count consecutive updates without a finite gradient; stop at too many.

    ESPnet skips such updates, and would skip all once the weights are not finite.
    """
    norms = run.reporter.stats.get("grad_norm", [])
    is_finite = bool(norms) and norms[-1].value == norms[-1].value
    state["skipped"] = 0 if is_finite else state.get("skipped", 0) + 1
    if state["skipped"] >= doctor.max_skipped:
        alarm = Alarm(
            f"loss or gradient was not finite in {state['skipped']} updates in a row",
            "start from the last good weights with a lower learning rate or grad_clip; "
            "set autocast_dtype to null to see whether precision is the cause",
        )
        stop(alarm, options, run.optimizers[0].param_groups[0].get("num_updates", 0))


def stop(alarm: Alarm, options: Any, updates: int) -> None:
    """Stop training with the reason and the remedy.

    Raises:
        CollapseError: Always.
    """
    raise CollapseError(
        f"{options.output_dir}: stopped after update {updates}: {alarm.reason}; "
        f"{alarm.remedy}"
    )


def save_weights(model: torch.nn.Module, options: Any, name: str) -> None:
    """Write the weights to a file of the run, in its first process."""
    if is_main():
        checkpoints.save(model.state_dict(), Path(options.output_dir) / name)


def keep_candidate(
    model: torch.nn.Module, options: Any, state: dict[str, Any], updates: int
) -> None:
    """Write the candidate at the first check without alarm after a save_interval."""
    if not options.save_interval:
        return
    number = updates // options.save_interval
    if number > state.get("kept", 0):
        state["kept"] = number
        save_weights(model, options, CANDIDATE)


def promote(options: Any) -> None:
    """Make the candidate, if there is one, the last good weights."""
    path = Path(options.output_dir) / CANDIDATE
    if is_main() and path.exists():
        path.replace(path.with_name(LAST_GOOD))


def is_main() -> bool:
    """Return whether this process writes the files of the run."""
    world = torch.distributed
    is_split = world.is_available() and world.is_initialized()
    return not is_split or world.get_rank() == 0


def add_means(reporter: SubReporter, values: dict[str, float]) -> None:
    """Add values of a whole phase to the statistics of its batches."""
    for name, value in values.items():
        empty = [WeightedAverage(float("nan"), 0)] * (reporter.count - 1)
        reporter.stats[name] = [*empty, WeightedAverage(value, 1)]
