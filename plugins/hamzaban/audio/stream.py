"""An open recording, and the errors of its decoder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from hamzaban.audio.source import UnreadableError

RATE_RANGE = (1000, 768_000)  # Hz; a header that states another rate is damaged


@dataclass
class AudioStream:
    """An open recording.

    Attributes:
        fs: Sampling rate in Hz.
        num_channels: Number of channels.
        blocks: Consecutive parts of the recording, each float32 in -1..1 (louder if
            the file is louder) of shape (num_samples, num_channels). Raises
            UnreadableError where decoding fails or ends too early.
        encoding: Container and sample format, such as ("FLAC", "PCM_16").
        num_samples: Length that the header states; None if only decoding can tell.
        is_exact: Whether the length counts samples; some containers count milliseconds
            or include padding.
        is_mended: Whether the header stated a wrong length, which was ignored.
    """

    fs: int
    num_channels: int
    blocks: Iterator[np.ndarray]
    encoding: tuple[str, str]
    num_samples: int | None
    is_exact: bool = True
    is_mended: bool = False


@contextmanager
def name_faults(name: str, *, reason: str = "unreadable") -> Iterator[None]:
    """Turn any error of a decoder into an UnreadableError that names the recording.

    Decoders raise errors of any kind for damaged and unusual files. Use it around calls
    of a decoder only.

    Args:
        name: Name of the recording.
        reason: One-word reason of the error, as in `UnreadableError`.

    Raises:
        UnreadableError: A call inside failed.
    """
    try:
        yield
    except UnreadableError:
        raise
    except Exception as error:
        what = str(error) or type(error).__name__
        raise UnreadableError(reason, f"{name}: {what}") from error


def check_rate(fs: int, name: str) -> None:
    """Check a sampling rate in Hz.

    Raises:
        UnreadableError: It is outside RATE_RANGE.
    """
    low, high = RATE_RANGE
    if not low <= fs <= high:
        detail = f"{name}: rate of {fs} Hz, expected {low}..{high}"
        raise UnreadableError("unreadable", detail)
