"""A recognizer in the classes of ESPnet and S3PRL alone.

The frontend becomes ESPnet's own `s3prl` with S3PRL's `wav2vec2_custom`. That one
builds its model from a checkpoint, so a file of a few kilobytes describes the
architecture; its parameters are a single number, repeated, which the file of weights
replaces. S3PRL repeats the last frame, once or twice, to have a frame for each 320
samples.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from hamzaban.export.clips import Run, decode_greedily
from hamzaban.export.folding import JOINT, select_tokens
from hamzaban.text.tokens import Tokenizer
from hamzaban.wav2vec2.finetuned_names import FRONTEND, INSIDE, PRETRAINING_PARTS
from hamzaban.wav2vec2.frames import parse_conv

STRUCTURE = "wav2vec2_structure.pt"
STRIDE = 320  # samples between frames that S3PRL takes for granted
MODEL = "espnet"
_OURS = (  # options of train-asr that ESPnet does not have
    *("ssl_checkpoint", "ssl_checkpoint_used", "init_strict", "layer_lr_decay"),
    *("head_lr_scale", "language_temperature", "replay_language", "replay_share"),
    *("max_updates", "batch_hours", "autocast_dtype"),
)
_JOINT_ONLY = ("languages", "heads", "head_tokens", "lid_weight")


def explain_misfit(values: Mapping[str, Any]) -> str:
    """Return why ESPnet alone cannot express a model; "" if it can."""
    conf: Mapping[str, Any] = values.get("frontend_conf") or {}
    if values.get("model") == JOINT:
        return "a model of several languages"
    if values.get("frontend") != FRONTEND:
        return ""
    layers = parse_conv(conf["model_cfg"]["conv_feature_layers"])
    stride = math.prod(each[2] for each in layers)
    return "" if stride == STRIDE else f"a frame for each {stride} samples"


def make_config(values: Mapping[str, Any], structure: str) -> dict[str, Any]:
    """Return config.yaml with classes of ESPnet only.

    Args:
        values: The options of train-asr.
        structure: Where ESPnet will find `STRUCTURE`.
    """
    stock = {name: value for name, value in values.items() if name not in _OURS}
    conf: Mapping[str, Any] = values.get("model_conf") or {}
    kept = {name: value for name, value in conf.items() if name not in _JOINT_ONLY}
    stock |= {"model": MODEL, "model_conf": {**kept, "ctc_weight": 1.0}}
    if str(values.get("cleaner") or "").startswith("hamzaban/"):
        stock["cleaner"] = None  # text is cleaned in training only
    if values.get("frontend") != FRONTEND:
        return stock
    outer: Mapping[str, Any] = values["frontend_conf"]
    inner: Mapping[str, Any] = outer.get("frontend_conf") or {}
    upstream = {"upstream": "wav2vec2_custom", "path_or_url": structure}
    for name in ("normalize", "tile_factor"):
        if inner.get(name):
            upstream[name] = inner[name]
    stock |= {
        "frontend": "s3prl",
        "frontend_conf": {
            "fs": outer.get("fs", 16000),
            "frontend_conf": upstream,
            "multilayer_feature": bool(outer.get("multilayer_feature")),
            "layer": outer.get("layer", -1),
        },
    }
    return stock


def choose_language(
    values: Mapping[str, Any], state: Mapping[str, Tensor], language: str, place: Path
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return options and weights of a model of one language.

    Args:
        values: The options of train-asr.
        state: The weights.
        language: The head of a model of several languages.
        place: The configuration, for messages.

    Raises:
        ValueError: The model does not have the language, or needs one to be named.
    """
    ids = select_tokens(values, language, place)
    chosen = {**values, "token_list": [values["token_list"][i] for i in ids]}
    if values.get("model") != JOINT:
        return chosen, dict(state)
    head = f"ctc.heads.{language}."
    weights = {
        name.replace(head, "ctc.ctc_lo."): value
        for name, value in state.items()
        if not name.startswith(("lid.", "ctc."))
        or name.startswith((head, "ctc.ctc_lo."))
    }
    chosen["model"] = "hamzaban_ctc"
    return chosen, weights


def write_structure(values: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """Write the file from which S3PRL builds its model.

    Args:
        values: The options of train-asr, with our frontend.
        path: The file.

    Returns:
        The parameters that S3PRL's and ESPnet's classes have in addition to ours; no
        result depends on them.
    """
    import torch
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

    conf: Mapping[str, Any] = values["frontend_conf"]
    model_cfg = {**conf["model_cfg"], "quantize_targets": False}
    with torch.device("meta"):
        model = Wav2Vec2Model(Wav2Vec2Config(**model_cfg))
    weights = {
        name: torch.ones(()).expand(value.shape)  # one number in the file
        for name, value in model.state_dict().items()
    }
    state = {
        "task_cfg": dict(conf["task_cfg"]),
        "model_cfg": model_cfg,
        "model_weight": weights,
    }
    with open(path, "wb") as stream:
        torch.save(state, stream)
    added = {
        f"{INSIDE}{name}": value
        for name, value in weights.items()
        if name.startswith(PRETRAINING_PARTS)
    }
    is_one = conf.get("layer", -1) != -1
    layers = torch.zeros(1 if is_one else model_cfg["encoder_layers"] + 1)
    return {**added, "frontend.featurizer.weights": layers}


def write_weights(
    state: Mapping[str, Tensor], added: Mapping[str, Tensor], path: Path
) -> None:
    """Write the weights for ESPnet's classes."""
    import torch

    with open(path, "wb") as stream:
        torch.save({**added, **state}, stream)  # ours count where both have one


def open_model(config: Path, weights: Path, tokenizer: Tokenizer) -> Run:
    """Return what ESPnet's own classes make of a waveform, by greedy search."""
    import numpy as np
    import torch
    from espnet2.tasks.asr import ASRTask

    level = logging.getLogger().level
    model, _ = ASRTask.build_model_from_file(str(config), str(weights), "cpu")
    logging.getLogger().setLevel(level)
    model.eval()

    def run(speech: np.ndarray) -> tuple[str, np.ndarray]:
        with torch.inference_mode():
            batch = torch.from_numpy(speech)[None]
            out, _ = model.encode(batch, torch.tensor([len(speech)]))
            log_probs = model.ctc.log_softmax(out)[0].numpy()  # (T, V)
        return decode_greedily(tokenizer, log_probs), log_probs

    return run
