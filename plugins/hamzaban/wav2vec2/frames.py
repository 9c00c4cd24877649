"""Geometry of wav2vec 2.0: the frames that its convolutions make from samples."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from typing import Any

# wav2vec 2.0 (arXiv 2006.11477, section 4.2): (channels, kernel, stride), samples
WAV2VEC2_CONV = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512, 2, 2)] * 2"


def parse_conv_layers(conv_feature_layers: str) -> list[tuple[int, int]]:
    """Read kernels and strides from wav2vec 2.0's configuration string.

    Args:
        conv_feature_layers: Such as `[(512, 10, 5)] + [(512, 3, 2)] * 4`: lists of
            (channels, kernel, stride) joined by + and repeated by *.

    Returns:
        (kernel, stride) of each layer, in samples of the layer's input.

    Raises:
        ValueError: The string has another form.
    """
    return [(kernel, stride) for _, kernel, stride in parse_conv(conv_feature_layers)]


def parse_conv(conv_feature_layers: str) -> list[tuple[int, int, int]]:
    """Read (channels, kernel, stride) of each layer, as `parse_conv_layers` does."""
    try:
        layers = _evaluate(ast.parse(conv_feature_layers, mode="eval").body)
        sizes = [(int(dim), int(kernel), int(stride)) for dim, kernel, stride in layers]
        if min(map(min, sizes)) < 1:
            raise ValueError("a size below 1")
        return sizes
    except (SyntaxError, TypeError, ValueError) as e:
        raise ValueError(
            f"conv_feature_layers {conv_feature_layers!r} is not understood; expected "
            f"a list such as {WAV2VEC2_CONV!r}, with sizes of 1 or more"
        ) from e


def count_frames(num_samples: int, conv: Sequence[tuple[int, int]]) -> int:
    """Count the frames that unpadded convolutions make.

    Args:
        num_samples: Length of the waveform.
        conv: (kernel, stride) of each layer.

    Returns:
        Frames, 0 where the waveform is shorter than the receptive field.

    Examples:
        >>> count_frames(16000, parse_conv_layers(WAV2VEC2_CONV))  # 1 s at 16 kHz
        49
    """
    frames = num_samples
    for kernel, stride in conv:
        frames = max(0, (frames - kernel) // stride + 1)
    return frames


def count_ctc_frames(token_int: Sequence[int]) -> int:
    """Count the frames that CTC needs, with a blank between equal neighbours.

    Examples:
        >>> count_ctc_frames([5, 5, 7])  # 5, blank, 5, 7
        4
    """
    repeats = sum(left == right for left, right in itertools.pairwise(token_int))
    return len(token_int) + repeats


def _evaluate(node: ast.expr) -> list[Any]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _evaluate(node.left) + _evaluate(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        times = ast.literal_eval(node.right)
        if not isinstance(times, int) or not 0 < times <= 100:
            raise ValueError(f"a repeat of {times}")
        layers = _evaluate(node.left)
        if len(layers) * times > 100:
            raise ValueError(f"{len(layers) * times} layers")
        return layers * times
    value = ast.literal_eval(node)
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value
