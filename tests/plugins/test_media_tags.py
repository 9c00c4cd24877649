"""Media with tags in Windows-1256, as old Arabic and Persian collections have them."""

from pathlib import Path

import av
import numpy as np
import pytest

from hamzaban.audio.reader import open_audio
from hamzaban.ingest.durations import read_duration
from hamzaban.mine.decode import probe_media, read_media
from hamzaban.validate.audio import AudioCheck, check_entry

FS = 16000
TITLE = "اخبار"
PLACE = "xNEWS"  # of as many bytes
CODECS = {"mp3": "libmp3lame", "wav": "pcm_s16le", "m4a": "aac", "mka": "flac"}


def write_tagged(path: Path) -> Path:
    """Write two seconds of noise with a title that is not UTF-8."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 2 * FS))
    options = (
        {"id3v2_version": "0", "write_id3v1": "0"} if path.suffix == ".mp3" else {}
    )
    with av.open(str(path), "w", options=options) as file:
        stream = file.add_stream(CODECS[path.suffix[1:]], rate=FS, layout="mono")
        if path.suffix != ".mp3":
            file.metadata["title"] = PLACE
        frame = av.AudioFrame.from_ndarray(noise.astype("f4"), "fltp", "mono")
        frame.sample_rate, frame.pts = FS, 0
        context = stream.codec_context
        resampler = av.AudioResampler(
            context.format.name, "mono", FS, frame_size=context.frame_size or None
        )
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            file.mux(stream.encode(part))
    if path.suffix == ".mp3":  # ID3v1: 128 bytes at the end
        fields = TITLE.encode("cp1256").ljust(124 - 3, b"\0")
        path.write_bytes(path.read_bytes() + b"TAG" + fields + b"2001")
    content = path.read_bytes().replace(PLACE.encode(), TITLE.encode("cp1256"))
    path.write_bytes(content)
    assert TITLE.encode("cp1256") in content
    return path


@pytest.fixture(scope="module", params=CODECS)
def tagged(tmp_path_factory, request):
    return write_tagged(tmp_path_factory.mktemp("tags") / f"a.{request.param}")


def test_mining_reads_media_with_such_tags(tagged):
    media = probe_media(tagged)
    found = sum(map(len, read_media(media, 0, FS, [])))
    assert abs(found - 2 * FS) < 0.2 * FS


def test_audio_readers_read_media_with_such_tags(tagged):
    with open_audio(str(tagged)) as stream:
        assert abs(sum(map(len, stream.blocks)) - 2 * FS) < 0.2 * FS
    assert abs(read_duration(str(tagged)).duration_s - 2) < 0.2
    assert check_entry(str(tagged), AudioCheck(is_full=True)).problem is None
