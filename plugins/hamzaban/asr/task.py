"""Fine-tuning to a CTC recognizer as an ESPnet2 task."""

import argparse
import dataclasses
import logging
from pathlib import Path
from typing import Any

from espnet2.tasks.abs_task import optim_classes
from espnet2.tasks.asr import ASRTask as EspnetASRTask
from espnet2.utils.types import str2bool, str_or_none

from hamzaban import compat
from hamzaban.asr.balancing import (
    add_balance,
    add_balance_arguments,
    build_balanced,
    is_balanced,
)
from hamzaban.asr.choices import FRONTEND, JOINT_MODEL, MODEL, register_classes
from hamzaban.asr.frontend_options import FineTuning
from hamzaban.asr.head_start import start_heads
from hamzaban.asr.languages import NAME, LanguagePreprocessor, fill_languages
from hamzaban.cli import finite_float
from hamzaban.fileio import copy_file
from hamzaban.text.cleaner import find_cleaner
from hamzaban.text.tokens import build_tokenizer
from hamzaban.train.augment import check_augmentation
from hamzaban.train.memory import keep_freed_memory
from hamzaban.train.param_groups import make_groups
from hamzaban.train.task import TaskMixin
from hamzaban.wav2vec2.convert.source import read_source

register_classes()


class ASRTask(TaskMixin, EspnetASRTask):
    """ESPnet2's ASR task with our trainer, frontend and model by default.

    The wav2vec 2.0 checkpoint is read once. Its configuration goes into config.yaml and
    its weights into the model, so a trained model no longer needs the file.
    """

    description = (
        "Fine-tune wav2vec 2.0 to a CTC recognizer, from a checkpoint or from scratch. "
        "A YAML given by --config may set any option of ESPnet2 or of ours."
    )

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add our options to those of ESPnet2's task, and set our defaults."""
        super().add_task_arguments(parser)
        parser.add_argument(
            "--ssl_checkpoint",
            "--init_checkpoint",
            type=str_or_none,
            default=None,
            help="wav2vec 2.0, pretrained or a CTC model, whose output layer is kept "
            "where tokens are the same: wav2vec2.pt, Hugging Face directory, fairseq",
        )
        parser.add_argument(
            "--init_strict",
            type=str2bool,
            default=True,
            help="parameters missing or unexpected in ssl_checkpoint are an error",
        )
        compat.open_choices(parser, "cleaner", find_cleaner)
        parser.add_argument(
            "--layer_lr_decay",
            type=finite_float,
            default=1.0,
            help="learning rate of a transformer layer relative to the layer above",
        )
        parser.add_argument(
            "--head_lr_scale",
            type=finite_float,
            default=1.0,
            help="learning rate of the CTC layer relative to the last "
            "transformer layer",
        )
        add_balance_arguments(parser)
        parser.set_defaults(
            frontend=FRONTEND, model=MODEL, encoder=None, normalize=None, specaug=None,
            best_model_criterion=[("valid", "wer", "min")],
        )  # fmt: skip

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> Any:
        """Build the model, with the weights of `ssl_checkpoint` if there is one.

        `args` is changed so that the model can be built without that file.
        """
        weights = embed_checkpoint(args) if args.frontend == FRONTEND else None
        model = super().build_model(args)
        if weights is not None:
            model.frontend.load_pretrained(*weights, strict=args.init_strict)
            start_heads(model, Path(weights[1]))
        if args.model in (MODEL, JOINT_MODEL) and is_spelling_known(args):
            model.tokenizer = build_tokenizer(
                args.token_type, model.token_list, args.bpemodel
            )
        return model

    @classmethod
    def optional_data_names(
        cls, train: bool = True, inference: bool = False
    ) -> tuple[str, ...]:
        """Return ESPnet2's names of optional data and the name of the language."""
        return (*super().optional_data_names(train, inference), NAME)

    @classmethod
    def build_preprocess_fn(cls, args: argparse.Namespace, train: bool) -> Any:
        """Return ESPnet2's preprocessing; it handles languages if the model has any."""
        inner = super().build_preprocess_fn(args, train)
        if args.model != JOINT_MODEL:
            return inner
        return LanguagePreprocessor(inner, args.model_conf["languages"])

    @classmethod
    def count_batches(cls, args: argparse.Namespace) -> int:
        """Return the number of training batches of an epoch."""
        if is_balanced(args) and args.num_iters_per_epoch is None:
            return len(build_balanced(args))
        return super().count_batches(args)

    @classmethod
    def measure_batches(cls, args: argparse.Namespace) -> tuple[int, int]:
        """Return the number of batches, and their samples without padding."""
        if not is_balanced(args):
            return super().measure_batches(args)
        sampler = build_balanced(args)
        return len(sampler), round(sum(sampler.shares.values()))

    @classmethod
    def build_sequence_iter_factory(
        cls, args: argparse.Namespace, iter_options: Any, mode: str
    ) -> Any:
        """Build the iterator of a mode; in training, languages may be balanced."""
        factory = super().build_sequence_iter_factory(args, iter_options, mode)
        if mode == "train" and is_balanced(args):
            add_balance(args, factory.inner, cls.build_dataset(args, iter_options))
        return factory

    @classmethod
    def build_optimizers(cls, args: argparse.Namespace, model: Any) -> list[Any]:
        """Build the optimizer, with learning rates by layer if options set them.

        Raises:
            ValueError: Options contradict each other.
        """
        scales = args.layer_lr_decay, args.head_lr_scale
        if scales == (1.0, 1.0):
            return super().build_optimizers(args, model)
        if args.frontend != FRONTEND or args.exclude_weight_decay:
            raise ValueError(
                f"layer_lr_decay and head_lr_scale are {scales}, expected 1.0 without "
                f"frontend {FRONTEND} or with exclude_weight_decay"
            )
        if "lr" not in args.optim_conf:
            raise ValueError("optim_conf: no lr, needed by layer_lr_decay; give one")
        cls.check_start(args, model)
        groups = make_groups(
            model.named_parameters(),
            float(args.optim_conf["lr"]),
            num_layers=len(model.frontend.model.encoder.layers),
            decay=args.layer_lr_decay,
            inside="frontend.upstream.upstream.model.",
            head_scale=args.head_lr_scale,
        )
        return [optim_classes[args.optim](groups, **args.optim_conf)]

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Train or collect statistics in this process."""
        keep_freed_memory()
        check_frontend(args)
        check_frozen(args)
        check_augmentation(args)
        for name in ("freeze_updates", "layerdrop"):
            if args.frontend_conf.get(name) and not args.unused_parameters:
                args.unused_parameters = True
                logging.info(f"unused_parameters = true, since {name} is set")
        if args.model == JOINT_MODEL:
            fill_languages(args)
            args.unused_parameters = True  # heads of absent languages
        super().main_worker(args)
        if args.dist_rank in (None, 0):
            keep_bpemodel(args)


def keep_bpemodel(args: argparse.Namespace) -> None:
    """Copy the BPE model beside config.yaml, so that a moved folder still has it."""
    path, folder = args.bpemodel and Path(args.bpemodel), Path(args.output_dir)
    if not args.collect_stats and path and path.is_file() and path.parent != folder:
        copy_file(path, folder / path.name)


def check_frontend(args: argparse.Namespace) -> None:
    """Check that the options of our frontend are not given to ESPnet's.

    Raises:
        ValueError: `frontend_conf` has options that ESPnet's frontend lacks.
    """
    ours = {field.name for field in dataclasses.fields(FineTuning)}
    found = sorted(ours & set(args.frontend_conf))
    if args.frontend == "s3prl" and found:
        raise ValueError(
            f"frontend_conf: {', '.join(found)} found, which --frontend s3prl does not "
            f"have; remove it, or use --frontend {FRONTEND} with --ssl_checkpoint (a "
            "Hugging Face directory will do)"
        )


def check_frozen(args: argparse.Namespace) -> None:
    """Check that no part with random weights stays frozen.

    Raises:
        ValueError: `frontend_conf.freeze` is set, but there is no checkpoint.
    """
    conf = args.frontend_conf
    path = args.ssl_checkpoint or (conf.get("frontend_conf") or {}).get("path_or_url")
    if conf.get("freeze") and path is None and not args.init_param:
        raise ValueError(
            f"frontend_conf.freeze is {conf['freeze']} but there is no checkpoint: "
            "random weights would stay; give --ssl_checkpoint FILE, or freeze: []"
        )


def is_spelling_known(args: argparse.Namespace) -> bool:
    """Return whether token ids can become text, which needs a BPE model's file."""
    if args.token_type == "bpe":
        return args.bpemodel is not None and Path(args.bpemodel).is_file()
    return args.token_type == "char"


def embed_checkpoint(args: argparse.Namespace) -> tuple[dict[str, Any], str] | None:
    """Move the configuration of the checkpoint into `args`.

    Args:
        args: Options of the task. `ssl_checkpoint`, or `path_or_url` of the inner
            `frontend_conf`, becomes None; `model_cfg` and `task_cfg` are filled, and
            `ssl_checkpoint_used` keeps the path for the record.

    Returns:
        The weights and the path, or None if no checkpoint is asked for.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is not a checkpoint.
    """
    conf = dict(args.frontend_conf)
    inner = dict(conf.get("frontend_conf") or {})
    path = getattr(args, "ssl_checkpoint", None) or inner.get("path_or_url")
    inner["path_or_url"] = None
    inner.setdefault("upstream", "wav2vec2_custom")
    args.ssl_checkpoint = None
    args.frontend_conf = {**conf, "frontend_conf": inner}
    if path is None:
        return None
    task_cfg, model_cfg, weights = read_source(path).checkpoint
    model_cfg["latent_temp"] = list(model_cfg["latent_temp"])
    args.frontend_conf.update(task_cfg=task_cfg, model_cfg=model_cfg)
    args.ssl_checkpoint_used = str(path)
    return weights, str(path)
