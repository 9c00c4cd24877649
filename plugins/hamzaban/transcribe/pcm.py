"""Raw samples (PCM) that come in pieces of any size, as mono at the model's rate."""

from __future__ import annotations

import numpy as np

from hamzaban.audio.signal import Mixer
from hamzaban.transcribe.pcm_format import SAMPLE_FORMATS, PcmFormat
from hamzaban.transcribe.transcribe_options import FS


class PcmReader:
    """Turns the bytes of a stream into mono samples at 16 kHz."""

    def __init__(self, form: PcmFormat) -> None:
        """Start a stream."""
        import soxr

        self._type, self._scale = SAMPLE_FORMATS[form.sample_format]
        self._channels, self._rate = form.channels, form.rate
        self._size = np.dtype(self._type).itemsize * form.channels
        self._rest = b""
        self._mixer = Mixer(None, "the stream")
        self._resampler = None
        if form.rate != FS:
            self._resampler = soxr.ResampleStream(form.rate, FS, 1, dtype="float32")

    def feed(self, data: bytes) -> np.ndarray:
        """Return the next samples, float32, shape (num_samples,).

        A sample whose bytes are not complete waits for the next call.
        """
        data = self._rest + data
        whole = len(data) - len(data) % self._size
        self._rest = data[whole:]
        values: np.ndarray = np.frombuffer(data[:whole], self._type).astype(np.float32)
        if self._type == "u1":
            values -= 128
        values = np.nan_to_num(values / np.float32(self._scale), posinf=0, neginf=0)
        if not len(values):
            return values
        mono: np.ndarray = self._mixer.mix(
            values.reshape(-1, self._channels), self._rate
        )
        if self._resampler is None:
            return mono
        found: np.ndarray = self._resampler.resample_chunk(mono)
        return found

    def finish(self) -> np.ndarray:
        """Return the samples that the resampler still holds, shape (num_samples,)."""
        if self._resampler is None:
            return np.zeros(0, np.float32)
        nothing = np.zeros(0, np.float32)
        found: np.ndarray = self._resampler.resample_chunk(nothing, last=True)
        return found
