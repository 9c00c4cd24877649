"""A loss for small pretraining runs: the features must predict the spectrum.

Features that have lost most of the speech can still reach a low contrastive loss. With
little audio this happens: the codebook collapses before the convolutions have learnt a
filter bank. A linear map from the features to the log-mel spectrum of their frames is
therefore trained with the model, which keeps the speech in the features, and thrown
away at the end. It is our addition and no part of wav2vec 2.0. With weight 0, the
default, it is not computed.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram

FLOOR = 1e-3  # added to the power, for waveforms of unit variance


class SpectralAnchor(nn.Module):
    """Mean square error of log-mel spectra predicted from the extractor's output."""

    def __init__(
        self, conv_shapes: Sequence[tuple[int, int]], dim: int, num_mels: int = 40
    ) -> None:
        """Build the linear map.

        Args:
            conv_shapes: Kernel and stride of each convolution, in samples.
            dim: Channels of the features, C.
            num_mels: Mel bands at 16 kHz.
        """
        super().__init__()
        field, hop = 1, 1
        for kernel, stride in conv_shapes:
            field, hop = field + (kernel - 1) * hop, hop * stride
        self.mel = MelSpectrogram(
            16_000, n_fft=field, hop_length=hop, n_mels=num_mels, center=False
        )
        self.proj = nn.Linear(dim, num_mels)

    def forward(
        self, features: Tensor, speech: Tensor, padding: Tensor | None
    ) -> Tensor:
        """Compare predicted and true spectra.

        Args:
            features: Output of the convolutions after layer norm, which quantizer and
                transformer read, shape (B, T, C).
            speech: Waveforms, shape (B, S).
            padding: True where a frame is padding, shape (B, T), or None.

        Returns:
            Mean square error over the valid frames, a scalar; the target has zero mean
            and unit variance in each band of each utterance.
        """
        with torch.no_grad(), torch.autocast(speech.device.type, enabled=False):
            target = (self.mel(speech.float()) + FLOOR).log().transpose(1, 2)
            valid = torch.ones_like(target[..., :1])  # (B, T, 1)
            if padding is not None:
                valid = valid.masked_fill(padding.unsqueeze(2), 0)
            count = valid.sum(1, keepdim=True)
            target = target - (target * valid).sum(1, keepdim=True) / count
            variance = (target.square() * valid).sum(1, keepdim=True) / count
            target = target / (variance + 1e-5).sqrt()  # (B, T, num_mels)
        error = (self.proj(features).float() - target).square() * valid
        return error.sum() / (valid.sum() * target.size(2))
