"""Operations on one signal: mixing, resampling, silence, conversion to 16 bits."""

import numpy as np
import soxr

from hamzaban.audio.source import UnreadableError

MAX_INT16 = 32767
# Channels cancel if their mean has less than this share (-20 dB) of a channel's power.
MIN_MIX = 0.01
MIX_HALF_LIFE_S = 1.0  # half-life of the powers that are compared
SCALE_INT16 = 32768.0


def to_mono(
    block: np.ndarray, channel: int | None = None, name: str = "the recording"
) -> np.ndarray:
    """Return the mean of the channels, or one of them.

    Args:
        block: Samples, shape (num_samples, num_channels).
        channel: The channel to keep, from 0; None averages all.
        name: Name of the recording in errors.

    Returns:
        Samples, shape (num_samples,).

    Raises:
        UnreadableError: There is no such channel (reason no_channel).
    """
    num_channels = block.shape[1]
    if channel is not None:
        if channel >= num_channels:
            detail = f"channel {channel} asked for, {name} has {num_channels}"
            raise UnreadableError("no_channel", detail)
        return np.ascontiguousarray(block[:, channel])
    if num_channels == 1:
        return block[:, 0]
    mixed = block[:, 0] + block[:, 1]
    for index in range(2, num_channels):
        mixed += block[:, index]
    mixed *= 1.0 / num_channels
    return mixed  # (num_samples,)


class Mixer:
    """Mixer of a recording to mono that takes one channel where channels cancel.

    The mean of channels of opposite phase is silence; such recordings come from a
    microphone that was connected with the wrong polarity.

    Attributes:
        has_cancelled: Whether one channel has been taken so far.
    """

    def __init__(self, channel: int | None = None, name: str = "the recording") -> None:
        """Set the channel from 0 (None averages all) and the name in errors."""
        self.has_cancelled = False
        self._channel, self._name = channel, name
        self._mean_power: float = 0.0
        self._powers = np.zeros(0)

    def mix(self, block: np.ndarray, fs: int) -> np.ndarray:
        """Return the next block as mono.

        Args:
            block: Samples, shape (num_samples, num_channels).
            fs: Their rate in Hz.

        Returns:
            Samples, shape (num_samples,).

        Raises:
            UnreadableError: There is no such channel (reason no_channel).
        """
        mono = to_mono(block, self._channel, self._name)
        if self._channel is not None or block.shape[1] == 1:
            return mono
        powers = np.array([float(np.dot(x, x)) for x in block.T])  # (num_channels,)
        mean_power = float(np.dot(mono, mono))
        if not np.isfinite([mean_power, *powers]).all():
            return mono
        if len(powers) == len(self._powers):
            keep = 0.5 ** (len(block) / fs / MIX_HALF_LIFE_S)
            powers += keep * self._powers
            mean_power += keep * self._mean_power
        self._powers, self._mean_power = powers, mean_power
        if mean_power >= MIN_MIX * powers.max():
            return mono
        self.has_cancelled = True
        chosen = int(np.argmax(powers >= powers.max() / 2))  # the first loud one
        return np.ascontiguousarray(block[:, chosen])


def resample(
    speech: np.ndarray, fs_in: int, fs_out: int, *, speed: float = 1.0
) -> np.ndarray:
    """Return speech resampled, with speed and pitch changed as `sox speed` does.

    Args:
        speech: Samples, shape (num_samples,).
        fs_in: Rate of `speech` in Hz.
        fs_out: Rate wanted in Hz.
        speed: Factor; 1.1 makes the result 1/1.1 as long. Ko et al. 2015, section 2.

    Returns:
        Samples, shape (round(num_samples * fs_out / (fs_in * speed)),) within 1.
    """
    rate = fs_in * speed
    if rate == fs_out or len(speech) == 0:
        return speech
    return soxr.resample(speech, rate, fs_out, quality="HQ")


def is_silent(speech: np.ndarray, silence_db: float) -> bool:
    """Return whether a signal stays below a level, ignoring a constant offset.

    Args:
        speech: Samples, shape (num_samples,), at least one.
        silence_db: Lowest level of half the peak-to-peak range that is not silence, in
            dB of full scale.
    """
    half_range = (float(speech.max()) - float(speech.min())) / 2.0
    return half_range < 10.0 ** (silence_db / 20.0)


def to_int16(speech: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return a signal rounded to 16 bits; it is scaled down rather than clipped.

    Args:
        speech: Finite samples, shape (num_samples,), at least one.

    Returns:
        int16 samples of the same shape, and whether they were scaled.
    """
    high, low = float(speech.max()), float(speech.min())
    scaled = high > MAX_INT16 / SCALE_INT16 or low < -1.0
    gain = MAX_INT16 / max(high, -low) if scaled else SCALE_INT16
    return np.rint(speech * np.float32(gain)).astype(np.int16), scaled
