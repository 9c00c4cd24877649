"""Run recognizers that train-asr wrote without ESPnet and S3PRL.

This covers the models of conf/train_ctc*.yaml: the last layer of wav2vec 2.0 and one
CTC head, or one for each language.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hamzaban.asr.heads import LanguageHeads, LanguageScores
from hamzaban.wav2vec2.convert.huggingface import (
    ACTIVATIONS,
    EXTRACTORS,
    SAME_FIELDS,
)
from hamzaban.wav2vec2.convert.names import to_transformers
from hamzaban.wav2vec2.finetuned_names import FRONTEND, INSIDE
from hamzaban.wav2vec2.frames import WAV2VEC2_CONV, parse_conv
from hamzaban.wav2vec2.inference import (
    DEFAULTS,
    Wav2Vec2,
    build_model,
    merge_weight_norm,
)

MODEL, JOINT_MODEL = "hamzaban_ctc", "hamzaban_joint_ctc"
UNUSED = "mask_emb"  # a parameter that only training uses
# S3PRL's defaults of the fields of `model_cfg` that describe the network.
ARCHITECTURE: dict[str, Any] = {
    "extractor_mode": "default",
    "encoder_layers": 12,
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "encoder_attention_heads": 12,
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "conv_feature_layers": WAV2VEC2_CONV,
    "conv_bias": False,
    "conv_pos": 128,
    "conv_pos_groups": 16,
}
# Fields of `model_cfg` and of `frontend_conf`, and the only value that is supported.
_ONLY: dict[str, Any] = {
    "layer_type": "transformer",
    "pos_conv_depth": 1,
    "attn_type": "",
    "pos_enc_type": "abs",
}
_ONLY_FRONTEND = {"layer": -1, "multilayer_feature": False}
_NO_PARTS = ("normalize", "preencoder", "encoder", "postencoder", "decoder")


def why_not_native(values: Mapping[str, Any]) -> str:
    """Return what in a config.yaml needs ESPnet, such as `encoder: conformer`.

    Args:
        values: The values of the file.

    Returns:
        "" if `NativeCtc` can run the model.
    """
    conf = values.get("frontend_conf") or {}
    cfg = {**ARCHITECTURE, **(conf.get("model_cfg") or {})}
    inner = conf.get("frontend_conf") or {}
    activations = dict.fromkeys(ACTIVATIONS.values())
    found = {
        **{k: v for k, v in (("frontend", values.get("frontend")),) if v != FRONTEND},
        **{k: values[k] for k in _NO_PARTS if values.get(k) is not None},
        **{k: conf[k] for k, v in _ONLY_FRONTEND.items() if conf.get(k, v) != v},
        **{k: cfg[k] for k, v in _ONLY.items() if cfg.get(k, v) != v},
    }
    if values.get("model") not in (MODEL, JOINT_MODEL):
        found["model"] = values.get("model")
    if not conf.get("model_cfg"):
        found["model_cfg"] = None
    if (inner.get("tile_factor") or 1) != 1:
        found["tile_factor"] = inner["tile_factor"]
    if cfg["activation_fn"] not in activations:
        found["activation_fn"] = cfg["activation_fn"]
    return ", ".join(f"{name}: {value}" for name, value in found.items())


class _Head(nn.Module):
    """The CTC head of a model of one language; parameters are named as in ESPnet."""

    def __init__(self, width: int, num_tokens: int) -> None:
        super().__init__()
        self.ctc_lo = nn.Linear(width, num_tokens)

    def log_softmax(self, hidden: Tensor) -> Tensor:
        found: Tensor = self.ctc_lo(hidden).float().log_softmax(-1)
        return found


class NativeCtc(LanguageScores, nn.Module):
    """A recognizer with the methods of ESPnet's model that decoding calls.

    Attributes:
        frontend: Has `conv`, (kernel, stride) of each convolution.
        ctc: The output layer, or one for each language.
        lid: The language-ID head; None without one.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Build the model with random weights.

        Args:
            values: The values of config.yaml; `why_not_native` returns "" for them.
        """
        super().__init__()
        conf = values["frontend_conf"]
        cfg = make_config(conf["model_cfg"])
        self.wav2vec2 = Wav2Vec2(cfg)
        conv = list(zip(cfg["conv_kernel"], cfg["conv_stride"], strict=True))
        self.frontend = types.SimpleNamespace(conv=conv)
        self._scales = bool((conf.get("task_cfg") or {}).get("normalize", False))
        inner = conf.get("frontend_conf") or {}
        self._normalizes = bool(inner.get("normalize", False))
        self.vocab_size, width = len(values["token_list"]), cfg["hidden_size"]
        self.ctc: Any = _Head(width, self.vocab_size)
        self.lid: Any = None
        if values["model"] == JOINT_MODEL:
            self._add_languages(values, width)

    def _add_languages(self, values: Mapping[str, Any], width: int) -> None:
        conf = values.get("model_conf") or {}
        self.languages = [str(lang) for lang in conf["languages"]]
        if conf.get("heads", "language") == "language":
            every = values["token_list"]
            given = conf.get("head_tokens") or {}
            tokens = {lang: given.get(lang, every) for lang in self.languages}
            with torch.device("cpu"):  # it keeps lists of ids in tensors
                self.ctc = LanguageHeads(every, width, tokens)
        if conf.get("lid_weight", 0.1):
            self.lid = nn.Linear(width, len(self.languages))

    def encode(self, speech: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute features, as ESPnet's model does.

        Args:
            speech: Waveforms in -1..1, shape (B, S).
            lengths: Samples of each, at least one frame long, shape (B,).

        Returns:
            Features, shape (B, T, D), and numbers of valid frames, shape (B,).
        """
        waveforms = [row[:n] for row, n in zip(speech, lengths.tolist(), strict=True)]
        if self._scales:
            waveforms = [F.layer_norm(each, each.shape) for each in waveforms]
        out, frames = self.wav2vec2(waveforms)  # (B, T, D)
        if self._normalizes:
            out = F.layer_norm(out, out.shape[-1:])
        return out, torch.tensor(frames, device=speech.device)


