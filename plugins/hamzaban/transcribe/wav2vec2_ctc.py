"""Inference of wav2vec 2.0 with a CTC head (arXiv 2006.11477).

The parameters have the names of transformers' `Wav2Vec2ForCTC`, so that any such model
is read as it is. Unlike there, the convolutions run on each waveform separately,
because a group norm over time would otherwise include padding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
}
DEFAULTS: dict[str, Any] = {  # those of transformers, for fields that config.json lacks
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "feat_extract_norm": "group",
    "feat_extract_activation": "gelu",
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "conv_bias": False,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
    "do_stable_layer_norm": False,
    "adapter_attn_dim": None,
    "vocab_size": 32,
}


def _apply(layer: nn.Module, x: Tensor) -> Tensor:
    found: Tensor = layer(x)
    return found


class _ConvLayer(nn.Module):
    def __init__(self, cfg: Mapping[str, Any], index: int) -> None:
        super().__init__()
        dims = [1, *cfg["conv_dim"]]
        kernel, stride = cfg["conv_kernel"][index], cfg["conv_stride"][index]
        size = (dims[index], dims[index + 1], kernel, stride)
        self.conv = nn.Conv1d(*size, bias=cfg["conv_bias"])
        self.layer_norm: nn.Module | None = None
        if cfg["feat_extract_norm"] == "layer":
            self.layer_norm = nn.LayerNorm(dims[index + 1])
        elif index == 0:
            self.layer_norm = nn.GroupNorm(dims[1], dims[1])
        self.activate = ACTIVATIONS[cfg["feat_extract_activation"]]

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # (1, C, T)
        if isinstance(self.layer_norm, nn.LayerNorm):
            x = self.layer_norm(x.transpose(1, 2)).transpose(1, 2)
        elif self.layer_norm is not None:
            x = self.layer_norm(x)
        return self.activate(x)


class _Positions(nn.Module):
    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        width, kernel = cfg["hidden_size"], cfg["num_conv_pos_embeddings"]
        groups = cfg["num_conv_pos_embedding_groups"]
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=groups)
        self._act = ACTIVATIONS[cfg["feat_extract_activation"]]

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv(x.transpose(1, 2))[..., : x.shape[1]]  # (B, D, T)
        return self._act(out).transpose(1, 2)


class _Attention(nn.Module):
    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        width = cfg["hidden_size"]
        self._heads = cfg["num_attention_heads"]
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        batch, frames, width = x.shape
        shape = (batch, frames, self._heads, width // self._heads)
        projections = (self.q_proj, self.k_proj, self.v_proj)
        q, k, v = (each(x).view(shape).transpose(1, 2) for each in projections)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (B, H, T, D/H)
        joined = out.transpose(1, 2).reshape(batch, frames, width)
        return _apply(self.out_proj, joined)


class _FeedForward(nn.Module):
    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        width, inner = cfg["hidden_size"], cfg["intermediate_size"]
        self.intermediate_dense = nn.Linear(width, inner)
        self.output_dense = nn.Linear(inner, width)
        self._act = ACTIVATIONS[cfg["hidden_act"]]

    def forward(self, x: Tensor) -> Tensor:
        return _apply(self.output_dense, self._act(self.intermediate_dense(x)))


class _Adapter(nn.Module):
    """The adapter of a language (MMS, arXiv 2305.13516)."""

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        width, inner = cfg["hidden_size"], cfg["adapter_attn_dim"]
        self.norm = nn.LayerNorm(width)
        self.linear_1 = nn.Linear(width, inner)
        self.linear_2 = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        return _apply(self.linear_2, F.relu(self.linear_1(self.norm(x))))


class _Layer(nn.Module):
    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        width, eps = cfg["hidden_size"], cfg["layer_norm_eps"]
        self.attention = _Attention(cfg)
        self.layer_norm = nn.LayerNorm(width, eps=eps)
        self.feed_forward = _FeedForward(cfg)
        self.final_layer_norm = nn.LayerNorm(width, eps=eps)
        self._is_stable = cfg["do_stable_layer_norm"]
        has_adapter = self._is_stable and cfg["adapter_attn_dim"]
        self.adapter_layer = _Adapter(cfg) if has_adapter else None

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if not self._is_stable:
            x = self.layer_norm(x + self.attention(x, mask))
            return _apply(self.final_layer_norm, x + self.feed_forward(x))
        x = x + self.attention(self.layer_norm(x), mask)
        x = x + self.feed_forward(self.final_layer_norm(x))
        return x if self.adapter_layer is None else x + self.adapter_layer(x)


class _Encoder(nn.Module):
    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        self.pos_conv_embed = _Positions(cfg)
        self.layer_norm = nn.LayerNorm(cfg["hidden_size"], eps=cfg["layer_norm_eps"])
        self.layers = nn.ModuleList(
            _Layer(cfg) for _ in range(cfg["num_hidden_layers"])
        )
        self._is_stable = cfg["do_stable_layer_norm"]

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.pos_conv_embed(x)
        x = x if self._is_stable else self.layer_norm(x)
        for layer in self.layers:
            x = layer(x, mask)
        return self.layer_norm(x) if self._is_stable else x


class _Projection(nn.Module):
    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        width = cfg["conv_dim"][-1]
        self.layer_norm = nn.LayerNorm(width, eps=cfg["layer_norm_eps"])
        self.projection = nn.Linear(width, cfg["hidden_size"])

    def forward(self, x: Tensor) -> Tensor:
        return _apply(self.projection, self.layer_norm(x))


class _Wav2Vec2(nn.Module):
    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        layers = [_ConvLayer(cfg, i) for i in range(len(cfg["conv_dim"]))]
        self.feature_extractor = nn.ModuleDict({"conv_layers": nn.ModuleList(layers)})
        self.feature_projection = _Projection(cfg)
        self.encoder = _Encoder(cfg)

    def extract(self, speech: Tensor) -> Tensor:
        """Return the features, shape (T, D), of a waveform, shape (samples,)."""
        x = speech[None, None]  # (1, 1, samples)
        for layer in self.feature_extractor.children():
            for conv in layer.children():
                x = conv(x)
        return _apply(self.feature_projection, x.transpose(1, 2))[0]


class Wav2Vec2Ctc(nn.Module):
    """wav2vec 2.0 with a linear layer to tokens."""

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        """Build the model of a `config.json` completed by `DEFAULTS`."""
        super().__init__()
        self.wav2vec2 = _Wav2Vec2(cfg)
        self.lm_head = nn.Linear(cfg["hidden_size"], cfg["vocab_size"])

    def forward(self, waveforms: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
        """Run the model on a batch.

        Args:
            waveforms: B waveforms, shape (samples,) each.

        Returns:
            Logits, shape (B, T, V), and the number of valid frames of each.
        """
        features = [self.wav2vec2.extract(speech) for speech in waveforms]
        lengths = [len(each) for each in features]
        x = nn.utils.rnn.pad_sequence(features, batch_first=True)  # (B, T, D)
        mask = None
        if min(lengths) < max(lengths):
            frames = torch.arange(x.shape[1], device=x.device)
            valid = frames < torch.tensor(lengths, device=x.device)[:, None]  # (B, T)
            mask = valid[:, None, None]  # (B, 1, 1, T)
        return self.lm_head(self.wav2vec2.encoder(x, mask)), lengths
