"""The validator's checks of audio: each kind of finding, in files that are damaged."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hamzaban.audio.container import check_truncation
from hamzaban.validate.audio import AudioCheck, check_audio, check_entry
from hamzaban.validate.directory import CheckOptions, validate_data_dir

FS = 16000
FULL = AudioCheck(is_full=True)
HEADER = AudioCheck()
NEAR_FORMATS = ("wav", "rf64")
SOUND_FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
    "ogg": ("OGG", "VORBIS"),
}
AV_FORMATS = {  # codec and options of the container
    "m4a": ("aac", {}),
    "mp4": ("aac", {"movflags": "faststart"}),
    "webm": ("libopus", {}),
    "mkv": ("flac", {}),
    "mp3": ("libmp3lame", {"write_xing": "0"}),
}


def noise(num_samples: int = 3 * FS, seed: int = 0) -> np.ndarray:
    """Return seeded noise, float32 of shape (num_samples,)."""
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(num_samples)).astype(np.float32)


def write_sound(path: Path, samples: np.ndarray | None = None, fs: int = FS) -> Path:
    """Write a file in the format of its name, with libsndfile."""
    kind, subtype = SOUND_FORMATS[path.suffix[1:]]
    samples = noise() if samples is None else samples
    soundfile.write(path, samples, fs, format=kind, subtype=subtype)
    return path


def write_av(path: Path, fs: int = 48000) -> Path:
    """Write three seconds in the format of the file's name, with ffmpeg's libraries."""
    import av

    codec, options = AV_FORMATS[path.suffix[1:]]
    samples = (noise(3 * fs)[None] * 32767).astype(np.int16)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=fs)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = fs, 0
        context = stream.codec_context
        resampler = av.AudioResampler(
            context.format.name, "mono", fs, frame_size=context.frame_size or None
        )
        for piece in resampler.resample(frame) + resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def cut(path: Path, share: float) -> None:
    """Keep the first part of a file, as an interrupted download does."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def kind_of_problem(rest: Path | str, check: AudioCheck = FULL) -> str | None:
    """Check one entry; return the kind of finding."""
    problem = check_entry(str(rest), check).problem
    return problem[0] if problem else None


@pytest.mark.slow
@pytest.mark.parametrize("check", [HEADER, FULL])
@pytest.mark.parametrize("suffix", SOUND_FORMATS)
def test_whole_files_of_libsndfile(tmp_path, suffix, check):
    info = check_entry(str(write_sound(tmp_path / f"a صدا.{suffix}")), check)
    assert info.problem is None
    assert (info.fs, info.num_samples) == (FS, 3 * FS)


@pytest.mark.slow
@pytest.mark.parametrize("check", [HEADER, FULL])
@pytest.mark.parametrize("suffix", AV_FORMATS)
def test_whole_files_of_ffmpeg(tmp_path, suffix, check):
    info = check_entry(str(write_av(tmp_path / f"a.{suffix}")), check)
    assert info.problem is None
    assert info.fs == 48000
    assert abs(info.num_samples - 3 * 48000) < 0.1 * 48000


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.97, 0.5, 0.1])
@pytest.mark.parametrize("suffix", SOUND_FORMATS)
@pytest.mark.parametrize("check", [HEADER, FULL])
def test_truncated_files_of_libsndfile(tmp_path, suffix, share, check):
    """A WAV header may state a little too much (see test_audio_headers)."""
    path = write_sound(tmp_path / f"a.{suffix}")
    cut(path, share)
    is_near = share == 0.97 and suffix in NEAR_FORMATS
    assert kind_of_problem(path, check) == (None if is_near else "truncated-audio")


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.97, 0.5])
@pytest.mark.parametrize("suffix", AV_FORMATS)
def test_truncated_files_of_ffmpeg(tmp_path, suffix, share):
    path = write_av(tmp_path / f"a.{suffix}")
    cut(path, share)
    assert kind_of_problem(path) == "truncated-audio"
    assert kind_of_problem(path, HEADER) == "truncated-audio"


@pytest.mark.parametrize("suffix", SOUND_FORMATS)
def test_one_byte_less_is_noticed_by_decoding(tmp_path, suffix):
    path = write_sound(tmp_path / f"a.{suffix}")
    path.write_bytes(path.read_bytes()[:-1])
    is_near = suffix in NEAR_FORMATS
    assert kind_of_problem(path) == (None if is_near else "truncated-audio")


