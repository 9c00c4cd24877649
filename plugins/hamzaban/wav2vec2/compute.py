"""Estimate the operations of a training run from the sizes of the model.

Only matrix products are counted, with 2 operations for a multiplication and addition.
All else (norms, activations, quantizer, optimizer) is below one percent of them in the
published models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hamzaban.wav2vec2.frames import count_frames, parse_conv, parse_conv_layers

FS = 16000
FORWARD, BACKWARD = 1, 2  # cost of both passes over a layer, in forward passes
# Rate of dense matrix products in bfloat16, 1e12 operations a second (data sheets).
PEAK_TFLOPS = {"A100": 312.0, "H100 SXM": 989.0, "RTX 4090": 165.0}
MODEL_DEFAULTS = {  # the defaults of S3PRL's Wav2Vec2Config
    "conv_feature_layers": "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512, 2, 2)] * 2",
    "encoder_layers": 12,
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "conv_pos": 128,
    "conv_pos_groups": 16,
}


@dataclass(frozen=True)
class Operations:
    """Operations of one forward pass over an utterance.

    Attributes:
        convolutions: Operations of the feature extractor.
        transformer: Operations of all parts after it.
    """

    convolutions: float
    transformer: float


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        audio_s: Audio that all updates see together, seconds.
        utterance_s: Mean length of an utterance as it is cropped.
        is_extractor_frozen: Whether the convolutions do not learn.
        is_checkpointed: Whether the backward pass recomputes activations.
    """

    audio_s: float
    utterance_s: float
    is_extractor_frozen: bool = False
    is_checkpointed: bool = False


def count_operations(model_cfg: Mapping[str, Any], num_samples: int) -> Operations:
    """Count the operations of wav2vec 2.0 on one utterance.

    Args:
        model_cfg: Fields of S3PRL's Wav2Vec2Config; MODEL_DEFAULTS gives the others.
        num_samples: Length of the utterance at 16 kHz.

    Raises:
        ValueError: `conv_feature_layers` is not understood.
    """
    cfg = {**MODEL_DEFAULTS, **model_cfg}
    layers = parse_conv(cfg["conv_feature_layers"])
    convolutions, channels, frames = 0.0, 1, num_samples
    for width, kernel, stride in layers:
        frames = count_frames(frames, [(kernel, stride)])
        convolutions += 2.0 * frames * kernel * channels * width
        channels = width
    dim, ffn = cfg["encoder_embed_dim"], cfg["encoder_ffn_embed_dim"]
    position = cfg["conv_pos"] * dim * dim / cfg["conv_pos_groups"]
    once = channels * dim + position  # multiplications per frame outside layers
    layer = 4 * dim * dim + 2 * dim * ffn + 2 * frames * dim  # in a layer
    total = 2.0 * frames * (once + cfg["encoder_layers"] * layer)
    return Operations(convolutions, total)


def count_run(model_cfg: Mapping[str, Any], run: Run) -> float:
    """Count the operations of a training run: forward and backward passes."""
    num_samples = round(run.utterance_s * FS)
    found = count_operations(model_cfg, num_samples)
    passes = FORWARD + BACKWARD + run.is_checkpointed
    convolutions = FORWARD if run.is_extractor_frozen else FORWARD + BACKWARD
    an_utterance = passes * found.transformer + convolutions * found.convolutions
    return an_utterance * run.audio_s / run.utterance_s


def gpu_hours(operations: float, peak_tflops: float, mfu: float) -> float:
    """Return the hours that one GPU needs.

    Args:
        operations: Operations of the run.
        peak_tflops: Highest rate of the GPU, 1e12 operations a second.
        mfu: Share of this rate that the run reaches ("model FLOPs utilization"), above
            0.
    """
    return operations / (peak_tflops * 1e12 * mfu) / 3600


def frames_per_second(model_cfg: Mapping[str, Any]) -> float:
    """Return the number of frames of a second of audio."""
    conv = {**MODEL_DEFAULTS, **model_cfg}["conv_feature_layers"]
    stride = 1
    for _, step in parse_conv_layers(conv):
        stride *= step
    return FS / stride
