"""The graph of an ONNX export: waveforms and their lengths in, log-posteriors out.

It normalizes waveforms itself and masks padding everywhere, so that the result of a
recording does not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hamzaban.wav2vec2.inference import Wav2Vec2Ctc

NEVER = -1e4  # log-posterior of the tokens of frames behind the end
WAVE_EPS, NORM_EPS = 1e-5, 1e-5  # as in training: S3PRL, torch.nn.GroupNorm


class OnnxCtc(nn.Module):
    """wav2vec 2.0 with a CTC head, for tracing."""

    def __init__(
        self, model: Wav2Vec2Ctc, conv: Sequence[tuple[int, int]], *, normalizes: bool
    ) -> None:
        """Wrap a model.

        Args:
            model: In eval mode.
            conv: (kernel, stride) of each convolution.
            normalizes: Whether waveforms are scaled to zero mean and unit variance.
        """
        super().__init__()
        self.model: Any = model
        self._conv, self._normalizes = conv, normalizes

    def forward(self, input_values: Tensor, input_lengths: Tensor) -> Tensor:
        """Return log-posteriors (natural log), blank behind the end.

        Args:
            input_values: Waveforms in -1..1, shape (B, S).
            input_lengths: Samples of each, shape (B,) or (1,); more than S counts as S.

        Returns:
            Shape (B, T, V).
        """
        lengths = input_lengths.clamp(max=input_values.shape[1])
        x = self._prepare(input_values, lengths)[:, None]  # (B, 1, S)
        layers = self.model.wav2vec2.feature_extractor["conv_layers"]
        for layer, (kernel, stride) in zip(layers, self._conv, strict=True):
            lengths = torch.div(lengths - kernel, stride, rounding_mode="floor") + 1
            lengths = lengths.clamp(min=1)
            x = self._convolve(layer, x, lengths)
        feats = self.model.wav2vec2.feature_projection(x.transpose(1, 2))  # (B, T, D)
        valid = _mask(feats.shape[1], lengths)  # (B, T)
        feats = feats * valid[..., None]
        out = self.model.wav2vec2.encoder(feats, valid[:, None, None])
        log_probs = self.model.lm_head(out).log_softmax(-1)  # (B, T, V)
        blank = torch.full((log_probs.shape[-1],), NEVER)
        blank[0] = 0.0
        return torch.where(valid[..., None], log_probs, blank)

    def _prepare(self, speech: Tensor, lengths: Tensor) -> Tensor:
        valid = _mask(speech.shape[1], lengths).to(speech.dtype)  # (B, S)
        if not self._normalizes:
            return speech * valid
        count = lengths[:, None].to(speech.dtype)
        mean = (speech * valid).sum(1, keepdim=True) / count
        centred = (speech - mean) * valid
        variance = centred.square().sum(1, keepdim=True) / count
        return centred / (variance + WAVE_EPS).sqrt()

    def _convolve(self, layer: Any, x: Tensor, lengths: Tensor) -> Tensor:
        norm = layer.layer_norm
        if not isinstance(norm, nn.GroupNorm):
            return layer(x)
        x = layer.conv(x)  # (B, C, T)
        valid = _mask(x.shape[2], lengths)[:, None].to(x.dtype)  # (B, 1, T)
        count = lengths[:, None, None].to(x.dtype)
        mean = (x * valid).sum(2, keepdim=True) / count
        centred = (x - mean) * valid
        variance = centred.square().sum(2, keepdim=True) / count
        x = centred / (variance + NORM_EPS).sqrt()
        return layer.activate(x * norm.weight[:, None] + norm.bias[:, None])


def _mask(size: int, lengths: Tensor) -> Tensor:
    """Return which of `size` frames are inside, shape (B, size)."""
    return torch.arange(size)[None] < lengths[:, None]