def test_wav_from_a_pipe_has_no_size_and_is_whole(tmp_path):
    path = write_sound(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    assert kind_of_problem(path, HEADER) is None


def test_wav_with_a_chunk_after_the_data(tmp_path):
    path = write_sound(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert check_truncation(io.BytesIO(path.read_bytes())) is None


def test_mp3_with_tags_at_both_ends(tmp_path):
    path = write_av(tmp_path / "a.mp3")
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
    path.write_bytes(tag + path.read_bytes() + b"TAG" + bytes(125))
    assert kind_of_problem(path) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", range(0, 64, 3))
def test_no_header_however_short_is_an_error_of_ours(tmp_path, size):
    kinds = {"empty-audio", "truncated-audio", "unreadable-audio"}
    for suffix in SOUND_FORMATS:
        path = write_sound(tmp_path / f"a.{suffix}", noise(1600))
        path.write_bytes(path.read_bytes()[:size])
        assert kind_of_problem(path) in kinds


def test_missing_audio_is_found(tmp_path):
    assert kind_of_problem(tmp_path / "none.wav") == "missing-audio"
    assert kind_of_problem(tmp_path / "none.ark:12") == "missing-audio"
    (tmp_path / "link.wav").symlink_to(tmp_path / "gone")
    assert kind_of_problem(tmp_path / "link.wav") == "missing-audio"


def test_empty_audio_is_found(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    assert kind_of_problem(tmp_path / "empty.wav") == "empty-audio"
    path = write_sound(tmp_path / "header.wav", noise(0))
    assert kind_of_problem(path, HEADER) == kind_of_problem(path) == "empty-audio"


def test_unreadable_audio_is_found(tmp_path):
    (tmp_path / "page.mp3").write_text("<html>404 Not Found</html>\n" * 100)
    assert kind_of_problem(tmp_path / "page.mp3") == "unreadable-audio"
    assert kind_of_problem(tmp_path) == "unreadable-audio"


def test_a_wrong_sampling_rate_is_found(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(), 8000)
    assert kind_of_problem(path, AudioCheck(fs=8000)) is None
    info = check_entry(str(path), AudioCheck(fs=FS))
    assert info.problem == ("wrong-rate", "8000 Hz, expected 16000 Hz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_audio_with_nan_is_found(tmp_path, value):
    samples = noise()
    samples[FS : FS + 3] = value
    soundfile.write(tmp_path / "a.wav", samples, FS, subtype="FLOAT")
    info = check_entry(str(tmp_path / "a.wav"), FULL)
    assert info.problem[0] == "nan-audio"
    assert info.problem[1].startswith("3 samples are not finite")
    assert kind_of_problem(tmp_path / "a.wav", HEADER) is None


@pytest.mark.parametrize(
    ("suffix", "offset"), [("wav", 0.0), ("wav", 0.25), ("flac", 0.0), ("opus", 0.0)]
)
def test_silent_audio_is_found(tmp_path, suffix, offset):
    path = write_sound(tmp_path / f"a.{suffix}", np.full(FS, offset, np.float32))
    assert kind_of_problem(path) == "silent-audio"
    assert kind_of_problem(path, HEADER) is None


def test_a_click_in_silence_does_not_count_as_silence(tmp_path):
    samples = np.zeros(FS, np.float32)
    samples[-1] = 0.01
    assert kind_of_problem(write_sound(tmp_path / "a.flac", samples)) is None


def test_pipes_run_only_when_asked(tmp_path):
    path = write_sound(tmp_path / "a.wav")
    mark = tmp_path / "ran"
    info = check_entry(f"touch {mark}; cat {path} |", FULL)
    assert info.is_pipe and info.problem is None and not mark.exists()
    run = AudioCheck(is_full=True, allow_pipes=True)
    assert check_entry(f"touch {mark}; cat {path} |", run).num_samples == 3 * FS
    assert mark.exists()
    assert kind_of_problem("echo no >&2; false |", run) == "unreadable-audio"
    assert kind_of_problem("true |", run) == "empty-audio"
    assert kind_of_problem(f"head -c 1000 {path} |", run) == "truncated-audio"


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_archives_of_kaldiio(tmp_path, kind):
    kaldiio = pytest.importorskip("kaldiio")
    ark, scp = tmp_path / "a b.ark", tmp_path / "wav.scp"
    samples = (noise(FS) * 32767).astype(np.int16)
    options = {"write_function": "soundfile", "write_kwargs": {"format": "flac"}}
    arrays = {"a": (FS, samples), "b": (FS, samples)}
    kaldiio.save_ark(str(ark), arrays, str(scp), **(options if kind == "flac" else {}))
    rests = [line.split(None, 1)[1] for line in scp.read_text().splitlines()]
    for rest in rests:
        assert check_entry(rest, FULL).num_samples == FS
    cut(ark, 0.75)
    assert kind_of_problem(rests[0]) is None
    assert kind_of_problem(rests[1]) == "truncated-audio"
    assert kind_of_problem(f"{ark}:100000000") == "truncated-audio"
    assert kind_of_problem(f"{ark}:3") == "unreadable-audio"


def test_an_ark_with_a_pickle_is_not_opened(tmp_path):
    (tmp_path / "a.ark").write_bytes(b"x PKL" + b"cposix\nsystem\n(S'false'\ntR.")
    assert kind_of_problem(f"{tmp_path}/a.ark:2") == "unreadable-audio"


@pytest.mark.slow
def test_results_come_in_order_from_several_processes(tmp_path):
    path = write_sound(tmp_path / "a.wav")
    entries = [(n, f"u{n}", str(path) if n % 3 else "none.wav") for n in range(150)]
    results = list(check_audio(iter(entries), HEADER, 3))
    assert [entry for entry, _ in results] == entries
    assert [info.problem is None for _, info in results] == [
        bool(n % 3) for n in range(150)
    ]


def make_dir(data_dir: Path, **files: str) -> Path:
    """Write a directory of two utterances of three seconds, and other files."""
    contents = {
        "utt2spk": "a a\nb b\n",
        "spk2utt": "a a\nb b\n",
        "text": "a x\nb y\n",
        "wav.scp": "".join(
            f"{name} {write_sound(data_dir / f'{name}.flac')}\n" for name in "ab"
        ),
    }
    for name, text in {**contents, **files}.items():
        (data_dir / name.replace("_scp", ".scp")).write_text(text)
    return data_dir


def test_finding_names_file_line_id_and_remedy(tmp_path):
    make_dir(tmp_path)
    cut(tmp_path / "b.flac", 0.5)
    findings, summary = validate_data_dir(tmp_path)
    (line,) = findings.lines()
    assert line.startswith(f"{tmp_path}/wav.scp:2: b: ")
    assert line.endswith(
        "; fetch or convert it again, or remove the line everywhere [truncated-audio]"
    )
    assert summary.duration_s is None


def test_num_samples_of_another_file_are_found(tmp_path):
    make_dir(tmp_path, utt2num_samples="a 48000\nb 47999\n")
    findings, _ = validate_data_dir(tmp_path)
    (line,) = findings.lines()
    assert line.startswith(f"{tmp_path}/utt2num_samples:2: b: 47999 samples, but ")


@pytest.mark.parametrize("audio", ["header", "none"])
def test_a_segment_outside_its_recording_is_found(tmp_path, audio):
    data_dir = make_dir(tmp_path, segments="a b 0 3.5\nb a 1 3.51\n")
    (data_dir / "reco2dur").write_text("a 3.0\nb 3.0\n")
    findings, summary = validate_data_dir(data_dir, CheckOptions(audio=audio))
    (line,) = findings.lines()
    assert line.startswith(f"{tmp_path}/segments:2: b: ends at 3.51 s, its recording a")
    assert "3.000 s; correct the times" in line
    assert "1 segments end up to 0.5 s after their recording" in summary.line()


def test_segment_that_begins_after_its_recording_is_outside(tmp_path):
    data_dir = make_dir(tmp_path, segments="a a 0 3\nb b 3.0 3.2\n")
    findings, _ = validate_data_dir(data_dir)
    assert dict(findings.counts) == {"segment": 1}


def test_segments_nothing_can_be_compared_with_are_mentioned(tmp_path):
    data_dir = make_dir(tmp_path, segments="a a 0 9\nb b 0 9\n")
    findings, summary = validate_data_dir(data_dir, CheckOptions(audio="none"))
    assert not findings.counts
    assert "segments not compared with audio" in summary.line()


def test_pipes_are_mentioned(tmp_path):
    data_dir = make_dir(tmp_path, wav_scp="a cat a.wav |\nb cat b.wav |\n")
    findings, summary = validate_data_dir(data_dir)
    assert not findings.counts
    assert "2 pipes not run (--allow_pipes true runs them)" in summary.line()
