"""The audio stage as a whole: which files it writes, drops, keeps and makes again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hamzaban.audio.format_options import FormatOptions, parse_factors
from hamzaban.audio.plan import audio_name, plan_recordings
from hamzaban.audio.source import UnreadableError, open_file
from hamzaban.audio.stage import format_audio
from hamzaban.cli import main as run_cli

OPTIONS = FormatOptions()


def make_speech(duration_s: float, fs: int, seed: int = 0) -> np.ndarray:
    """Return noise of peak 0.5, shape (num_samples,)."""
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, round(duration_s * fs))
    return np.convolve(noise, np.ones(8) / 8, "same").astype(np.float32)


def make_dir(folder: Path, sources: dict[str, Path | str], **files: str) -> Path:
    """Write wav.scp, utt2spk and text with an utterance for each source, and other
    files."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "wav.scp": "".join(f"{key} {path}\n" for key, path in sorted(sources.items())),
        "utt2spk": "".join(f"{key} {key[:5]}\n" for key in sorted(sources)),
        "text": "".join(f"{key} سلام\n" for key in sorted(sources)),
    }
    for name, content in (tables | files).items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def make_corpus(folder: Path, num_utts: int, fs: int = 16000) -> Path:
    """Write a data directory over WAV files of 0.2 to 0.6 s."""
    sources = {}
    (folder / "wav").mkdir(parents=True)
    for index in range(num_utts):
        key = f"spk{index % 3:02}-{index:04}"
        sources[key] = folder / "wav" / f"{key}.wav"
        duration_s = 0.2 + 0.1 * (index % 5)
        soundfile.write(sources[key], make_speech(duration_s, fs, index), fs)
    return make_dir(folder / "data" / "train", sources)


def read_table(path: Path) -> dict[str, str]:
    """Return a Kaldi file as a dict."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder except manifests, which hold
    times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest"
    }


def snapshot_times(folder: Path) -> dict[str, int]:
    """Return when each audio file below a folder was written, ns."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.flac")}


