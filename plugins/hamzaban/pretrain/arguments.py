"""The options of `hamzaban train-ssl` beside ESPnet2's."""

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
        help="normalize, max_sample_size, min_sample_size, sample_rate",
    )
    add(
        "--loss_weights",
        type=finite_float,
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
        help="largest share of utterances that may be too short",
    )
    add(
        "--spectral_weight",
        type=finite_float,
        default=0.0,
        help="weight of the spectral anchor, which keeps small runs from collapse",
    )
    add("--valid_seed", type=int, default=0, help="seed of masks in validation")


def _add_mixing_arguments(add: Callable[..., Any]) -> None:
    """Add the options of further data, of the doctor and of what is written."""
    for name, text in (
        ("replay_dir", "data directory of old languages, a share of each batch"),
        ("labelled_dir", "data directory with transcripts, for wav2vec-S"),
        ("labelled_valid_dir", "the same, for validation"),
        ("token_list", "characters of the labelled speech; made if not given"),
    ):
        add(f"--{name}", type=str_or_none, default=None, help=text)
    add(
        "--replay_share",
        type=finite_float,
        default=0.0,
        help="share of old speech, 0..1",
    )
    add(
        "--labelled_batch_bins",
        type=int_or_none,
        default=None,
        help="samples of a labelled batch; batch_bins by default",
    )
    for name, text in (
        ("export_conf", "model: last, best, average; dtype: float32 or float16"),
        ("semi_conf", "wav2vec-S: mode, ratio, weights, layer, masking"),
        ("probes", "data directories whose loss is watched, by name: old=DIR new=DIR"),
        ("doctor_conf", "when a run is looked at, is ill, and is stopped"),
    ):
        add(f"--{name}", action=NestedDictAction, default={}, help=text)
    add(
        "--gradient_checkpointing",
        type=str2bool,
        default=False,
        help="compute activations anew in the backward pass: less memory, more time",
    )
