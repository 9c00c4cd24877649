"""The options that our frontend adds to those of ESPnet's frontend."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from hamzaban.config import option, read_dataclass


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """How a wav2vec 2.0 model is built and trained inside a recognizer.

    Attributes:
        model_cfg: Fields of S3PRL's `Wav2Vec2Config`, which give the architecture if
            there is no checkpoint.
        task_cfg: `normalize: true` scales each waveform to unit variance; it is used
            together with `model_cfg`.
        mask_prob: Share of frames that training would mask if spans never overlapped.
        mask_length: Length of a span in frames.
        mask_channel_prob: Share of channels masked in training, like `mask_prob`.
        mask_channel_length: Length of a span in channels.
        dropout: Dropout; this rate and the next two replace those of the checkpoint.
        activation_dropout: Dropout inside the feed-forward networks.
        attention_dropout: Dropout of the attention weights.
        layerdrop: Share of transformer layers left out of a training step.
        reinit_layers: Number of last transformer layers that start from random weights;
            they fit the pretraining loss more than speech (Pasad et al. 2021, arXiv
            2107.04734).
        freeze_updates: Number of first updates in which the whole model is frozen.
        freeze: Parts that stay frozen, as prefixes of names inside the wav2vec 2.0
            model, such as feature_extractor or encoder.layers.0.
        gradient_checkpointing: Whether to recompute activations in the backward pass,
            which takes less memory and more time and gives the same values.
    """

    model_cfg: Mapping[str, Any] | None = None
    task_cfg: Mapping[str, Any] | None = None
    mask_prob: float = option(0.0, at_least=0, at_most=1)
    mask_length: int = option(10, at_least=1)
    mask_channel_prob: float = option(0.0, at_least=0, at_most=1)
    mask_channel_length: int = option(64, at_least=1)
    dropout: float | None = option(None, at_least=0, at_most=1)
    activation_dropout: float | None = option(None, at_least=0, at_most=1)
    attention_dropout: float | None = option(None, at_least=0, at_most=1)
    layerdrop: float = option(0.0, at_least=0, at_most=1)
    reinit_layers: int = 0
    freeze_updates: int = 0
    freeze: Sequence[str] = ()
    gradient_checkpointing: bool = False

    @property
    def overrides(self) -> dict[str, float]:
        """Return the fields of `Wav2Vec2Config` that replace the checkpoint's."""
        values = {
            "dropout": self.dropout,
            "activation_dropout": self.activation_dropout,
            "attention_dropout": self.attention_dropout,
            "encoder_layerdrop": self.layerdrop,
        }
        return {name: value for name, value in values.items() if value is not None}


def read_options(values: Mapping[str, Any]) -> FineTuning:
    """Read our part of `frontend_conf`.

    Args:
        values: The values of a YAML.

    Raises:
        ValueError: If a name is unknown or a value out of range.
    """
    return read_dataclass(FineTuning, values, "frontend_conf")