def overwrite(path: Path) -> None:
    """Write other bytes of the same number, a second after the file was made."""
    time_ns = path.stat().st_mtime_ns + 10**9
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(time_ns, time_ns))


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Change to a folder with a space and letters that are not ASCII in its name."""
    folder = tmp_path / "my recipe همزبان"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_rates_channels_and_names_become_16_khz_mono(work):
    sources = {}
    for index, (fs, channels) in enumerate(
        [(8000, 1), (16000, 2), (22050, 1), (44100, 2), (48000, 6)]
    ):
        key = f"spk{index:02}-جملة {index}".replace(" ", "_")
        sources[key] = Path("corpus") / f"صوت {fs}.wav"
        sources[key].parent.mkdir(exist_ok=True)
        speech = make_speech(1.0, fs)
        stacked = np.repeat(speech[:, None], channels, axis=1)
        soundfile.write(sources[key], stacked, fs, "PCM_24")
    data_dir = make_dir(Path("data/train"), sources, utt2lang="spk00-جملة_0 ar\n")
    out_dir = Path("dump/raw/train")
    format_audio(data_dir, out_dir, OPTIONS)
    written = read_table(out_dir / "wav.scp")
    assert sorted(written) == sorted(sources)
    for key, path in written.items():
        assert path == f"dump/raw/train/data/format.1/{key}.flac"
        info = soundfile.info(path)
        assert (info.samplerate, info.channels) == (16000, 1)
        assert (info.format, info.subtype) == ("FLAC", "PCM_16")
        assert info.frames == 16000
    assert set(read_table(out_dir / "utt2num_samples").values()) == {"16000"}
    assert (out_dir / "text").read_text() == (data_dir / "text").read_text()
    assert read_table(out_dir / "utt2lang") == {"spk00-جملة_0": "ar"}
    assert (out_dir / "feats_type").read_text() == "raw\n"
    assert (out_dir / "audio_format").read_text() == "flac\n"
    assert len((out_dir / "spk2utt").read_text().splitlines()) == 5


def test_segments_decode_a_recording_once(work, monkeypatch):
    from hamzaban.audio import worker

    speech = make_speech(10, 32000)
    soundfile.write("long.wav", speech, 32000, "FLOAT")
    segments = {"spk00-c": (6.0, -1), "spk00-a": (0.5, 2.25), "spk00-b": (1.0, 3.0)}
    lines = [f"{key} rec {b} {e}\n" for key, (b, e) in sorted(segments.items())]
    data_dir = make_dir(Path("data/x"), dict.fromkeys(segments, ""))
    (data_dir / "wav.scp").write_text("rec long.wav\n")
    (data_dir / "segments").write_text("".join(lines))
    opened = []
    monkeypatch.setattr(
        worker,
        "open_audio",
        lambda *a, f=worker.open_audio, **k: (opened.append(a), f(*a, **k))[1],
    )
    format_audio(data_dir, Path("out"), FormatOptions(fs=32000))
    assert len(opened) == 1
    assert not (Path("out") / "segments").exists()
    for key, path in read_table(Path("out/wav.scp")).items():
        begin, end = segments[key]
        wanted = speech[round(begin * 32000) : None if end < 0 else round(end * 32000)]
        np.testing.assert_allclose(soundfile.read(path)[0], wanted, atol=2**-15)


def test_channel_of_the_command_line_and_of_segments(work):
    left, right = make_speech(1, 16000, 1), make_speech(1, 16000, 2)
    soundfile.write("stereo.wav", np.stack([left, right], axis=1), 16000)
    data_dir = make_dir(Path("data/x"), {"spk00-a": "stereo.wav"})
    format_audio(data_dir, Path("out"), FormatOptions(channel=1))
    assert same_audio("out", "spk00-a", right)
    for key, channel in (("spk00-a", 0), ("spk00-b", 1)):
        line = f"{key} rec 0 0.5 {channel}\n"
        with open(data_dir / "segments", "a") as stream:
            stream.write(line)
    make_dir(
        data_dir, {"spk00-a": "", "spk00-b": ""}, **{"wav.scp": "rec stereo.wav\n"}
    )
    format_audio(data_dir, Path("out"), OPTIONS)
    assert same_audio("out", "spk00-a", left[:8000])
    assert same_audio("out", "spk00-b", right[:8000])
    with pytest.raises(ValueError, match="no_channel 2"):
        (data_dir / "segments").write_text("spk00-a rec 0 0.5 2\nspk00-b rec 0 0.5 3\n")
        format_audio(data_dir, Path("out"), OPTIONS)


def same_audio(out_dir: str, key: str, wanted: np.ndarray) -> bool:
    """Return whether an utterance holds the samples wanted, to 16 bits."""
    speech, _ = soundfile.read(read_table(Path(out_dir) / "wav.scp")[key])
    return len(speech) == len(wanted) and np.abs(speech - wanted).max() < 2**-14


def test_speed_perturbation_as_in_kaldi(work):
    data_dir = make_corpus(work, 4)
    (data_dir / "spk2gender").write_text("spk00 f\nspk01 m\nspk02 f\n")
    factors = parse_factors("0.9 1.0 1.1")
    format_audio(data_dir, Path("out"), FormatOptions(speed_factors=factors))
    lengths = read_table(Path("out/utt2num_samples"))
    assert len(lengths) == 12
    for key in read_table(data_dir / "wav.scp"):
        for prefix, factor in (("sp0.9-", 0.9), ("sp1.1-", 1.1)):
            wanted = int(lengths[key]) / factor
            assert abs(int(lengths[prefix + key]) - wanted) <= 1
            assert read_table(Path("out/utt2spk"))[prefix + key] == prefix + key[:5]
    assert "sp0.9-spk00 f\n" in Path("out/spk2gender").read_text()
    with pytest.raises(ValueError, match="changed already"):
        options = FormatOptions(speed_factors=factors)
        format_audio(Path("out"), Path("again"), options)


def make_faulty(folder: Path) -> tuple[Path, dict[str, str]]:
    """Write a data directory with one utterance for each reason, and 20 good ones."""
    good = make_corpus(folder, 20)
    sources: dict[str, Path | str] = dict(read_table(good / "wav.scp"))
    broken = make_speech(0.5, 16000)
    broken[100] = np.nan
    signals = {
        "empty": np.zeros(0),
        "too_short": make_speech(0.1, 16000),
        "too_long": make_speech(3, 16000),
        "silent": np.zeros(8000),
        "nan": broken,
    }
    for reason, speech in signals.items():
        sources[f"spk99-{reason}"] = folder / f"{reason}.wav"
        soundfile.write(folder / f"{reason}.wav", speech, 16000, "FLOAT")
    (folder / "truncated.wav").write_bytes((folder / "silent.wav").read_bytes()[:999])
    (folder / "unreadable.mp3").write_bytes(b"no audio here" * 50)
    for name in ("truncated.wav", "unreadable.mp3", "missing.wav"):
        sources[f"spk99-{Path(name).stem}"] = folder / name
    sources["spk99-empty_text"] = folder / "wav" / "spk00-0000.wav"
    data_dir = make_dir(good, sources)
    text = (data_dir / "text").read_text().replace("empty_text سلام", "empty_text")
    (data_dir / "text").write_text(text)
    reasons = [*signals, "truncated", "unreadable", "missing", "empty_text"]
    return data_dir, {f"spk99-{reason}": reason for reason in reasons}


@pytest.mark.slow
@pytest.mark.parametrize("nj", [1, 2])
def test_faults_are_dropped_and_counted_by_reason(work, caplog, nj):
    data_dir, reasons = make_faulty(work)
    caplog.set_level("INFO")
    out_dir = Path("out")
    options = FormatOptions(max_duration_s=2)
    format_audio(data_dir, out_dir, options, nj=nj, max_drop=0.5)
    assert read_table(out_dir / "dropped") == reasons
    for name in ("wav.scp", "text", "utt2spk", "utt2num_samples"):
        assert len(read_table(out_dir / name)) == 20
    assert "out: 20 of 29 utterances" in caplog.text
    assert "9 dropped: " in caplog.text
    assert "too_short 1" in caplog.text
    assert "missing.wav: no such file" in caplog.text


@pytest.mark.slow
def test_too_many_drops_are_one_line_and_leave_no_wav_scp(work, capfd):
    data_dir, _ = make_faulty(work)
    command = ["format-audio", "--max-duration-s", "2", str(data_dir), "out"]
    assert run_cli(command) == 1
    *_, last = capfd.readouterr().err.splitlines()
    assert last.startswith("hamzaban format-audio: out/dropped: 9 of 29 utterances (31")
    assert "expected at most 5 %" in last
    assert not Path("out/wav.scp").exists()
    assert run_cli([*command, "--max_drop", "0.4"]) == 0


def test_segments_beyond_the_recording_are_cut_or_dropped(work):
    soundfile.write("a.wav", make_speech(2, 16000), 16000)
    ends = {"spk00-a": (1, 2.4), "spk00-b": (1, 2.6), "spk00-c": (2.1, 2.2)}
    data_dir = make_dir(Path("data/x"), dict.fromkeys(ends, ""))
    (data_dir / "wav.scp").write_text("rec a.wav\n")
    lines = [f"{key} rec {begin} {end}\n" for key, (begin, end) in ends.items()]
    (data_dir / "segments").write_text("".join(lines))
    format_audio(data_dir, Path("out"), OPTIONS, max_drop=0.9)
    outside = {"spk00-b": "outside", "spk00-c": "outside"}
    assert read_table(Path("out/dropped")) == outside
    assert read_table(Path("out/utt2num_samples")) == {"spk00-a": "16000"}


@pytest.mark.slow
def test_any_number_of_jobs_gives_the_same_bytes(work):
    data_dir = make_corpus(work, 15, fs=22050)
    options = FormatOptions(speed_factors=(0.9, 1.0))
    for nj in (1, 2):
        shutil.rmtree("out", ignore_errors=True)
        format_audio(data_dir, Path("out"), options, nj=nj)
        Path("out").rename(f"out{nj}")
    assert snapshot(work / "out1") == snapshot(work / "out2")
    assert len(snapshot(work / "out1")) == 30 + 8


@pytest.mark.slow
def test_a_second_run_does_only_what_has_changed(work):
    data_dir = make_corpus(work, 6, fs=8000)
    out_dir = Path("out")
    format_audio(data_dir, out_dir, OPTIONS)
    before, content = snapshot_times(out_dir), snapshot(out_dir)
    format_audio(data_dir, out_dir, OPTIONS)
    assert snapshot_times(out_dir) == before
    assert snapshot(out_dir) == content
    sources = read_table(data_dir / "wav.scp")
    changed, damaged, gone = sorted(sources)[:3]
    soundfile.write(sources[changed], make_speech(0.7, 8000), 8000)
    (out_dir / "data/format.1" / f"{damaged}.flac").write_bytes(b"half")
    (out_dir / "data/format.1" / f"{gone}.flac.tmp.host-1-0").write_bytes(b"left")
    make_dir(data_dir, {key: path for key, path in sources.items() if key != gone})
    format_audio(data_dir, out_dir, OPTIONS)
    after = snapshot_times(out_dir)
    redone = {name for name in after if after[name] != before[name]}
    assert redone == {f"{changed}.flac", f"{damaged}.flac"}
    assert read_table(out_dir / "utt2num_samples")[changed] == "11200"
    names = {path.name for path in (out_dir / "data/format.1").iterdir()}
    assert names == {"manifest", *(f"{key}.flac" for key in sources if key != gone)}
    format_audio(data_dir, out_dir, OPTIONS)
    assert snapshot_times(out_dir) == after
    overwrite(out_dir / "data/format.1" / f"{changed}.flac")
    format_audio(data_dir, out_dir, OPTIONS)
    again = snapshot_times(out_dir)
    assert {n for n in again if again[n] != after[n]} == {f"{changed}.flac"}
    format_audio(data_dir, out_dir, OPTIONS)
    assert snapshot_times(out_dir) == again
    format_audio(data_dir, out_dir, FormatOptions(fs=8000, audio_format="wav"))
    assert not snapshot_times(out_dir)
    assert soundfile.info(read_table(out_dir / "wav.scp")[changed]).samplerate == 8000


@pytest.mark.slow
@pytest.mark.parametrize(("nj", "kills"), [("1", [1, 35]), ("2", [20])])
def test_killed_runs_end_as_if_never_killed(work, nj, kills):
    data_dir = make_corpus(work, 60, fs=48000)
    format_audio(data_dir, Path("out"), OPTIONS)
    Path("out").rename("whole")
    command = [sys.executable, "-m", "hamzaban", "format-audio", "--nj", nj]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for num_files in kills:
        run = subprocess.Popen([*command, str(data_dir), "out"], env=environment)
        wait_for_files(Path("out"), num_files, run)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert not Path("out/wav.scp").exists()
        time.sleep(0.2)
        count = len(snapshot_times(Path("out")))
        time.sleep(0.3)
        assert len(snapshot_times(Path("out"))) == count  # no job outlives the run
    subprocess.run([*command, str(data_dir), "out"], env=environment, check=True)
    assert snapshot(work / "out") == snapshot(work / "whole")


def wait_for_files(folder: Path, count: int, run: subprocess.Popen) -> None:
    """Wait at most five minutes until a run has written a number of files."""
    for _ in range(30000):
        if len(snapshot_times(folder)) >= count:
            return
        assert run.poll() is None
        time.sleep(0.01)
    raise AssertionError(f"{folder} has not got {count} files")


def test_a_killed_job_is_reported_in_one_line(work, monkeypatch):
    from hamzaban import processes

    with pytest.raises(ValueError, match="a process died"):
        list(processes.run_on_processes(os._exit, iter([3]), 2))


@pytest.mark.parametrize("audio_format", ["flac", "wav"])
def test_audio_in_the_wanted_format_is_not_encoded_again(work, audio_format):
    source = work / f"a.{audio_format}"
    soundfile.write(source, make_speech(1, 16000), 16000)
    data_dir = make_dir(Path("data/x"), {"spk00-a": source})
    format_audio(data_dir, Path("out"), FormatOptions(audio_format=audio_format))
    written = Path(read_table(Path("out/wav.scp"))["spk00-a"])
    assert written.read_bytes() == source.read_bytes()
    half = source.read_bytes()[: source.stat().st_size // 2]
    source.unlink()
    source.write_bytes(half)
    with pytest.raises(ValueError, match="1 of 1 utterances"):
        format_audio(data_dir, Path("out"), FormatOptions(audio_format=audio_format))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("wav.scp", "spk00-a a.wav\nspk00-a b.wav\n", "wav.scp:2: id spk00-a occurs"),
        ("wav.scp", "spk00-a cat a.wav |\n", "--allow_pipes true"),
        ("wav.scp", "spk00-a\n", "wav.scp:1: spk00-a names no file"),
        ("wav.scp", "", "no utterances"),
        ("segments", "spk00-a rec 0 1\n", "segments:1: recording rec of spk00-a"),
        ("segments", "spk00-a spk00-a 1 0.5\n", "segments:1: spk00-a goes from 1.0"),
        (
            "segments",
            "spk00-a spk00-a 0 1 -1\n",
            "segments:1: 'spk00-a spk00-a 0 1 -1'",
        ),
        ("wav.scp", "spk00-a out/data/format.1/a.flac\n", "lies in out/data"),
        ("segments", "spk00-a spk00-a 0 x\n", "segments:1: 'spk00-a spk00-a 0 x'"),
        ("text", "spk00-b سلام\n", "text:1: utt_id spk00-b has no audio"),
        ("text", "", "text: 0 lines, expected 1: utt_id spk00-a"),
        ("utt2spk", "", "utt2spk: 0 lines, expected 1"),
    ],
)
def test_errors_name_file_line_and_id(work, name, content, message):
    data_dir = make_dir(Path("data/x"), {"spk00-a": "a.wav"})
    (data_dir / name).write_text(content)
    with pytest.raises(ValueError) as caught:
        format_audio(data_dir, Path("out"), OPTIONS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("factors", ["fast", "0.9 0.9", "0.1", "nan"])
def test_speed_factors_that_make_no_sense_are_refused(factors):
    with pytest.raises(ValueError, match="--speed_perturb_factors"):
        parse_factors(factors)


@pytest.mark.slow
def test_neither_espnet_nor_torch_is_imported():
    code = (
        "import sys, hamzaban.bin.format_audio, hamzaban.audio.stage;"
        "print([m for m in ('torch', 'espnet2', 'av', 'tqdm') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True) == "[]\n"


def test_any_id_becomes_a_file_name():
    assert audio_name("سلام-a", "flac") == "سلام-a.flac"
    ids = ["a/b", "a%2Fb", "a\\b", "é" * 200, "é" * 201, "..", "x" * 500]
    names = {audio_name(key, "flac") for key in ids}
    assert len(names) == len(ids)
    assert all("/" not in name and len(name.encode()) < 190 for name in names)


def test_many_utterances_are_spread_over_folders(tmp_path):
    keys = [f"utt{index:05}" for index in range(9000)]
    data_dir = make_dir(tmp_path, dict.fromkeys(keys, "a.wav"))
    folders = [found.folder for found in plan_recordings(data_dir, OPTIONS)]
    assert sorted(set(folders)) == [1, 2, 3, 4]
    assert max(map(folders.count, (1, 2, 3, 4))) < 2600


@pytest.mark.slow
def test_a_step_sees_audio_that_was_cut_removed_or_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = make_corpus(Path("corpus é"), 3)
    words = ["run-stage", "audio", "--in", str(data), "--out", "dump", "--"]
    words += [sys.executable, "-m", "hamzaban", "format-audio", str(data), "dump"]
    assert run_cli(words) == 0
    first, second, third = sorted(Path("dump/data").rglob("*.flac"))
    whole = snapshot(Path("dump"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])
    assert run_cli(words) == 0
    assert snapshot(Path("dump")) == whole
    overwrite(first)
    assert run_cli(words) == 0
    assert snapshot(Path("dump")) == whole
    time_ns = third.stat().st_mtime_ns
    assert run_cli(words) == 0
    assert third.stat().st_mtime_ns == time_ns  # nothing was run
    source = sorted(Path("corpus é").glob("wav/*.wav"))[2]
    soundfile.write(source, make_speech(1.0, 16000, 9), 16000)
    assert run_cli(words) == 0
    assert soundfile.info(third).duration == 1.0


def test_only_the_audio_of_damaged_lines_of_a_manifest_is_made_again(tmp_path, caplog):
    data = make_corpus(tmp_path, 3)
    format_audio(data, tmp_path / "out", OPTIONS)
    before = snapshot(tmp_path / "out")
    manifests = list((tmp_path / "out" / "data").glob("*/manifest"))
    for path in manifests:
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([b"\xff broken\n", lines[0][:20]]))
    format_audio(data, tmp_path / "out", OPTIONS)
    assert snapshot(tmp_path / "out") == before
    for path in manifests:
        assert f"{path}: damaged (2 lines, the first is 1)" in caplog.text


def test_a_nul_in_a_path_is_an_unreadable_recording(tmp_path):
    with pytest.raises(UnreadableError, match=r"a.x00.wav': embedded null"):
        open_file(Path("a\0.wav"))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "wav.scp").write_text("u a\0.wav\n")
    (data_dir / "utt2spk").write_text("u s\n")
    with pytest.raises(ValueError, match="unreadable|NUL|null|control"):
        format_audio(data_dir, tmp_path / "out", FormatOptions())
