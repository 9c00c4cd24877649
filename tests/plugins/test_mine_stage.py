"""Mining as a whole: results, counts, reruns, and files that are left out."""

import json
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
import yaml
from mine_media import FS, ROOT, make_config, read_speech, write_media
from odd_wavs import FORMS, write_odd_wav

from hamzaban.cli import main as run_cli
from hamzaban.mine.mining_options import read_options
from hamzaban.processes import Crash, run_apart

pytestmark = pytest.mark.slow

NOISE = 0.05 * np.random.default_rng(0).standard_normal(6 * FS).astype(np.float32)
SHORT = {"part_s": 64.0, "max_duration_s": 16.0}
SILENCE = np.zeros(4 * FS, np.float32)


def die(job: int) -> int:
    """End the process of a pool at job 1; for `run_apart`, which wants a module's."""
    if job == 1:
        os._exit(1)
    return job


def test_only_the_job_of_a_dead_process_is_lost():
    done = list(run_apart(die, range(4), 2))
    assert sorted(job for job in done if not isinstance(job, Crash)) == [0, 2, 3]
    assert [job.job for job in done if isinstance(job, Crash)] == [1]


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files except records that only reruns need."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "state" not in path.parts
    }


def count_files(folder: Path) -> int:
    return len(list(folder.rglob("*.flac")))


