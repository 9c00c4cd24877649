"""Reading recordings: containers, sample formats, archives, pipes, damage."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hamzaban.audio.reader import measure_audio, open_audio
from hamzaban.audio.source import UnreadableError, source_file

FS = 48000


def make_speech(num_samples: int, seed: int = 0) -> np.ndarray:
    """Return noise with its energy below 2 kHz, peak 0.5, shape (num_samples,)."""
    noise = np.random.default_rng(seed).standard_normal(num_samples + 64)
    smooth = np.convolve(noise, np.hanning(24), "same")[:num_samples]
    return (0.5 * smooth / np.abs(smooth).max()).astype(np.float32)


def read_all(source: str | Path, **options: bool) -> tuple[np.ndarray, int]:
    """Return all samples, shape (num_samples, num_channels), and the rate."""
    with open_audio(str(source), **options) as stream:
        blocks = list(stream.blocks)
        empty = np.zeros((0, stream.num_channels), dtype=np.float32)
        return np.concatenate([empty, *blocks]), stream.fs


def write_media(path: Path, codec: str, speech: np.ndarray, fs: int = FS) -> None:
    """Encode mono speech with ffmpeg's codec into the container of the suffix."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fs, layout="mono")
        frame = av.AudioFrame.from_ndarray(speech[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = fs, 0
        size = stream.codec_context.frame_size or None
        form = stream.codec_context.format.name
        resampler = av.AudioResampler(form, "mono", fs, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp3", "libmp3lame"),
        ("a.m4a", "aac"),
        ("a.mp4", "aac"),
        ("a.webm", "libopus"),
        ("a.opus", "libopus"),
        ("a.mka", "flac"),
    ],
)
def test_compressed_media_keep_length_and_alignment(tmp_path, name, codec):
    speech = make_speech(FS + 123)
    path = tmp_path / name
    write_media(path, codec, speech)
    decoded, fs = read_all(path)
    assert fs == FS
    assert decoded.dtype == np.float32
    surplus = len(decoded) - len(speech)  # mp4 counts in ms and pads the last frame
    assert -FS / 1000 < surplus < 1024 if codec == "aac" else surplus == 0
    common = min(len(decoded), len(speech))
    assert np.corrcoef(decoded[:common, 0], speech[:common])[0, 1] > 0.95


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_sample_formats_of_wav(tmp_path, subtype):
    stereo = np.stack([make_speech(5000), make_speech(5000, seed=1)], axis=1)
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo, 22050, subtype)
    decoded, fs = read_all(path)
    assert fs == 22050
    np.testing.assert_allclose(decoded, stereo, atol=2**-7)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f64le"])
def test_sample_formats_of_ffmpeg(tmp_path, codec):
    speech = make_speech(4800)
    write_media(tmp_path / "a.mov", codec, speech)
    decoded, _ = read_all(tmp_path / "a.mov")
    np.testing.assert_allclose(decoded[:, 0], speech, atol=2**-6)


def test_flac_of_unknown_length_as_a_pipe_writes_it(tmp_path):
    path = tmp_path / "streamed.flac"
    speech = make_speech(16000)
    soundfile.write(path, speech, 16000)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the number of samples: 36 bits in STREAMINFO
    data[22:26] = bytes(4)
    path.write_bytes(data)
    decoded, _ = read_all(path)
    np.testing.assert_allclose(decoded[:, 0], speech, atol=1e-4)


@pytest.mark.parametrize("data_size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_wav_of_unknown_length_as_a_pipe_writes_it(tmp_path, data_size):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, make_speech(16000), 16000)
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = data_size.to_bytes(4, "little")
    path.write_bytes(data)
    assert len(read_all(path)[0]) == 16000


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.webm"])
def test_a_truncated_file_is_not_read_as_a_short_one(tmp_path, name):
    path = tmp_path / name
    if name == "a.webm":
        write_media(path, "libopus", make_speech(5 * FS))
    else:
        soundfile.write(path, make_speech(5 * FS), FS)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UnreadableError) as caught:
        read_all(path)
    assert caught.value.reason in ("truncated", "unreadable")