def make_config(model_cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return the architecture in the terms of transformers, from that of S3PRL."""
    cfg = {**ARCHITECTURE, **model_cfg}
    layers = parse_conv(cfg["conv_feature_layers"])
    extractors = {ours: theirs for theirs, ours in EXTRACTORS.items()}
    activations = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
    same = {theirs: cfg[ours] for theirs, ours in SAME_FIELDS.items() if ours in cfg}
    return {
        **DEFAULTS,
        **same,
        "conv_dim": [channels for channels, _, _ in layers],
        "conv_kernel": [kernel for _, kernel, _ in layers],
        "conv_stride": [stride for _, _, stride in layers],
        "feat_extract_norm": extractors[cfg["extractor_mode"]],
        "hidden_act": activations[cfg["activation_fn"]],
    }


def build_native(
    values: Mapping[str, Any], weights: Mapping[str, Tensor], config: Path, place: Path
) -> NativeCtc:
    """Build a recognizer and fill it.

    Args:
        values: The values of config.yaml; `why_not_native` returns "" for them.
        weights: The parameters, named as ESPnet names them.
        config: The file config.yaml, for messages.
        place: The file of parameters, for messages.

    Returns:
        The model in eval mode.

    Raises:
        ValueError: The files are not those of one training.
    """
    inside = {
        name.removeprefix(INSIDE): value
        for name, value in weights.items()
        if name.startswith(INSIDE) and name != INSIDE + UNUSED
    }
    heads = {n: v.float() for n, v in weights.items() if not n.startswith(INSIDE)}
    cfg = {**ARCHITECTURE, **values["frontend_conf"]["model_cfg"]}
    if "post_extract_proj.weight" not in inside:  # S3PRL has none between equal widths
        inside["post_extract_proj.weight"] = torch.eye(int(cfg["encoder_embed_dim"]))
        inside["post_extract_proj.bias"] = torch.zeros(int(cfg["encoder_embed_dim"]))
    renamed = merge_weight_norm(to_transformers(inside, cfg["extractor_mode"]))
    model = build_model(lambda: NativeCtc(values), renamed | heads, config, place)
    unknown = sorted((renamed | heads).keys() - model.state_dict().keys())
    if unknown:
        raise ValueError(
            f"{place}: its weights are not those of the model in {config.name}, which "
            f"has no {unknown[0]}; give the two files of one training"
        )
    return model
