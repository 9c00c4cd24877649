"""wav2vec 2.0 pretraining as an ESPnet2 task."""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from espnet2.tasks import abs_task
from espnet2.tasks.abs_task import AbsTask
from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import str2bool, str_or_none

from hamzaban.asr.stats import parse_conv_layers
from hamzaban.pretrain import config
from hamzaban.pretrain.batching import CropCollate, CropSpeech, select_utterances
from hamzaban.pretrain.checkpoint import load_weights
from hamzaban.pretrain.convert.source import read_source
from hamzaban.pretrain.export import export_checkpoint, read_export_options
from hamzaban.pretrain.model import LossOptions, PretrainModel
from hamzaban.pretrain.schedule import PolynomialDecayLR
from hamzaban.train.memory import keep_freed_memory
from hamzaban.train.options import is_first
from hamzaban.train.task import TaskMixin

abs_task.scheduler_classes["polynomialdecaylr"] = PolynomialDecayLR


class PretrainTask(AbsTask):
    """The parts of the task: options, data, model."""

    num_optimizers = 1
    class_choices_list: list[Any] = []

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of pretraining to ESPnet2's."""
        group = parser.add_argument_group("wav2vec 2.0 pretraining")
        add = group.add_argument
        add(
            "--model_cfg",
            action=NestedDictAction,
            default={},
            help="fields of S3PRL's Wav2Vec2Config: sizes, masking, dropout, quantiser",
        )
        add(
            "--task_cfg",
            action=NestedDictAction,
            default={},
            help="normalize, max_sample_size, min_sample_size, sample_rate",
        )
        add(
            "--loss_weights",
            type=float,
            nargs=2,
            default=[0.1, 10.0],
            help="weights of diversity loss and feature penalty",
        )
        add(
            "--init_checkpoint",
            type=str_or_none,
            default=None,
            help="model to continue: wav2vec2.pt, Hugging Face directory, fairseq .pt",
        )
        add(
            "--init_strict",
            type=str2bool,
            default=True,
            help="parameters missing or unexpected in init_checkpoint are an error",
        )
        add(
            "--export_conf",
            action=NestedDictAction,
            default={},
            help="model: last, best or average; dtype: float32 or float16",
        )
        _add_data_arguments(add)

    @classmethod
    def build_collate_fn(cls, args: argparse.Namespace, train: bool) -> CropCollate:
        """Padding or cropping to the shortest in training, padding in validation."""
        return CropCollate(train and args.crop_to_shortest)

    @classmethod
    def build_preprocess_fn(
        cls, args: argparse.Namespace, train: bool
    ) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
        """Normalising and cropping of one utterance."""
        task_cfg = args.task_cfg
        return CropSpeech(task_cfg["normalize"], task_cfg["max_sample_size"], train)

    @classmethod
    def required_data_names(
        cls, train: bool = True, inference: bool = False
    ) -> tuple[str, ...]:
        """Only speech."""
        return ("speech",)

    @classmethod
    def optional_data_names(
        cls, train: bool = True, inference: bool = False
    ) -> tuple[str, ...]:
        """Nothing else."""
        return ()

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> PretrainModel:
        """Build the model; with `init_checkpoint`, its architecture and weights.

        Completes `args.model_cfg` and `args.task_cfg`, which config.yaml then shows.
        """
        fill_configs(args)
        diversity, features = args.loss_weights
        losses = LossOptions(
            diversity_weight=diversity,
            feature_weight=features,
            spectral_weight=args.spectral_weight,
            valid_seed=args.valid_seed,
        )
        model = PretrainModel(args.model_cfg, losses)
        if args.init_checkpoint is not None:
            stored, form = read_source(args.init_checkpoint)
            weights, place = stored.model_weight, str(args.init_checkpoint)
            load_weights(model.wav2vec2, weights, place, strict=args.init_strict)
            logging.info(f"Starting from the weights of {form}")
        return model


class SSLTask(TaskMixin, PretrainTask):
    """Pretraining with our resumable trainer; leaves wav2vec2.pt behind."""

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Select utterances, train in this process, write wav2vec2.pt."""
        if args.collect_stats:
            raise ValueError(
                "train-ssl: --collect_stats is true; pretraining needs no such stage, "
                "use hamzaban collect-stats for the lengths"
            )
        export = read_export_options(args.export_conf)
        keep_freed_memory()
        fill_configs(args)
        select_data(args)
        super().main_worker(args)
        if not args.dry_run and is_first(args):
            export_checkpoint(args.output_dir, args.task_cfg, args.model_cfg, export)


def _add_data_arguments(add: Callable[..., Any]) -> None:
    """Add the options of losses and batches."""
    add(
        "--crop_to_shortest",
        type=str2bool,
        default=False,
        help="crop a training batch to its shortest utterance instead of padding",
    )
    add(
        "--max_drop",
        type=float,
        default=0.05,
        help="largest share of utterances that may be too short",
    )
    add(
        "--spectral_weight",
        type=float,
        default=0.0,
        help="weight of the spectral anchor, which keeps small runs from collapse",
    )
    add("--valid_seed", type=int, default=0, help="seed of masks in validation")


def fill_configs(args: argparse.Namespace) -> None:
    """Complete `args.model_cfg` and `args.task_cfg`; the checkpoint's sizes win.

    Args:
        args: Options of the task; changed.

    Raises:
        ValueError: A value is unknown or not supported.
    """
    if args.init_checkpoint is None:
        args.model_cfg = config.make_model_cfg(args.model_cfg, "model_cfg")
        args.task_cfg = config.make_task_cfg(args.task_cfg, "task_cfg")
        return
    stored = read_source(args.init_checkpoint).checkpoint
    config.make_model_cfg(args.model_cfg, "model_cfg")
    merged, kept = config.merge_model_cfg(stored.model_cfg, args.model_cfg)
    if kept:
        values = ", ".join(f"{name}: {value}" for name, value in sorted(kept.items()))
        logging.warning(f"model_cfg follows {args.init_checkpoint} for {values}")
    args.model_cfg = config.make_model_cfg(merged, "model_cfg")
    task_cfg = config.make_task_cfg(args.task_cfg, "task_cfg")
    if task_cfg["normalize"] != stored.task_cfg["normalize"]:
        normalize = stored.task_cfg["normalize"]
        logging.warning(
            f"task_cfg.normalize follows {args.init_checkpoint}: {normalize}"
        )
        task_cfg["normalize"] = normalize
    args.task_cfg = task_cfg


def select_data(args: argparse.Namespace) -> None:
    """Leave out utterances that are too short; point the options at the rest.

    Args:
        args: Options of the task; the shape files are replaced by those of
            `<output_dir>/data`.

    Raises:
        ValueError: Too many utterances are too short.
    """
    field, hop = 1, 1
    for kernel, stride in parse_conv_layers(args.model_cfg["conv_feature_layers"]):
        field, hop = field + (kernel - 1) * hop, hop * stride
    needed = field + (args.model_cfg["mask_length"] + 1) * hop
    for part in ("train", "valid"):
        files = getattr(args, f"{part}_shape_file")
        for index, file in enumerate(files):
            target = Path(args.output_dir) / "data" / f"{part}_speech_shape{index}"
            select_utterances(
                file,
                target,
                min_samples=max(needed, args.task_cfg["min_sample_size"] or 0),
                max_samples=args.task_cfg["max_sample_size"],
                max_drop=args.max_drop,
            )
            files[index] = str(target)
