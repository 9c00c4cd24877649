"""Media as streams: every container, any place, all channels, damage."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soxr
from mine_media import CODECS, FS, read_speech, write_media

from hamzaban.audio.source import UnreadableError
from hamzaban.mine.decode import Media, _from_time, probe_media, read_media

SPEECH = read_speech("spk03", 12.0)
NO_TAGS = {".mp3": {"id3v2_version": "0", "write_id3v1": "0", "write_xing": "0"}}
MP3 = ("libmp3lame", 44100, "mono")


def decode(media, start: int = 0, faults: list | None = None) -> np.ndarray:
    faults = [] if faults is None else faults
    return np.concatenate(list(read_media(media, start, FS, faults)))


def compute_lag(found: np.ndarray, wanted: np.ndarray, most: int = 2000) -> int:
    """Return the delay of `found` relative to `wanted`, in samples."""
    size = 1 << (len(wanted) + len(found)).bit_length()
    spectra = np.fft.rfft(found, size), np.fft.rfft(wanted, size)
    correlation = np.fft.irfft(spectra[0] * spectra[1].conj())
    lags = np.concatenate([correlation[-most:], correlation[:most]])
    return int(lags.argmax()) - most


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Write the speech in every coding, into a folder with a name."""
    folder = tmp_path_factory.mktemp("رسانه and space")
    return {s: write_media(folder / f"a: {s}.{s}", SPEECH) for s in CODECS}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", CODECS)
def test_every_container_gives_the_speech_at_its_time(media, suffix):
    probed = probe_media(media[suffix])
    speech = decode(probed)
    assert abs(len(speech) - len(SPEECH)) < 0.1 * FS
    assert abs(compute_lag(speech, SPEECH)) <= 8  # half a ms
    count = min(len(speech), len(SPEECH))
    likeness = np.corrcoef(speech[:count], SPEECH[:count])[0, 1]
    assert likeness > 0.9
    level = np.sqrt(np.mean(speech**2) / np.mean(SPEECH**2))
    if suffix != "mp4":  # the copies in 5.1 are filtered by the coder (LFE)
        assert 0.8 < level < 1.2


@pytest.mark.slow
@pytest.mark.parametrize("suffix", CODECS)
def test_reading_from_a_place_gives_the_samples_there(media, suffix):
    probed = probe_media(media[suffix])
    whole = decode(probed)
    for start in (3 * FS + 512, 7 * FS):
        part = decode(probed, start)
        assert abs(len(part) - (len(whole) - start)) <= 16  # Matroska counts in ms
        lag = compute_lag(part[FS : 3 * FS], whole[start + FS :][: 2 * FS])
        assert abs(lag) <= (16 if suffix in ("mkv", "webm") else 0)
        same = whole[start + FS - lag :][: 2 * FS]
        assert np.corrcoef(part[FS : 3 * FS], same)[0, 1] > 0.97


def test_an_audio_stream_can_be_chosen(tmp_path):
    other = read_speech("spk04", 12.0)
    path = write_media(tmp_path / "film.mkv", SPEECH, other, languages=("fas", "ara"))
    first, second = probe_media(path, 0), probe_media(path, 1)
    assert (first.language, second.language) == ("fas", "ara")
    assert np.corrcoef(decode(second)[: 10 * FS], other[: 10 * FS])[0, 1] > 0.9
    with pytest.raises(UnreadableError, match="no audio stream") as caught:
        probe_media(path, 2)
    assert caught.value.reason == "no_audio"


