"""The options of our frontend beside ESPnet's own."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

_SHARES = (
    "mask_prob",
    "mask_channel_prob",
    "dropout",
    "activation_dropout",
    "attention_dropout",
    "layerdrop",
)


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """How a wav2vec 2.0 model is built and trained as a part of a recognizer.

    Attributes:
        model_cfg: Fields of S3PRL's `Wav2Vec2Config`: the architecture where there is
            no checkpoint.
        task_cfg: `normalize: true` scales each waveform to unit variance; used with
            `model_cfg`.
        mask_prob: Share of frames masked in training if spans never overlapped.
        mask_length: Frames of a span.
        mask_channel_prob: Share of channels masked in training, as `mask_prob`.
        mask_channel_length: Channels of a span.
        dropout: Replaces the checkpoint's value, as do the next two.
        activation_dropout: Inside the feed-forward networks.
        attention_dropout: Of the attention weights.
        layerdrop: Share of transformer layers left out of a training step.
        reinit_layers: So many of the last transformer layers start from random weights:
            they are tuned to the pretraining loss more than to speech (Pasad et al.
            2021, arXiv 2107.04734).
        freeze_updates: The whole model is frozen for the first so many updates.
        freeze: Parts that stay frozen, such as feature_extractor or encoder.layers.0:
            prefixes of names below the wav2vec 2.0 model.
        gradient_checkpointing: Compute activations anew in the backward pass: less
            memory, more time, the same values.
    """

    model_cfg: Mapping[str, Any] | None = None
    task_cfg: Mapping[str, Any] | None = None
    mask_prob: float = 0.0
    mask_length: int = 10
    mask_channel_prob: float = 0.0
    mask_channel_length: int = 64
    dropout: float | None = None
    activation_dropout: float | None = None
    attention_dropout: float | None = None
    layerdrop: float = 0.0
    reinit_layers: int = 0
    freeze_updates: int = 0
    freeze: Sequence[str] = ()
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: If a value is out of range.
        """
        for name in _SHARES:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"frontend_conf: {name} is {value}, expected 0..1")
        for name in ("mask_length", "mask_channel_length"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"frontend_conf: {name} is {value}, expected 1 up")
        if isinstance(self.freeze, str):
            raise ValueError(
                f"frontend_conf: freeze is '{self.freeze}', expected a list of names; "
                f"write [{self.freeze}]"
            )

    @property
    def overrides(self) -> dict[str, float]:
        """Fields of `Wav2Vec2Config` that replace the checkpoint's."""
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
        values: What a YAML says.

    Raises:
        ValueError: If a name is unknown or a value out of range.
    """
    known = [field.name for field in dataclasses.fields(FineTuning)]
    for name in values:
        if name not in known:
            raise ValueError(
                f"frontend_conf: '{name}' is unknown; known beside ESPnet's: "
                f"{', '.join(known)}"
            )
    return FineTuning(**values)