@pytest.mark.parametrize(
    ("data", "reason"),
    [(None, "missing"), (b"", "empty"), (b"not audio" * 99, "unreadable")],
)
@pytest.mark.parametrize("suffix", ["wav", "raw", "mp4"])
def test_a_file_that_is_no_audio_is_named(tmp_path, data, reason, suffix):
    path = tmp_path / f"بد آوا.{suffix}"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UnreadableError, match="بد آوا") as caught:
        read_all(path)
    assert caught.value.reason == reason


def test_video_without_sound_is_unreadable(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "mute.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        black = np.zeros((32, 32, 3), dtype=np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(black)))
        container.mux(stream.encode(None))
    with pytest.raises(UnreadableError, match="no audio stream"):
        read_all(path)


@pytest.mark.parametrize("form", ["kaldi", "wav", "flac"])
def test_archives_of_kaldi_and_espnet(tmp_path, form):
    kaldiio = pytest.importorskip("kaldiio")
    speech = {f"utt{i}": make_speech(800 * (i + 1), seed=i) for i in range(4)}
    samples = {key: np.round(x * 32767).astype(np.int16) for key, x in speech.items()}
    ark, scp = str(tmp_path / "wav dir.ark"), tmp_path / "wav.scp"
    data = {key: (16000, x) for key, x in samples.items()}
    if form == "kaldi":
        kaldiio.save_ark(ark, data, scp=str(scp))
    else:
        options = {"write_function": "soundfile", "write_kwargs": {"format": form}}
        kaldiio.save_ark(ark, data, scp=str(scp), **options)
    for line in scp.read_text().splitlines():
        key, source = line.split(" ", 1)
        decoded, fs = read_all(source)
        assert fs == 16000
        np.testing.assert_array_equal(np.round(decoded[:, 0] * 32768), samples[key])
        assert source_file(source) == Path(ark)


def write_ark(path: Path, content: bytes, *, is_wrapped: bool = False) -> str:
    """Write an archive of one object and another wav; return the object's entry."""
    if is_wrapped:  # as kaldiio writes what soundfile has encoded
        size = len(content)
        count = (size.bit_length() + 7) // 8
        content = b"AUDIO" + bytes([count]) + size.to_bytes(count, "little") + content
    path.write_bytes(b"utt " + content + b"next " + wav_bytes(make_speech(1600)))
    return f"{path}:4"


@pytest.mark.parametrize("is_wrapped", [False, True])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "ULAW"])
def test_sample_formats_of_wav_in_an_archive(tmp_path, subtype, is_wrapped):
    stereo = np.stack([make_speech(5000), make_speech(5000, seed=1)], axis=1)
    file = io.BytesIO()
    soundfile.write(file, stereo, 16000, subtype, format="WAV")
    ark = write_ark(tmp_path / "a.ark", file.getvalue(), is_wrapped=is_wrapped)
    decoded, _ = read_all(ark)
    np.testing.assert_allclose(decoded, stereo, atol=2**-5)
    assert measure_audio(ark).num_samples == 5000


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_truncated_file_in_an_archive_is_not_read_as_a_short_one(
    tmp_path, form, is_wrapped
):
    file = io.BytesIO()
    soundfile.write(file, make_speech(32000), 16000, format=form)
    ark = write_ark(tmp_path / "a.ark", file.getvalue(), is_wrapped=is_wrapped)
    path = tmp_path / "a.ark"
    path.write_bytes(path.read_bytes()[: len(file.getvalue()) // 2])
    for read in (read_all, measure_audio):
        with pytest.raises(UnreadableError) as caught:
            read(ark)
        assert caught.value.reason == "truncated"


@pytest.mark.parametrize(
    "content",
    [
        b"PKL\x80\x04K\x01.",
        b"NPY\x01\x80",
        b"\0BFM \4\1\0\0\0\4\1\0\0\0\0\0\0\0",
        b"\0B\4\1\0\0\0\4\1\0\0\0",
        b" [ 1 2 ]\n",
    ],
    ids=["pickle", "numpy", "matrix", "integers", "text"],
)
def test_archived_objects_that_are_no_audio_are_not_loaded(tmp_path, content):
    with pytest.raises(UnreadableError, match="no wav, flac") as caught:
        read_all(write_ark(tmp_path / "a.ark", content))
    assert caught.value.reason == "unreadable"


def test_file_whose_name_looks_like_an_archive(tmp_path):
    path = tmp_path / "call 12:30"
    speech = make_speech(1600)
    path.write_bytes(wav_bytes(speech))
    assert len(read_all(path)[0]) == 1600


def test_pipes_run_only_where_allowed(tmp_path):
    path = tmp_path / "a b.wav"
    path.write_bytes(wav_bytes(make_speech(1600)))
    source = f"cat '{path}' |"
    with pytest.raises(ValueError, match="allow_pipes"):
        read_all(source)
    assert len(read_all(source, allow_pipes=True)[0]) == 1600
    with pytest.raises(UnreadableError, match="No such file"):
        read_all("LC_ALL=C cat /nowhere/a.wav |", allow_pipes=True)
    in_bash = f"cat <(cat '{path}') |"
    assert len(read_all(in_bash, allow_pipes=True)[0]) == 1600


def encode(path: Path, form: str) -> Path:
    """Write 4 s of speech, 4 s of silence, then speech, with a misleading header."""
    av = pytest.importorskip("av")
    speech = make_speech(4 * FS)
    samples = np.concatenate([speech, np.zeros(4 * FS, np.float32), speech])
    codec, options, stated = {
        "mp3": ("libmp3lame", {"flags": "+qscale"}, {"write_xing": "0"}),
        "adts": ("aac", {}, {}),
    }[form]
    with av.open(str(path), "w", format=form, container_options=stated) as container:
        stream = container.add_stream(codec, rate=FS, layout="mono", options=options)
        stream.codec_context.global_quality = 6 * 118  # as `-q:a 6`, FF_QP2LAMBDA
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = FS, 0
        size = stream.codec_context.frame_size or None
        form = stream.codec_context.format.name
        resampler = av.AudioResampler(form, "mono", FS, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mp3", "adts"])
def test_length_is_decoded_where_no_header_states_it(tmp_path, form):
    path = encode(tmp_path / "a.bin", form)
    decoded, fs = read_all(path)
    assert 12 * FS <= len(decoded) < 12.1 * FS
    assert measure_audio(str(path))[:3] == (fs, len(decoded), True)


def test_joined_mp3_files_are_read_beyond_the_first(tmp_path):
    for number in (1, 2):
        soundfile.write(tmp_path / f"{number}.mp3", make_speech(2 * FS), FS)
    joined = tmp_path / "joined.mp3"
    parts = [(tmp_path / f"{number}.mp3").read_bytes() for number in (1, 2)]
    joined.write_bytes(b"".join(parts))
    try:
        num_samples = measure_audio(str(joined)).num_samples
    except UnreadableError:
        return
    assert num_samples > 3.9 * FS


@pytest.mark.slow
@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_cut_at_a_page_is_truncated(tmp_path, subtype):
    path = tmp_path / "a.ogg"
    soundfile.write(path, make_speech(10 * FS), FS, format="OGG", subtype=subtype)
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"OggS", 0, 3 * len(data) // 4)])
    for read in (read_all, measure_audio):
        with pytest.raises(UnreadableError) as caught:
            read(str(path))
        assert caught.value.reason == "truncated"


def wav_bytes(speech: np.ndarray) -> bytes:
    """Return a 16 kHz WAV file."""
    file = io.BytesIO()
    soundfile.write(file, speech, 16000, format="wav")
    return file.getvalue()