@pytest.mark.slow
def test_audio_after_damage_is_still_decoded(media, tmp_path):
    content = bytearray(media["mp3"].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = b"\xff\x00" * 1500
    path = tmp_path / "damaged.mp3"
    path.write_bytes(content)
    faults: list[str] = []
    speech = decode(probe_media(path), 0, faults)
    assert faults
    assert len(SPEECH) - 2 * FS < len(speech) <= len(SPEECH) + FS
    whole = decode(probe_media(media["mp3"]))
    lag = compute_lag(speech[-3 * FS :], whole[-3 * FS :], FS)
    last, same = speech[-2 * FS : -FS], whole[-2 * FS - lag : -FS - lag]
    assert np.corrcoef(last, same)[0, 1] > 0.9
    stopped = list(read_media(probe_media(path), 0, FS, [], stop_at_fault=True))
    assert sum(map(len, stopped)) < 7 * FS


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mp3", b"", "empty"),
        ("text.mp3", b"no media at all\n" * 99, "unreadable"),
        ("gone.mp3", None, "missing"),
    ],
)
def test_a_file_that_is_no_media_is_refused_with_the_reason(
    tmp_path, name, content, reason
):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        probe_media(tmp_path / name)
    assert caught.value.reason == reason


def code(path: Path, speech: np.ndarray, codec: str, rate: int, layout: str) -> bytes:
    """Return encoded speech without leading tags, so that files can be joined."""
    with av.open(str(path), "w", options=NO_TAGS.get(path.suffix, {})) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        block = np.tile(soxr.resample(speech, FS, rate), (stream.channels, 1))
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        context = stream.codec_context
        resampler = av.AudioResampler(
            context.format.name, layout, rate, frame_size=context.frame_size or None
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("libmp3lame", 44100, "stereo"), MP3),
        (MP3, ("libmp3lame", 22050, "mono")),
        (MP3, ("libmp3lame", 16000, "mono")),
        (("ac3", 48000, "quad(side)"), ("ac3", 48000, "4.0")),
    ],
    ids=["channels", "rate", "rate wanted", "layout"],
)
def test_speech_after_a_change_is_read(tmp_path, first, second):
    """A jingle of 3 s is encoded differently from the talk that follows."""
    path = tmp_path / ("both.ac3" if first[0] == "ac3" else "both.mp3")
    parts = code(path, SPEECH[: 3 * FS], *first), code(path, SPEECH, *second)
    path.write_bytes(b"".join(parts))
    faults: list[str] = []
    speech = decode(probe_media(path), 0, faults)
    assert abs(len(speech) - 15 * FS) < 0.2 * FS and not faults
    talk = speech[-10 * FS : -FS]
    lag = compute_lag(talk, SPEECH[2 * FS : 11 * FS])
    assert abs(lag) < 0.2 * FS
    wanted = SPEECH[2 * FS - lag : 11 * FS - lag]
    assert np.corrcoef(talk, wanted)[0, 1] > 0.9
    stopped = list(read_media(probe_media(path), 0, FS, faults, stop_at_fault=True))
    if first[0] != "ac3":  # as for stage 2, which reads spans of such a file
        assert faults == ["rate or channels change"]
        assert sum(map(len, stopped)) < 4 * FS


def make_frame(form: str, rate: int, level: int) -> av.AudioFrame:
    """Return a second of a constant, `level` of 16 bits."""
    width = {"s16": np.int16, "s32": np.int32}[form]
    block = np.full((1, rate), level, width) << (np.dtype(width).itemsize * 8 - 16)
    frame = av.AudioFrame.from_ndarray(block, format=form, layout="mono")
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    return frame


def test_a_change_of_sample_format_or_rate_counts_in_seconds(tmp_path):
    """The place to seek lies after changes; an impossible rate is skipped."""
    media = Media("a", "best", FS, 1, 0.0, None, False, "", "")
    forms = [("s16", FS), ("s32", FS), ("s16", 8000), ("s16", 500), ("s32", 44100)]
    frames = [make_frame(*form, 1000 * k) for k, form in enumerate(forms, 1)]
    frames[0].pts = 0
    faults: list[str] = []
    found = list(_from_time(iter(frames), media, Fraction(5, 2), faults))
    assert [(f.sample_rate, f.samples) for f in found] == [(8000, 4000), (44100, 44100)]
    assert faults == ["rate of 500 Hz"]
    found = list(_from_time(iter(frames[1:3]), media, Fraction(0), []))
    assert [f.format.name for f in found] == ["s32", "s16"]
