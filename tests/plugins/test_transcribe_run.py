"""Transcribing files with a model that needs no training: it hears loud frames."""

import itertools
import json
import os
import sys
import zlib

import numpy as np
import pytest
import soundfile
from mine_media import FS, read_speech, write_media

from hamzaban.bin.transcribe import main as transcribe
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.text.tokens import CharTokenizer
from hamzaban.transcribe import run
from hamzaban.transcribe.transcribe_options import TranscribeOptions
from hamzaban.transcribe.transcriber import Transcriber

pytestmark = pytest.mark.slow

SHIFT = 320
TOKENS = ["<blank>", "<unk>", "<space>", *"abcdefgh", "<sos/eos>"]


class LoudFrames:
    """Writes a word of one letter for each frame that is louder than those around."""

    tokenizer = CharTokenizer(TOKENS)
    fs = FS
    conv = ((SHIFT, SHIFT),)

    def __init__(self):
        self.heard = []

    def emit(self, waveforms):
        self.heard += [len(speech) for speech in waveforms]
        return [(self._emit(speech), "") for speech in waveforms]

    def _emit(self, speech):
        count = len(speech) // SHIFT
        frames = speech[: count * SHIFT].reshape(count, SHIFT)
        levels = np.sqrt((frames * frames).mean(-1))  # (T,)
        padded = np.pad(levels, 7)
        highest = np.lib.stride_tricks.sliding_window_view(padded, 15).max(-1)
        found = np.full((count, len(TOKENS)), -20.0, np.float32)
        found[:, 0] = -0.01
        for t in np.flatnonzero((levels == highest) & (levels > 0.005)):
            letter = 3 + zlib.crc32(frames[t].tobytes()) % 8
            found[t : t + 1, 0] = -20.0
            found[t, letter] = -0.01
            found[t + 1 : t + 2, 0] = -20.0
            found[t + 1 : t + 2, 2] = -0.01
        return found


def build(**options):
    decoder = GreedySearch().build(LoudFrames.tokenizer, SearchFiles())
    return Transcriber(LoudFrames(), decoder, TranscribeOptions(**options))


@pytest.fixture
def model(monkeypatch, tmp_path):
    """Name a model that is LoudFrames whatever its folder holds."""

    def load(request):
        decoder = GreedySearch().build(LoudFrames.tokenizer, SearchFiles())
        return Transcriber(LoudFrames(), decoder, request.options)

    monkeypatch.setattr(run, "_load", load)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return str(folder)


@pytest.fixture(scope="module")
def speech():
    return read_speech("spk01", 40.0, gap_s=1.0)


def test_long_speech_cut_without_a_pause_keeps_its_words():
    speech = read_speech("spk01", 60.0, gap_s=0.0)
    long, short = (
        build(max_duration_s=120, min_pause_s=2),
        build(max_duration_s=5, min_pause_s=2),
    )
    whole, cut = long.transcribe(speech), short.transcribe(speech)
    assert max(short._acoustics.heard) <= (5 + 2 * 0.8 + 0.1) * FS
    assert len(short._acoustics.heard) > 2 * len(long._acoustics.heard)
    assert len(whole.words) > 50
    assert cut.words == whole.words


