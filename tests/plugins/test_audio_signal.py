"""Mixing, resampling, speed, levels and 16-bit samples; cutting spans of a stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamzaban.audio.cut import cut_spans
from hamzaban.audio.signal import Mixer, is_silent, resample, to_int16, to_mono
from hamzaban.audio.source import UnreadableError


def make_tone(hertz: float, fs: int, num_samples: int) -> np.ndarray:
    """Return a sine of amplitude 0.5, shape (num_samples,)."""
    time_s = np.arange(num_samples) / fs
    return (0.5 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)


def compute_peak(speech: np.ndarray, fs: int) -> float:
    """Return the strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(speech * np.hanning(len(speech))))
    return float(spectrum.argmax()) * fs / len(speech)


@pytest.mark.parametrize("num_channels", [1, 2, 3, 6])
def test_mono_is_the_mean_or_the_channel_asked_for(num_channels):
    block = np.random.default_rng(0).random((50, num_channels)).astype(np.float32)
    np.testing.assert_allclose(to_mono(block), block.mean(1), rtol=1e-6)
    np.testing.assert_array_equal(to_mono(block, num_channels - 1), block[:, -1])
    with pytest.raises(UnreadableError, match=f"has {num_channels}"):
        to_mono(block, num_channels)


@pytest.mark.parametrize("fs_in", [8000, 11025, 22050, 44100, 48000, 96000])
def test_resampling_keeps_pitch_and_duration(fs_in):
    resampled = resample(make_tone(1000, fs_in, fs_in), fs_in, 16000)
    assert len(resampled) == 16000
    assert compute_peak(resampled, 16000) == pytest.approx(1000, abs=1)


def test_resampling_leaves_no_alias():
    resampled = resample(make_tone(11000, 48000, 48000), 48000, 16000)
    assert np.abs(resampled[800:-800]).max() < 1e-4


@pytest.mark.parametrize("speed", [0.9, 1.1, 1.25])
@pytest.mark.parametrize("fs_in", [16000, 44100])
def test_speed_changes_duration_and_pitch(speed, fs_in):
    fast = resample(make_tone(1000, fs_in, fs_in), fs_in, 16000, speed=speed)
    assert abs(len(fast) - 16000 / speed) <= 1
    assert compute_peak(fast, 16000) == pytest.approx(1000 * speed, abs=2)


def test_sixteen_bit_samples_pass_unchanged():
    samples = np.array([-32768, -1, 0, 1, 32767], dtype=np.int16)
    result, is_scaled = to_int16(samples.astype(np.float32) / 32768)
    np.testing.assert_array_equal(result, samples)
    assert not is_scaled


@pytest.mark.parametrize("peak", [1.0, 1.7, 32768.0])
def test_a_signal_above_full_scale_is_scaled_and_not_clipped(peak):
    speech = np.float32(peak) * np.sin(np.linspace(0, 50, 4000), dtype=np.float32)
    result, is_scaled = to_int16(speech)
    assert is_scaled == (speech.max() > 32767 / 32768)
    assert np.abs(result.astype(int)).max() <= 32767
    assert np.corrcoef(result, speech)[0, 1] > 0.999999


def test_silence_is_judged_without_the_offset():
    noise = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    assert is_silent(np.zeros(10, np.float32), -80)
    assert is_silent(0.3 + 1e-5 * noise, -80)
    assert not is_silent(1e-3 * noise, -80)


@given(
    st.lists(st.integers(0, 40), max_size=8),
    st.lists(st.tuples(st.integers(0, 150), st.integers(1, 60) | st.none())),
)
def test_spans_of_a_stream_equal_slices_of_the_whole(sizes, spans):
    whole = np.arange(sum(sizes), dtype=np.float32)
    blocks = np.split(whole, np.cumsum(sizes)[:-1]) if sizes else []
    ends = [(begin, length and begin + length) for begin, length in spans]
    cut = dict(cut_spans(blocks, ends, float("inf")))
    assert sorted(cut) == list(range(len(spans)))
    for index, (begin, end) in enumerate(ends):
        np.testing.assert_array_equal(cut[index], whole[begin:end])


def test_decoding_stops_after_the_last_span_and_long_spans_are_given_up():
    taken = []

    def blocks():
        for index in range(100):
            taken.append(index)
            yield np.full(10, index, dtype=np.float32)

    cut = dict(cut_spans(blocks(), [(25, 35), (0, 900), (40, 45)], 30))
    assert cut[1] is None
    assert cut[0].tolist() == [2] * 5 + [3] * 5
    assert cut[2].tolist() == [4] * 5
    assert len(taken) == 5


def phases(*gains: float, seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """Return noise in channels with different gains, shape (num_samples,
    num_channels)."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * 16000))
    return (0.1 * noise[:, None] * np.array(gains)).astype(np.float32)


@pytest.mark.parametrize("gains", [(1.0, -1.0), (1.0, -0.95), (1.0, -1.0, 0.0, 0.0)])
@pytest.mark.parametrize("size", [160, 32000])
def test_one_of_two_channels_of_opposite_phase_is_taken(gains, size):
    stereo, mixer = phases(*gains), Mixer()
    blocks = [stereo[i : i + size] for i in range(0, len(stereo), size)]
    mono = np.concatenate([mixer.mix(block, 16000) for block in blocks])
    np.testing.assert_array_equal(mono, stereo[:, 0])
    assert mixer.has_cancelled


@pytest.mark.parametrize("gains", [(1.0, 1.0), (1.0, 0.0), (1.0, -0.5), (0.0, 0.0)])
def test_other_channels_are_averaged(gains):
    stereo, mixer = phases(*gains), Mixer()
    np.testing.assert_array_equal(mixer.mix(stereo, 16000), to_mono(stereo))
    independent = np.concatenate([phases(1.0, seed=1), phases(1.0, seed=2)], axis=1)
    np.testing.assert_array_equal(mixer.mix(independent, 16000), to_mono(independent))
    assert not mixer.has_cancelled
