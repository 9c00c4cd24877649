"""validate-data and format-audio take and refuse the same recordings and segments."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from odd_wavs import FORMS, write_odd_wav

from hamzaban.bin.format_audio import main as format_audio
from hamzaban.bin.validate_data import main as validate_data
from hamzaban.data.files import read_scp

FS = 16000


@pytest.fixture
def data_dir(tmp_path):
    """Return a directory of one recording of 2 s, `a b.wav`."""
    folder = tmp_path / "data"
    folder.mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * FS)
    soundfile.write(tmp_path / "a b.wav", noise, FS)
    write(folder, "wav.scp", f"u1 {tmp_path / 'a b.wav'}")
    for name in ("text", "utt2spk", "spk2utt"):
        write(folder, name, "u1 u1")
    return folder


def write(folder: Path, name: str, line: str) -> None:
    """Write a file of one line."""
    (folder / name).write_text(line + "\n", encoding="utf-8")


def run_both(data_dir: Path, *words: str) -> tuple[bool, str]:
    """Return whether validate-data accepts a directory, and why format-audio drops
    it."""
    is_valid = validate_data([str(data_dir), *words]) == 0
    out_dir = data_dir.parent / "out"
    command = [str(data_dir), str(out_dir), "--max_drop", "1", *words]
    try:
        format_audio(command)
    except ValueError:  # nothing is left
        return is_valid, next(iter(read_scp(out_dir / "dropped")))[1]
    return is_valid, ""


@pytest.mark.parametrize("command", ["cat '{}' |", "cat <(cat '{}') |"])
def test_commands_run_in_one_shell(data_dir, command):
    audio = data_dir.parent / "a b.wav"
    write(data_dir, "wav.scp", "u1 " + command.format(audio))
    assert run_both(data_dir, "--allow_pipes", "true") == (True, "")


def test_a_command_that_fails_is_refused(data_dir):
    write(data_dir, "wav.scp", "u1 false |")
    assert run_both(data_dir, "--allow_pipes", "true") == (False, "unreadable")


def test_run_pipes_still_works_and_names_the_new_option(data_dir, caplog, capsys):
    write(data_dir, "wav.scp", f"u1 cat '{data_dir.parent / 'a b.wav'}' |")
    assert validate_data([str(data_dir), "--run_pipes"]) == 0
    assert "pipes not run" not in capsys.readouterr().out
    assert "--run_pipes is now --allow_pipes true" in caplog.text


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("0 2.3", (True, "")),
        ("0 2.5", (True, "")),
        ("0 2.6", (False, "outside")),
        ("2.1 2.3", (False, "outside")),
    ],
)
def test_segments_that_end_after_their_recording(data_dir, times, expected, capsys):
    write(data_dir, "segments", f"u1 rec {times}")
    write(data_dir, "wav.scp", f"rec {data_dir.parent / 'a b.wav'}")
    assert run_both(data_dir) == expected
    is_cut = "1 segments end up to 0.5 s after their recording and are shortened"
    assert (is_cut in capsys.readouterr().out) == expected[0]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_only_segments_before_the_cut_of_a_truncated_recording_are_kept(
    data_dir, suffix
):
    noise = 0.1 * np.random.default_rng(0).standard_normal(200 * FS)
    path = data_dir.parent / f"long.{suffix}"
    soundfile.write(path, noise, FS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    write(data_dir, "wav.scp", f"rec {path}")
    write(data_dir, "segments", "u1 rec 10 12")
    assert run_both(data_dir) == (False, "")
    write(data_dir, "segments", "u1 rec 190 192")
    assert run_both(data_dir) == (False, "truncated")


def test_stereo_of_opposite_phase_is_not_silent(data_dir, caplog):
    caplog.set_level("INFO")
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * FS)
    path = data_dir.parent / "stereo.wav"
    soundfile.write(path, np.stack([noise, -noise], axis=1), FS)
    write(data_dir, "wav.scp", f"u1 {path}")
    for _ in range(2):  # a second run does nothing and logs the same
        caplog.clear()
        assert run_both(data_dir) == (True, "")
        assert "1 utterances have channels of opposite phase" in caplog.text
    written = dict(read_scp(data_dir.parent / "out" / "wav.scp"))["u1"]
    np.testing.assert_allclose(soundfile.read(written)[0], noise, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_files_that_no_decoder_reads_are_named(data_dir, form, capsys, caplog):
    path = write_odd_wav(data_dir.parent / "odd.wav", form)
    write(data_dir, "wav.scp", f"u1 {path}")
    assert run_both(data_dir) == (False, "unreadable")
    assert str(path) in capsys.readouterr().out
    assert str(path) in caplog.text


@pytest.mark.parametrize("fs", [1, 999, 768_001, 1_000_000_000])
def test_audio_at_an_impossible_rate_is_refused_by_name(data_dir, fs, capsys, caplog):
    path = data_dir.parent / "odd.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.1, 0.1, 4000), fs)
    write(data_dir, "wav.scp", f"u1 {path}")
    assert run_both(data_dir) == (False, "unreadable")
    message = f"{path}: rate of {fs} Hz, expected 1000..768000"
    assert message in capsys.readouterr().out
    assert message in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("fs", [1000, 768_000])
def test_audio_at_the_lowest_and_highest_rate_is_read(data_dir, fs):
    path = data_dir.parent / "odd.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.1, 0.1, 2 * fs), fs)
    write(data_dir, "wav.scp", f"u1 {path}")
    assert run_both(data_dir) == (True, "")


def test_silence_found_by_versions_without_the_phase_check_is_checked_again(data_dir):
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * FS)
    soundfile.write(data_dir.parent / "a.wav", np.stack([noise, -noise], axis=1), FS)
    write(data_dir, "wav.scp", f"u1 {data_dir.parent / 'a.wav'}")
    assert run_both(data_dir) == (True, "")
    (path,) = (data_dir.parent / "out" / "data").glob("*/manifest")
    key, digest, *_ = path.read_text().split()
    path.write_text(f"{key} {digest} silent 0 0 0 0\n")  # as older versions wrote it
    assert run_both(data_dir) == (True, "")
    path.write_text(f"{key} {digest} silent 0 0 0 0 0\n")
    assert run_both(data_dir)[1] == "silent"


@pytest.mark.parametrize("num_samples", [FS, 2 * FS])
def test_a_replaced_recording_is_read_again(data_dir, num_samples):
    path = data_dir.parent / "a.wav"
    rng = np.random.default_rng(0)
    soundfile.write(path, rng.uniform(-0.1, 0.1, FS), FS)
    write(data_dir, "wav.scp", f"u1 {path}")
    assert run_both(data_dir) == (True, "")
    noise = rng.uniform(-0.1, 0.1, num_samples)
    soundfile.write(data_dir.parent / "new.wav", noise, FS)
    (data_dir.parent / "new.wav").replace(path)
    assert run_both(data_dir) == (True, "")
    written = dict(read_scp(data_dir.parent / "out" / "wav.scp"))["u1"]
    np.testing.assert_allclose(soundfile.read(written)[0], noise, atol=1e-4)
