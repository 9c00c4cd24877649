"""Group norm of wav2vec 2.0's first convolution without the padding of a batch.

The extractor of the base model normalizes each channel over the whole time axis. The
zeros that pad a shorter utterance would enter its mean and variance, so that its
features would depend on the longest utterance of the batch.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hamzaban.wav2vec2.frames import count_frames


class MaskedGroupNorm(nn.GroupNorm):
    """Group norm over the valid frames of each utterance; padding frames become zero.

    Parameters carry the names of `nn.GroupNorm`, so checkpoints fit both. Statistics
    are computed in float32. `lengths` is set by `valid_lengths`; None means that no
    frame is padding.
    """

    lengths: list[int] | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Normalize feature maps.

        Args:
            input: Convolution output, shape (B, C, T).

        Returns:
            Normalized maps of the same shape and type.
        """
        total = input.size(2)
        lengths = self.lengths
        if lengths is None or min(lengths) >= total:
            return self._normalize(input)
        parts = [
            F.pad(self._normalize(part[:, :, :length]), (0, total - length))
            for part, length in zip(input.split(1), lengths, strict=True)
        ]  # B x (1, C, T)
        return torch.cat(parts)

    def _normalize(self, maps: Tensor) -> Tensor:
        with torch.autocast(maps.device.type, enabled=False):
            weight, bias = self.weight.float(), self.bias.float()
            normalized = F.group_norm(
                maps.float(), self.num_groups, weight, bias, self.eps
            )
        return normalized.type_as(maps)


def mask_group_norm(extractor: Any) -> None:
    """Replace a group norm by a `MaskedGroupNorm` with the same parameters.

    Args:
        extractor: S3PRL's `ConvFeatureExtractionModel`; one without group norm (layer
            norm throughout) is left as it is.
    """
    block = extractor.conv_layers[0]
    for index, module in enumerate(block):
        if not isinstance(module, nn.GroupNorm) or isinstance(module, MaskedGroupNorm):
            continue
        masked = MaskedGroupNorm(
            module.num_groups, module.num_channels, module.eps, module.affine
        )
        masked.weight, masked.bias = module.weight, module.bias
        block[index] = masked.train(module.training)


@contextmanager
def valid_lengths(extractor: Any, num_samples: Sequence[int]) -> Iterator[None]:
    """Set the valid lengths of a batch for the masked group norm of `extractor`.

    Args:
        extractor: The module given to `mask_group_norm` before.
        num_samples: Length of each utterance in samples, B of them.

    Yields:
        Nothing; the lengths hold inside the `with` block.
    """
    block = extractor.conv_layers[0]
    norms = [module for module in block if isinstance(module, MaskedGroupNorm)]
    layer = [(block[0].kernel_size[0], block[0].stride[0])]
    frames = [count_frames(length, layer) for length in num_samples]
    for norm in norms:
        norm.lengths = frames
    try:
        yield
    finally:
        for norm in norms:
            norm.lengths = None