def mine(folder: Path, *words: str, nj: int = 1) -> int:
    config = ["--config", str(folder / "mine.yaml"), "--nj", str(nj)]
    return run_cli(["mine", *config, "--output_dir", *words])


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Make a folder of media with copies and damage, some mined in parts."""
    folder = tmp_path_factory.mktemp("mine گفتار")
    work = folder / "a b"
    first, second = read_speech("spk03", 30.0), read_speech("spk04", 30.0)
    long = np.concatenate([first, NOISE, SILENCE, second, SILENCE] * 2)
    long[len(long) // 2 :] = np.concatenate(  # new speech in the second half
        [read_speech("spk10", 31.0), NOISE, SILENCE, read_speech("spk14", 43.0)]
    )[: len(long) - len(long) // 2]
    write_media(work / "long.mp3", long)
    write_media(work / "سخن گفتن.m4a", read_speech("spk26", 20.0), languages=("fas",))
    write_media(work / "re-coded.opus", long[37 * 256 : 38 * FS], bit_rate=24000)
    shutil.copy(work / "long.mp3", work / "same.mp3")
    (work / "empty.mp3").touch()
    (work / "text.ogg").write_text("no audio\n" * 99)
    content = (work / "سخن گفتن.m4a").read_bytes()
    (work / "cut.m4a").write_bytes(content[: len(content) // 2])
    content = write_media(work / "half.mkv", read_speech("spk28", 20.0)).read_bytes()
    (work / "half.mkv").write_bytes(content[: len(content) // 2])
    content = bytearray((work / "long.mp3").read_bytes())
    content[len(content) // 4 : len(content) // 4 + 3000] = b"\xff\x00" * 1500
    (work / "z hurt.mp3").write_bytes(content)
    (work / "notes.txt").write_text("not media by its suffix")
    make_config(folder, **SHORT)
    return folder


@pytest.fixture(scope="module")
def mined(media):
    """Mine the folder with one process."""
    cwd = Path.cwd()
    os.chdir(media)
    try:
        assert mine(media, "out", "a b") == 0
    finally:
        os.chdir(cwd)
    return media / "out"


def test_the_output_is_a_data_directory_with_provenance(mined, monkeypatch):
    monkeypatch.chdir(mined.parent)
    assert run_cli(["validate-data", "--no_text", "out"]) == 0
    lines = read_lines(mined / "provenance.jsonl")
    scp = (mined / "wav.scp").read_text("utf-8").splitlines()
    paths = dict(line.split(" ", 1) for line in scp)
    assert set(paths) == {line["utt_id"] for line in lines}
    for line in lines:
        speech, fs = soundfile.read(paths[line["utt_id"]])
        duration_s = line["end_s"] - line["start_s"]
        assert fs == FS and abs(len(speech) / FS - duration_s) < 1e-4
        assert 3 <= duration_s < 16 and line["speech_ratio"] >= 0.7
        level_db = 10 * np.log10(np.mean(speech**2))
        assert abs(level_db - line["level_db"]) < 0.1
    langs = (mined / "utt2lang").read_text("utf-8").split()[1::2]
    assert set(langs) == {"fas", "und"}
    assert (mined / "images" / "mining.png").stat().st_size > 5000
    assert "| kept |" in (mined / "mining.md").read_text("utf-8")


def test_each_file_is_counted_by_its_result(mined):
    sources = {line["source"]: line for line in read_lines(mined / "sources.jsonl")}
    states = {Path(path).name: line["state"] for path, line in sources.items()}
    assert states == {
        "re-coded.opus": "mined",
        "cut.m4a": "unreadable",
        "empty.mp3": "empty",
        "half.mkv": "truncated",
        "long.mp3": "mined",
        "same.mp3": "same_file",
        "text.ogg": "unreadable",
        "z hurt.mp3": "damaged",
        "سخن گفتن.m4a": "mined",
    }
    for line in sources.values():
        known = line["kept_s"] + sum(line["dropped_s"].values())
        assert abs(known - line["read_s"]) < 0.01
    long = sources["a b/long.mp3"]
    assert 0.8 * (long["read_s"] - 28) < long["kept_s"] < long["read_s"] - 20
    hurt = sources["a b/z hurt.mp3"]
    assert 0.95 * long["read_s"] < hurt["read_s"] < 1.01 * long["read_s"]
    # long.mp3 has two parts; so has its damaged copy, which then is mined in one.
    assert len(list((mined / "state" / "parts").iterdir())) == 8


def test_files_that_no_decoder_reads_are_counted_and_the_rest_is_mined(
    monkeypatch, tmp_path
):
    make_config(tmp_path, **SHORT)
    for form in FORMS:
        write_odd_wav(tmp_path / f"{form}.wav", form)
    write_media(tmp_path / "z.wav", read_speech("spk26", 20.0))
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # again: it has all, and does not end
        assert mine(tmp_path, "out", ".") == 0
        sources = read_lines(Path("out/sources.jsonl"))
        fates = {Path(line["source"]).stem: line["state"] for line in sources}
        reasons = {fates.pop(form) for form in FORMS}
        assert reasons <= {"unreadable", "no_audio"}
        assert fates == {"z": "mined"}


def test_a_file_with_a_line_break_in_its_name_is_counted_and_the_rest_is_mined(
    monkeypatch, tmp_path, caplog
):
    make_config(tmp_path, **SHORT, output="segments")
    speech = read_speech("spk26", 20.0)
    for name in ("a\nb.wav", "a\rb.wav", "z.wav"):
        write_media(tmp_path / name, speech)
    monkeypatch.chdir(tmp_path)
    assert mine(tmp_path, "out", ".") == 0
    sources = read_lines(Path("out/sources.jsonl"))
    fates = {line["source"]: line["state"] for line in sources}
    bad = {"a\nb.wav": "line_break", "a\rb.wav": "line_break"}
    assert fates == {**bad, "z.wav": "mined"}
    assert "| with a line break in their names; rename them | 2 |" in Path(
        "out/mining.md"
    ).read_text(encoding="utf-8")
    assert r"'a\nb.wav': a line break in the file's name" in caplog.text
    assert len(Path("out/wav.scp").read_text(encoding="utf-8").splitlines()) == 1


def test_a_config_without_a_channel_mixes_them(tmp_path):
    values = yaml.safe_load((ROOT / "conf" / "mine.yaml").read_text(encoding="utf-8"))
    del values["channel"]
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    assert read_options(tmp_path / "old.yaml").channel_number is None


def test_stereo_of_opposite_phase_is_mined_and_a_channel_can_be_chosen(
    monkeypatch, tmp_path, capsys, caplog
):
    monkeypatch.chdir(tmp_path)
    speech = read_speech("spk26", 20.0)
    soundfile.write("phase.wav", np.stack([speech, -speech], axis=1), FS)
    soundfile.write("mono.wav", speech[: 15 * FS], FS)
    make_config(tmp_path, **SHORT)
    assert mine(tmp_path, "out", "phase.wav") == 0
    row = "| of these, channels of opposite phase; one was taken | 1 |"
    assert row in capsys.readouterr().out
    make_config(tmp_path, **SHORT, channel=1, find_duplicates=False)
    assert mine(tmp_path, "second", "phase.wav", "mono.wav") == 0
    states = {
        line["source"]: line["state"]
        for line in read_lines(Path("second/sources.jsonl"))
    }
    assert states == {"phase.wav": "mined", "mono.wav": "no_channel"}
    assert "opposite phase" not in capsys.readouterr().out
    assert "channel 1 asked for, mono.wav has 1" in caplog.text


def test_a_copy_in_another_coding_is_dropped(mined):
    sources = read_lines(mined / "sources.jsonl")
    by_name = {Path(line["source"]).name: line for line in sources}
    for name in ("re-coded.opus", "z hurt.mp3"):
        copy = by_name[name]
        assert copy["copy_of"] == [by_name["long.mp3"]["rec_id"]]
        assert copy["kept_s"] < 0.1 * copy["read_s"]
    dropped = read_lines(mined / "dropped.jsonl")
    assert all("duplicate_of" in x for x in dropped if x["reason"] == "duplicate")


@pytest.mark.first_stack
def test_a_killed_run_gives_the_same_result_with_more_jobs(mined, monkeypatch):
    monkeypatch.chdir(mined.parent)
    Path("out").rename("first")
    command = [sys.executable, "-m", "hamzaban", "mine", "--config", "mine.yaml"]
    command += ["--output_dir", "out", "--nj", "2", "a b"]
    kills = 0
    try:
        for marks in (2, 6):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            while process.poll() is None and count_files(Path("out")) < marks:
                time.sleep(0.02)
            kills += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert not Path("out/utt2spk").exists() or process.returncode == 0
        assert kills >= 1
        assert subprocess.run(command, capture_output=True, check=True)
        assert snapshot(Path("out")) == snapshot(Path("first"))
    finally:
        shutil.rmtree("out")
        Path("first").rename("out")


def test_a_second_run_mines_only_what_is_missing(mined, monkeypatch):
    monkeypatch.chdir(mined.parent)
    files = sorted(Path("out").rglob("*.flac"))
    expected = snapshot(Path("out"))
    times = [path.stat().st_mtime_ns for path in files]
    assert mine(mined.parent, "out", "a b") == 0
    assert [path.stat().st_mtime_ns for path in files] == times
    files[0].unlink()
    files[-1].write_bytes(b"half")
    assert mine(mined.parent, "out", "a b") == 0
    assert snapshot(Path("out")) == expected


@pytest.mark.first_stack
def test_segments_of_the_sources_give_the_same_audio(mined, monkeypatch):
    """Stage 2 cuts the same audio out of the sources as the FLAC chunks hold."""
    monkeypatch.chdir(mined.parent)
    folder = mined.parent / "seg"
    folder.mkdir(exist_ok=True)
    make_config(folder, **SHORT, output="segments")
    assert mine(folder, "seg/out", "a b", nj=2) == 0
    assert not list(folder.rglob("*.flac"))
    assert run_cli(["format-audio", "--fs", "16000", "seg/out", "seg/dump"]) == 0
    chunks = read_lines(Path("out/provenance.jsonl"))
    spans = {(x["sha256"], x["start_s"], x["end_s"]) for x in chunks}
    found = read_lines(folder / "out" / "provenance.jsonl")
    assert {(x["sha256"], x["start_s"], x["end_s"]) for x in found} == spans
    scp = Path("seg/dump/wav.scp").read_text("utf-8").splitlines()
    cut = dict(line.split(" ", 1) for line in scp)
    scp = Path("out/wav.scp").read_text("utf-8").splitlines()
    for utt_id, path in (line.split(" ", 1) for line in scp):
        speech, same = soundfile.read(path)[0], soundfile.read(cut[utt_id])[0]
        count = min(len(speech), len(same))
        assert abs(len(speech) - len(same)) <= 1
        assert np.corrcoef(speech[:count], same[:count])[0, 1] > 0.99, utt_id


def test_a_language_filter_drops_chunks_and_records_languages(
    media, monkeypatch, tmp_path
):
    monkeypatch.chdir(media)
    code = (
        "def identify(speech, fs):\n    return ['ar', 'fa'][len(speech) // 512 % 2], 1"
    )
    (tmp_path / "my_filter.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    hook = {"language_filter": "my_filter:identify", "languages": ["fa"]}
    make_config(tmp_path, **hook)
    assert mine(tmp_path, str(tmp_path / "out"), "a b/**/l*.mp3") == 0
    assert set((tmp_path / "out/utt2lang").read_text().split()[1::2]) == {"fa"}
    dropped = read_lines(tmp_path / "out" / "dropped.jsonl")
    assert {x["language"] for x in dropped if x["reason"] == "language"} == {"ar"}


def test_errors_of_the_user_are_named(media, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(media)
    make_config(tmp_path, language_filter="no_module:identify")
    assert mine(tmp_path, str(tmp_path / "out"), "a b") == 1
    assert "language_filter 'no_module:identify': No module" in capsys.readouterr().err
    make_config(tmp_path)
    assert mine(tmp_path, str(tmp_path / "out"), "gone/*.mp3") == 1
    assert "gone/*.mp3: no such file or directory" in capsys.readouterr().err
    (tmp_path / "list").write_text("a b/empty.mp3\na b/*.ogg\n\ngone.mp3\n")
    lists = ["--media_list", str(tmp_path / "list")]
    assert mine(tmp_path, str(tmp_path / "out"), *lists) == 1
    message = capsys.readouterr().err
    assert "no speech was kept" in message
    assert "empty 1, unreadable 1, missing 1" in message


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_damaged_records_are_named_and_mined_again(tmp_path, capfd, caplog):
    make_config(tmp_path, **SHORT)
    for spk_id in ("spk03", "spk04"):
        write_media(tmp_path / "a" / f"{spk_id}.flac", read_speech(spk_id, 8.0))
    out = tmp_path / "out"
    assert mine(tmp_path, str(out), str(tmp_path / "a")) == 0
    before = snapshot(out)
    first, second = sorted((out / "state" / "parts").iterdir())
    cut(first)
    second.write_bytes(b"PK\x03\x04" + bytes(100))
    sources = [path for path in (out / "state").rglob("*.json") if path.is_file()]
    sources[0].write_text('{"version": 2, "path": 5}')
    cut(sources[1])
    assert mine(tmp_path, str(out), str(tmp_path / "a")) == 0
    assert snapshot(out) == before
    shown = caplog.text + capfd.readouterr().err
    for path in (first, second, *sources):
        assert f"{path}: damaged (" in shown


def test_mining_that_fails_leaves_the_last_data_directory(tmp_path, capsys):
    make_config(tmp_path, min_speech_ratio=0.1, **SHORT)
    source = write_media(tmp_path / "a" / "s.flac", read_speech("spk03", 8.0))
    out = tmp_path / "out"
    assert mine(tmp_path, str(out), str(tmp_path / "a")) == 0
    before = snapshot(out)
    write_media(source, SILENCE)
    assert mine(tmp_path, str(out), str(tmp_path / "a")) == 1
    assert "no speech was kept" in capsys.readouterr().err
    assert snapshot(out) == before
