"""What the audio stage is asked for."""

import hashlib
from dataclasses import dataclass

AUDIO_FORMATS = ("flac", "wav")
SPEED_RANGE = (0.5, 2.0)


@dataclass(frozen=True)
class FormatOptions:
    """What each utterance is made into.

    Attributes:
        fs: Sampling rate of the output, Hz.
        audio_format: flac or wav, both of 16 bits and one channel.
        channel: Channel to keep, from 0; None averages all.
        speed_factors: Each utterance is written once at each of these.
        min_duration_s: Utterances must be longer.
        max_duration_s: Utterances must be shorter.
        silence_db: Utterances must be louder, in dB of full scale.
        allow_pipes: Run entries of wav.scp that are commands.
    """

    fs: int = 16000
    audio_format: str = "flac"
    channel: int | None = None
    speed_factors: tuple[float, ...] = (1.0,)
    min_duration_s: float = 0.1
    max_duration_s: float = 32.0
    silence_db: float = -80.0
    allow_pipes: bool = False

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: A value is out of its range.
        """
        if self.audio_format not in AUDIO_FORMATS:
            known = ", ".join(AUDIO_FORMATS)
            raise ValueError(
                f"--audio_format: '{self.audio_format}' is unknown; known: {known}"
            )
        if self.fs <= 0:
            raise ValueError(f"--fs: {self.fs}, expected a rate in Hz, such as 16000")
        if self.channel is not None and self.channel < 0:
            raise ValueError(f"--channel: {self.channel}, expected mix, 0, 1, ...")
        if not 0 <= self.min_duration_s < self.max_duration_s:
            raise ValueError(
                f"--min_duration_s {self.min_duration_s} --max_duration_s "
                f"{self.max_duration_s}: expected 0 <= min < max"
            )

    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with any value that matters."""
        values = (
            self.fs,
            self.audio_format,
            self.channel,
            self.min_duration_s,
            self.max_duration_s,
            self.silence_db,
        )
        return hash_text(repr(values))


def parse_factors(text: str) -> tuple[float, ...]:
    """Read speed factors such as `0.9 1.0 1.1`; an empty text means 1.0 alone.

    Raises:
        ValueError: Not a number, out of range, or twice the same.
    """
    try:
        factors = tuple(float(word) for word in text.split()) or (1.0,)
    except ValueError:
        raise ValueError(
            f"--speed_perturb_factors: '{text}', expected numbers such as '0.9 1.0 1.1'"
        ) from None
    low, high = SPEED_RANGE
    if not all(low <= factor <= high for factor in factors):
        raise ValueError(
            f"--speed_perturb_factors: '{text}', expected numbers in {low}..{high}"
        )
    if len({speed_prefix(factor) for factor in factors}) < len(factors):
        raise ValueError(f"--speed_perturb_factors: '{text}' names a factor twice")
    return factors


def speed_prefix(factor: float) -> str:
    """Return what Kaldi and ESPnet put before ids: `sp0.9-`; nothing for 1.0."""
    return "" if factor == 1.0 else f"sp{factor:g}-"


def hash_text(text: str) -> str:
    """Return 16 hexadecimal digits of a text."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()
