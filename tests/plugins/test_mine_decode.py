"""Media as streams: every container, any place, all channels, damage."""

import numpy as np
import pytest
from mine_media import CODECS, FS, read_speech, write_media

from hamzaban.audio.reader import UnreadableError
from hamzaban.mine.decode import probe_media, read_media

SPEECH = read_speech("spk03", 12.0)


def decode(media, start: int = 0, faults: list | None = None) -> np.ndarray:
    faults = [] if faults is None else faults
    return np.concatenate(list(read_media(media, start, FS, faults)))


def find_lag(found: np.ndarray, wanted: np.ndarray, most: int = 2000) -> int:
    """Return how many samples later `found` has what is in `wanted`."""
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


@pytest.mark.parametrize("suffix", CODECS)
def test_every_container_gives_the_speech_at_its_time(media, suffix):
    probed = probe_media(media[suffix])
    speech = decode(probed)
    assert abs(len(speech) - len(SPEECH)) < 0.1 * FS
    assert abs(find_lag(speech, SPEECH)) <= 8  # half a ms
    count = min(len(speech), len(SPEECH))
    likeness = np.corrcoef(speech[:count], SPEECH[:count])[0, 1]
    assert likeness > 0.9
    level = np.sqrt(np.mean(speech**2) / np.mean(SPEECH**2))
    if suffix != "mp4":  # the copies in 5.1 are filtered by the coder (LFE)
        assert 0.8 < level < 1.2


@pytest.mark.parametrize("suffix", CODECS)
def test_reading_from_a_place_gives_the_samples_there(media, suffix):
    probed = probe_media(media[suffix])
    whole = decode(probed)
    for start in (3 * FS + 512, 7 * FS):
        part = decode(probed, start)
        assert abs(len(part) - (len(whole) - start)) <= 16  # Matroska counts in ms
        lag = find_lag(part[FS : 3 * FS], whole[start + FS :][: 2 * FS])
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


def test_what_follows_damage_is_still_decoded(media, tmp_path):
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
    lag = find_lag(speech[-3 * FS :], whole[-3 * FS :], FS)
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
def test_what_is_no_media_says_why(tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        probe_media(tmp_path / name)
    assert caught.value.reason == reason
