"""Build, fill and run a frontend's wav2vec 2.0 model, whatever the padding."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model
from torch import Tensor, nn

from hamzaban.wav2vec2.checkpoint import load_weights
from hamzaban.wav2vec2.finetuned_names import PRETRAINING_PARTS
from hamzaban.wav2vec2.masked_norm import mask_group_norm, valid_lengths


def build_wav2vec2(
    model_cfg: Mapping[str, Any], overrides: Mapping[str, float]
) -> Wav2Vec2Model:
    """Build S3PRL's model for fine-tuning, with random weights.

    Args:
        model_cfg: All fields of `Wav2Vec2Config`.
        overrides: Values that replace those of `model_cfg`, by name.

    Raises:
        ValueError: If the model has Conformer layers, which convolve over the padding,
            so that the result of an utterance would depend on its batch.
    """
    if model_cfg["layer_type"] != "transformer":
        raise ValueError(
            f"model_cfg: layer_type is {model_cfg['layer_type']}, expected "
            "transformer; use ESPnet's frontend s3prl for this model"
        )
    model = Wav2Vec2Model(Wav2Vec2Config(**{**model_cfg, **overrides}))
    model.remove_pretraining_modules()
    mask_group_norm(model.feature_extractor)
    return model


def load_pretrained(
    model: Wav2Vec2Model,
    weights: Mapping[str, Tensor],
    place: str,
    *,
    reinit_layers: int = 0,
    strict: bool = True,
) -> None:
    """Fill the model from a checkpoint of any floating-point type.

    Args:
        model: From `build_wav2vec2`.
        weights: Parameters of a pretrained model; those that only pretraining uses are
            left out.
        place: Where the weights come from, for messages.
        reinit_layers: Number of last transformer layers that keep random weights.
        strict: Missing or unexpected parameters are an error; otherwise a warning.

    Raises:
        ValueError: If the weights do not fit, or `reinit_layers` is too large.
    """
    num_layers = len(model.encoder.layers)
    if not 0 <= reinit_layers <= num_layers:
        raise ValueError(
            f"frontend_conf: reinit_layers is {reinit_layers}, expected 0..{num_layers}"
        )
    used = {
        name: value.float() if value.is_floating_point() else value
        for name, value in weights.items()
        if not name.startswith(PRETRAINING_PARTS)
    }
    own = model.state_dict()
    for layer in range(num_layers - reinit_layers, num_layers):
        prefix = f"encoder.layers.{layer}."
        used |= {
            name: own[name]
            for name in used.keys() & own.keys()
            if name.startswith(prefix)
        }
    load_weights(model, used, place, strict=strict)


def normalize_waveforms(speech: Tensor, lengths: Tensor) -> Tensor:
    """Return waveforms with zero mean and unit variance over their own samples.

    Args:
        speech: Waveforms, shape (B, S).
        lengths: Samples of each utterance, shape (B,).

    Returns:
        Normalized waveforms with zeros behind their ends, shape (B, S).
    """
    count = lengths.clamp(min=1).unsqueeze(1)
    padding = torch.arange(speech.size(1), device=speech.device) >= count  # (B, S)
    mean = speech.masked_fill(padding, 0.0).sum(1, keepdim=True) / count
    centred = (speech - mean).masked_fill(padding, 0.0)
    variance = centred.square().sum(1, keepdim=True) / count
    return centred * (variance + 1e-5).rsqrt()


def read_conv(model: Wav2Vec2Model) -> list[tuple[int, int]]:
    """Return kernel and stride of each convolution, in samples of its input."""
    convs = [block[0] for block in model.feature_extractor.conv_layers]
    return [(conv.kernel_size[0], conv.stride[0]) for conv in convs]


def receptive_field(conv: Sequence[tuple[int, int]]) -> int:
    """Return the number of samples that one frame of the convolutions sees."""
    field, hop = 1, 1
    for kernel, stride in conv:
        field, hop = field + (kernel - 1) * hop, hop * stride
    return field


def extract_latent(
    model: Wav2Vec2Model, speech: Tensor, num_samples: Sequence[int]
) -> Tensor:
    """Run the convolutions and the norm and projection after them.

    Args:
        model: From `build_wav2vec2`.
        speech: Waveforms, shape (B, S).
        num_samples: Length of each, at least the receptive field.

    Returns:
        Latent features, shape (B, T, C); those of the padding are not defined.
    """
    with valid_lengths(model.feature_extractor, num_samples):
        feats = model.feature_extractor(speech)  # (B, D, T)
    feats = model.layer_norm(feats.transpose(1, 2))  # (B, T, D)
    if model.post_extract_proj is not None:
        feats = model.post_extract_proj(feats)  # (B, T, C)
    return model.dropout_input(feats)


def padding_mask(num_frames: Sequence[int], like: Tensor) -> Tensor | None:
    """Mark the padding of a batch of features.

    Args:
        num_frames: Valid frames of each utterance.
        like: Features, shape (B, T, C).

    Returns:
        True on padding, shape (B, T); None if there is none.
    """
    if min(num_frames) >= like.size(1):
        return None
    lengths = torch.tensor(num_frames, device=like.device).unsqueeze(1)
    return torch.arange(like.size(1), device=like.device) >= lengths


def encode(model: Wav2Vec2Model, feats: Tensor, padding: Tensor | None) -> Tensor:
    """Run the transformer and return its last output without keeping the others.

    Args:
        model: From `build_wav2vec2`.
        feats: Latent features, shape (B, T, C).
        padding: From `padding_mask`.

    Returns:
        Contextual features, shape (B, T, C).
    """
    encoder = model.encoder
    outputs, _ = encoder.extract_features(feats, padding, min_layer=len(encoder.layers))
    return encoder.layer_norm(outputs) if encoder.layer_norm_first else outputs


def encode_layers(
    model: Wav2Vec2Model, feats: Tensor, padding: Tensor | None
) -> list[Tensor]:
    """Run the transformer and return what S3PRL calls its hidden states.

    Args:
        model: From `build_wav2vec2`, without layer drop.
        feats: Latent features, shape (B, T, C).
        padding: From `padding_mask`.

    Returns:
        The input of each layer, then the encoder's output; L + 1 of (B, T, C).
    """
    states: list[Tensor] = []

    def keep(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        states.append(inputs[0].transpose(0, 1)[:, : feats.size(1)])  # (B, T, C)

    handles = [layer.register_forward_pre_hook(keep) for layer in model.encoder.layers]
    try:
        last = encode(model, feats, padding)
    finally:
        for handle in handles:
            handle.remove()
    return [*states, last]