def test_words_of_a_file_and_of_samples_have_the_same_times(speech, tmp_path):
    path = write_media(tmp_path / "گفتار 1.flac", speech)
    found = build().transcribe(path)
    assert found.duration_s == pytest.approx(40, abs=0.1)
    assert 5 < found.speech_s < 40
    assert not found.faults
    again = build().transcribe(soundfile.read(path, dtype="float32")[0])
    assert [word.text for word in again.words] == [word.text for word in found.words]
    as_int = soundfile.read(path, dtype="int16")[0]
    assert build().transcribe(as_int).words == again.words
    starts = [word.start_s for word in found.words]
    assert starts == sorted(starts)
    loud = [abs(speech[round(s * FS) :][: FS // 50]).max() for s in starts]
    assert min(loud) > 0.005


def test_channels_of_opposite_phase_are_heard(speech):
    wanted = [word.text for word in build().transcribe(speech).words]
    stereo = np.stack([speech, -speech], 1)
    assert [word.text for word in build().transcribe(stereo).words] == wanted
    assert build(channel=0).transcribe(stereo).words


def test_samples_of_another_form_are_refused(speech):
    with pytest.raises(ValueError, match=r"shape \(1, 2, 3\) .*expected floats"):
        build().transcribe(np.zeros((1, 2, 3)))
    assert not build().transcribe(np.zeros(0, np.float32)).segments
    assert not build().transcribe(np.zeros(FS, np.float32)).segments


def test_memory_does_not_grow_with_the_recording(speech):
    tapes = []
    for repeats in (2, 8):
        from hamzaban.transcribe.pieces import Cutter

        cutter, most = Cutter(TranscribeOptions(), SHIFT), 0
        for _ in range(repeats):
            for start in range(0, len(speech), 65536):
                list(cutter.feed(speech[start : start + 65536]))
                most = max(most, sum(map(len, cutter._tape._blocks)))
        tapes.append(most)
    assert tapes[1] <= tapes[0] + 65536


def test_bad_files_are_named_and_do_not_end_the_run(model, speech, tmp_path, caplog):
    media, out = tmp_path / "media", tmp_path / "out"
    write_media(media / "good.opus", speech)
    (media / "rubbish.mp3").write_bytes(os.urandom(5000))
    whole = write_media(tmp_path / "whole.wav", speech).read_bytes()
    (media / "cut.wav").write_bytes(whole[: len(whole) // 2])
    write_media(media / "silent.flac", np.zeros(3 * FS, np.float32))
    caplog.set_level("INFO")
    words = [model, str(media), "--output_dir", str(out), "--format", "txt,json"]
    assert transcribe(words) == 1
    assert "1 failed, 1 damaged, 1 without words" in caplog.text
    assert f"failed: {media}/rubbish.mp3" in caplog.text
    assert f"damaged: {media}/cut.wav" in caplog.text
    assert "real-time factor" in caplog.text
    found = {path.name for path in out.glob("*.*")} - {".transcribe"}
    assert found == {
        f"{n}.{f}" for n in ("good", "cut", "silent") for f in ("txt", "json")
    }
    assert json.loads((out / "cut.json").read_text())["faults"]
    assert (out / "silent.txt").read_text() == ""


def test_run_goes_on_where_it_stopped(model, speech, tmp_path, monkeypatch):
    media, out = tmp_path / "media", tmp_path / "out"
    for name in ("one", "two"):
        write_media(media / f"{name}.flac", speech[: 8 * FS])
    words = [model, str(media), "--output_dir", str(out)]
    done = []
    job = run.transcribe_job

    def count(each, report=None):
        done.append(each.name)
        return job(each, report)

    monkeypatch.setattr(run, "transcribe_job", count)
    assert transcribe(words) == 0
    assert transcribe(words) == 0
    assert done == ["one", "two"]
    (out / "one.txt").unlink()
    write_media(media / "two.flac", speech[: 9 * FS])
    assert transcribe(words) == 0
    assert transcribe([*words, "--max_duration_s", "9"]) == 0
    assert transcribe([*words, "--max_duration_s", "9", "--resume", "false"]) == 0
    assert done == ["one", "two"] * 4
    assert transcribe([*words, "--max_duration_s", "9", "--format", "srt"]) == 0
    assert len(done) == 10


def test_standard_input_goes_to_standard_output(
    model, speech, tmp_path, capsys, monkeypatch
):
    path = write_media(tmp_path / "talk.mp3", speech[: 8 * FS])
    assert transcribe([model, "--format", "ctm", str(path)]) == 0
    from_file = capsys.readouterr().out
    assert from_file.startswith("talk 1 ")
    with open(path, "rb") as stream:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stream}))
        assert transcribe([model, "-", "--format", "ctm"]) == 0
    assert capsys.readouterr().out == from_file.replace("talk", "stdin")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["."], "several files or formats, but no --output_dir"),
        ([], "no media; name files"),
        (["x.wav", "--output_dir", "out"], "x.wav: no such file or directory"),
        (["README", "--format", "doc"], "--format 'doc' found; known: txt"),
        (["README", "--lm_dir", "lm"], "--lm_dir is given, but search greedy"),
        (["README", "--channel", "left"], "--channel"),
        (["README", "--hotwords", ","], "--hotwords ',': no word found"),
        (["README", "--hotwords", "a/b"], "--hotwords a/b: no such file"),
    ],
)
def test_mistakes_are_said_before_the_model_is_loaded(
    words, message, model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README").write_text("no media")
    with pytest.raises((ValueError, OSError), match=message):
        transcribe([model, *words])


def test_unknown_model_is_said_with_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such model, expected a folder"):
        transcribe([str(tmp_path / "none"), __file__])


def test_hub_out_of_reach_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    expected = "nobody/nothing: not in the cache .*HF_HUB_OFFLINE is set"
    with pytest.raises(ValueError, match=expected) as info:
        transcribe(["nobody/nothing", __file__])
    assert "\n" not in str(info.value)


def test_kaldi_directory_has_all_files_and_is_valid(model, speech, tmp_path):
    from hamzaban.bin.validate_data import main as validate

    media, out = tmp_path / "media", tmp_path / "out"
    for name in ("one talk", "two", "گفتار"):
        write_media(media / f"{name}.wav", speech[: 12 * FS])
    words = [model, str(media), "--output_dir", str(out), "--format", "kaldi,tsv"]
    assert transcribe([*words[:1], str(media / "two.wav"), *words[2:]]) == 0
    assert transcribe(words) == 0
    data = out / "kaldi"
    assert len((data / "wav.scp").read_text(encoding="utf-8").splitlines()) == 3
    lines = (data / "text").read_text(encoding="utf-8").splitlines()
    tsv = (out / "two.tsv").read_text(encoding="utf-8").splitlines()[1:]
    texts = [line.split("\t")[2] for line in tsv]
    assert [line.split(" ", 1)[1] for line in lines if line[:4] == "two-"] == texts
    assert validate([str(data)]) == 0
    spans = [line.split() for line in (data / "segments").read_text().splitlines()]
    for (_, rec, _, end), (_, following, start, _) in itertools.pairwise(spans):
        assert rec != following or float(end) <= float(start)


def test_files_of_the_user_are_not_replaced(model, speech, tmp_path):
    media = write_media(tmp_path / "talk.flac", speech[: 4 * FS])
    (tmp_path / "talk.txt").write_text("a transcript by hand")
    words = [model, str(media), "--output_dir", str(tmp_path)]
    with pytest.raises(FileExistsError, match=r"talk\.txt: exists and was not"):
        transcribe(words)
    assert (tmp_path / "talk.txt").read_text() == "a transcript by hand"
    (tmp_path / "talk.txt").unlink()
    assert transcribe(words) == 0
    whole = media.read_bytes()
    media.write_bytes(whole[: len(whole) // 2])
    transcribe(words)  # over its own outputs, also after damage
    media.write_bytes(whole)
    assert transcribe(words) == 0
