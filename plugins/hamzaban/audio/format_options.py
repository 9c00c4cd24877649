"""Options of the audio stage."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hamzaban.audio.stream import RATE_RANGE
from hamzaban.config import check_options, option

AUDIO_FORMATS = ("flac", "wav")
SPEED_RANGE = (0.5, 2.0)


def parse_range(option: str, text: str) -> tuple[float, float]:
    """Read two bounds from a text: one number for both, or two such as `5 20`.

    Raises:
        ValueError: The text is neither.
    """
    words = text.strip("[]()").replace(",", " ").split()
    try:
        low, high = (float(word) for word in (words * 2 if len(words) == 1 else words))
    except ValueError:
        raise ValueError(
            f"--{option}: '{text}', expected a number or two such as '5 20'"
        ) from None
    return low, high


def _read_pair(name: str) -> Callable[[object], object]:
    """Return a function that reads a pair from a number or a text such as `5 20`."""

    def convert(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return value
        return parse_range(name, str(value))

    return convert


@dataclass(frozen=True)
class NoiseOptions:
    """The noise and rooms to add, and the share of utterances that get them.

    Attributes:
        noise_list: List of noises, each line a path or `id path`; None adds no noise.
        rir_list: List of room impulse responses of the same form; None adds no rooms.
        snr_db: Bounds of the signal-to-noise ratio, dB, which is drawn uniformly.
        num_noises: Bounds of the number of noises to sum; several voices make babble.
        noise_prob: Share of the utterances that get noise.
        rir_prob: Share of the utterances that get a room.
        copies: Noisy copies beside each utterance; 0 changes the utterance itself.
        seed: Random seed; it is combined with the id of an utterance.
        signature: Digest of the names, sizes and times of the files in the lists.
    """

    noise_list: Path | None = None
    rir_list: Path | None = None
    snr_db: tuple[float, float] = option((5.0, 20.0), convert=_read_pair("snr_db"))
    num_noises: tuple[int, int] = option(
        (1, 1), at_least=1, convert=_read_pair("num_noises")
    )
    noise_prob: float = option(1.0, at_least=0, at_most=1)
    rir_prob: float = option(1.0, at_least=0, at_most=1)
    copies: int = option(0, at_least=0)
    seed: int = 0
    signature: str = ""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: A value is out of its range.
        """
        check_options(self, "--")
        for name in ("snr_db", "num_noises"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"--{name}: {low:g} {high:g} found, expected min max")


class Variant(NamedTuple):
    """One of the variants in which each utterance is written.

    Attributes:
        prefix: Prefix of the ids of utterance and speaker.
        speed: Speed factor.
        is_noisy: Whether noise and rooms are added.
    """

    prefix: str
    speed: float
    is_noisy: bool = False


@dataclass(frozen=True)
class FormatOptions:
    """Format of the output, and limits of the utterances that are kept.

    Attributes:
        fs: Sampling rate of the output, Hz.
        audio_format: flac or wav, both of 16 bits and one channel.
        channel: Channel to keep, from 0; None averages all.
        speed_factors: Each utterance is written once at each of these.
        min_duration_s: Utterances must be longer than this.
        max_duration_s: Utterances must be shorter than this.
        silence_db: Utterances must be louder than this, in dB of full scale.
        allow_pipes: Whether to run entries of wav.scp that are commands.
        noise: Noise and rooms; None adds none.
    """

    fs: int = option(16000, at_least=RATE_RANGE[0], at_most=RATE_RANGE[1])
    audio_format: str = option("flac", choices=AUDIO_FORMATS)
    channel: int | None = option(None, at_least=0)
    speed_factors: tuple[float, ...] = (1.0,)
    min_duration_s: float = 0.1
    max_duration_s: float = option(32.0, finite=False)
    silence_db: float = option(-80.0, finite=False)
    allow_pipes: bool = False
    noise: NoiseOptions | None = None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: A value is out of its range.
        """
        check_options(self, "--")
        if not 0 <= self.min_duration_s < self.max_duration_s:
            raise ValueError(
                f"--min_duration_s {self.min_duration_s} --max_duration_s "
                f"{self.max_duration_s}: expected 0 <= min < max"
            )

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The variants of each utterance: speeds, and noisy copies."""
        speeds = [(speed_prefix(speed), speed) for speed in self.speed_factors]
        if self.noise is None:
            return tuple(Variant(*speed) for speed in speeds)
        if self.noise.copies == 0:
            return tuple(Variant(*speed, is_noisy=True) for speed in speeds)
        noisy = [
            Variant(f"noisy{number}-{prefix}", speed, is_noisy=True)
            for number in range(1, self.noise.copies + 1)
            for prefix, speed in speeds
        ]
        return (*(Variant(*speed) for speed in speeds), *noisy)

    def digest(self) -> str:
        """Return a digest of the values that decide the audio, 16 hexadecimal
        digits."""
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
        ValueError: A factor is not a number, out of range, or given twice.
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
    """Return the prefix of Kaldi and ESPnet for ids, such as `sp0.9-`; "" for 1.0."""
    return "" if factor == 1.0 else f"sp{factor:g}-"


def hash_text(text: str) -> str:
    """Return a digest of a text, 16 hexadecimal digits."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()
