"""Inference of wav2vec 2.0 with a CTC head (arXiv 2006.11477).

The parameters have the names of transformers' `Wav2Vec2ForCTC`, so that any such model
is read as it is. Unlike there, the convolutions run on each waveform separately,
because a group norm over time would otherwise include padding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

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


_G, _V = "parametrizations.weight.original0", "parametrizations.weight.original1"
_POSITIONS = "wav2vec2.encoder.pos_conv_embed.conv."

Model = TypeVar("Model", bound=nn.Module)


def _apply(layer: nn.Module, *inputs: Tensor | None) -> Tensor:
    found: Tensor = layer(*inputs)
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


class Wav2Vec2(nn.Module):
    """wav2vec 2.0 without an output layer."""

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        """Build the model of a `config.json` completed by `DEFAULTS`."""
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

    def forward(self, waveforms: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
        """Run the model on a batch.

        Args:
            waveforms: B waveforms, shape (samples,) each.

        Returns:
            Contextual features, shape (B, T, D), and the number of valid frames of
            each.
        """
        features = [self.extract(speech) for speech in waveforms]
        lengths = [len(each) for each in features]
        x = nn.utils.rnn.pad_sequence(features, batch_first=True)  # (B, T, D)
        mask = None
        if min(lengths) < max(lengths):
            frames = torch.arange(x.shape[1], device=x.device)
            valid = frames < torch.tensor(lengths, device=x.device)[:, None]  # (B, T)
            mask = valid[:, None, None]  # (B, 1, 1, T)
        return _apply(self.encoder, x, mask), lengths


class Wav2Vec2Ctc(nn.Module):
    """wav2vec 2.0 with a linear layer to tokens."""

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        """Build the model of a `config.json` completed by `DEFAULTS`."""
        super().__init__()
        self.wav2vec2 = Wav2Vec2(cfg)
        self.lm_head = nn.Linear(cfg["hidden_size"], cfg["vocab_size"])

    def forward(self, waveforms: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
        """Run the model on a batch.

        Args:
            waveforms: B waveforms, shape (samples,) each.

        Returns:
            Logits, shape (B, T, V), and the number of valid frames of each.
        """
        hidden, lengths = self.wav2vec2(waveforms)  # (B, T, D)
        return self.lm_head(hidden), lengths


def merge_weight_norm(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return parameters with the weight of the positions, not norm and direction."""
    found = {name: value.float() for name, value in weights.items()}
    for g, v in ((_G, _V), ("weight_g", "weight_v")):
        if _POSITIONS + g in found and _POSITIONS + v in found:
            norm, direction = found.pop(_POSITIONS + g), found.pop(_POSITIONS + v)
            length = direction.norm(dim=(0, 1), keepdim=True)  # (1, 1, kernel)
            found[_POSITIONS + "weight"] = direction * (norm / length)
    return found


def build_model(
    make: Callable[[], Model], weights: dict[str, Tensor], config: Path, place: Path
) -> Model:
    """Build a model and fill it without a second copy of its parameters.

    Args:
        make: Builds the model.
        weights: Its parameters; others are ignored.
        config: File that describes the model, for messages.
        place: File or folder of the parameters, for messages.

    Returns:
        The model in eval mode.

    Raises:
        ValueError: There is no such model, or the parameters are those of another.
    """
    try:
        with torch.device("meta"):
            model = make()
    except (TypeError, ValueError, RuntimeError, IndexError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(
            f"{config}: no model can be built from it ({reason}); download it again"
        ) from None
    expected = model.state_dict()
    wrong = [
        name
        for name, value in expected.items()
        if name not in weights or weights[name].shape != value.shape
    ]
    if wrong:
        found = weights.get(wrong[0])
        shape = "none" if found is None else tuple(found.shape)
        raise ValueError(
            f"{place}: {len(wrong)} parameters do not fit {config.name}: {wrong[0]} is "
            f"{shape}, expected {tuple(expected[wrong[0]].shape)}; give the files of "
            "one model"
        )
    model.load_state_dict({name: weights[name] for name in expected}, assign=True)
    return model.eval().requires_grad_(False)
