"""The options that `hamzaban train-ssl` adds to those of ESPnet2."""

import argparse
from collections.abc import Callable
from typing import Any

from espnet2.utils.nested_dict_action import NestedDictAction
from espnet2.utils.types import int_or_none, str2bool, str_or_none

from hamzaban.cli import finite_float


def add_pretrain_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of model, losses and data."""
    add = parser.add_argument_group("wav2vec 2.0 pretraining").add_argument
    add(
        "--model_cfg",
        action=NestedDictAction,
        default={},
        help="fields of S3PRL's Wav2Vec2Config: sizes, masking, dropout, quantizer",
    )
    add(
        "--task_cfg",
        action=NestedDictAction,
        default={},
        help="how waveforms are prepared: normalize, max_sample_size, ...",
    )
    add(
        "--loss_weights",
        type=finite_float,
        nargs=2,
        default=[0.1, 10.0],
        help="weights of the diversity loss and of the feature penalty",
    )
    add(
        "--init_checkpoint",
        type=str_or_none,
        default=None,
        help="model to start from: wav2vec2.pt, Hugging Face directory or fairseq .pt",
    )
    add(
        "--init_strict",
        type=str2bool,
        default=True,
        help="parameters missing or unexpected in init_checkpoint are an error",
    )
    _add_loss_arguments(add)
    _add_mixing_arguments(add)


def _add_loss_arguments(add: Callable[..., Any]) -> None:
    """Add the options of losses and batches."""
    add(
        "--crop_to_shortest",
        type=str2bool,
        default=False,
        help="crop a training batch to its shortest utterance instead of padding",
    )
    add(
        "--max_drop",
        type=finite_float,
        default=0.05,
        help="largest share of utterances that may be dropped as too short",
    )
    add(
        "--spectral_weight",
        type=finite_float,
        default=0.0,
        help="weight of the spectral loss, which keeps small runs from collapsing",
    )
    add("--valid_seed", type=int, default=0, help="seed of the masks in validation")


def _add_mixing_arguments(add: Callable[..., Any]) -> None:
    """Add the options of further data, of checks for collapse and of the export."""
    for name, text in (
        ("replay_dir", "data directory of earlier languages, see replay_share"),
        ("labelled_dir", "data directory with transcripts, for wav2vec-S"),
        ("labelled_valid_dir", "data directory with transcripts, for validation"),
        ("token_list", "tokens.txt of characters; default: made from labelled_dir"),
    ):
        add(f"--{name}", type=str_or_none, default=None, help=text)
    add(
        "--replay_share",
        type=finite_float,
        default=0.0,
        help="share of replay_dir in each batch, 0..1",
    )
    add(
        "--labelled_batch_bins",
        type=int_or_none,
        default=None,
        help="most samples in a batch of labelled_dir; default: batch_bins",
    )
    for name, text in (
        (
            "export_conf",
            "options of export: model (last, best, average), dtype (float32, float16)",
        ),
        ("semi_conf", "options of wav2vec-S, see conf/pretrain/wav2vec_s.yaml"),
        (
            "probes",
            "data directories on which the loss is reported too, such as old=DIR",
        ),
        ("doctor_conf", "options of the checks for collapse, see conf/pretrain.yaml"),
    ):
        add(f"--{name}", action=NestedDictAction, default={}, help=text)
    add(
        "--gradient_checkpointing",
        type=str2bool,
        default=False,
        help="recompute activations in the backward pass: less memory, more time",
    )
