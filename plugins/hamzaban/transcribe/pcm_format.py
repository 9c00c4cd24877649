"""The form of raw samples (PCM)."""

from __future__ import annotations

import dataclasses

from hamzaban.config import check_options, option
from hamzaban.transcribe.transcribe_options import FS

MIN_RATE, MAX_RATE = 1000, 768_000  # Hz, as for files
SAMPLE_FORMATS = {  # name, as ffmpeg has it -> type, and the value of full scale
    "s16le": ("<i2", 2.0**15),
    "s32le": ("<i4", 2.0**31),
    "f32le": ("<f4", 1.0),
    "u8": ("u1", 2.0**7),
}
MAX_CHANNELS = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class PcmFormat:
    """What the bytes of a stream mean.

    Attributes:
        rate: Sample rate, Hz.
        sample_format: Key of SAMPLE_FORMATS.
        channels: Number of interleaved channels, which are mixed.
    """

    rate: int = option(FS, at_least=MIN_RATE, at_most=MAX_RATE)
    sample_format: str = option("s16le", choices=tuple(SAMPLE_FORMATS))
    channels: int = option(1, at_least=1, at_most=MAX_CHANNELS)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is out of range.
        """
        check_options(self, "--")
