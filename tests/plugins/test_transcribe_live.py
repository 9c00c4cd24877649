"""Live transcription, and the streams of samples that it hears."""

import contextlib
import dataclasses
import io
import itertools
import json
import os
import sys
import threading

import numpy as np
import pytest
import soxr
from mine_media import FS, read_speech
from test_transcribe_run import LoudFrames, build

from hamzaban.bin.transcribe import main as transcribe
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.text.tokens import CharTokenizer
from hamzaban.transcribe import live_run
from hamzaban.transcribe.live import MAX_KEPT_S, Listener
from hamzaban.transcribe.live_options import LiveOptions
from hamzaban.transcribe.pcm import PcmReader
from hamzaban.transcribe.pcm_format import PcmFormat
from hamzaban.transcribe.transcriber import Transcriber

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def speech():
    return read_speech("spk01", 30.0, gap_s=0.8)


def run(speech, block=7_777, model=None, **options):
    listener = Listener(model or build(), LiveOptions(**options))
    steps = []
    for start in range(0, len(speech), block):
        steps += listener.feed(speech[start : start + block])
    steps += listener.finish()
    return listener.transcript("live"), steps


def texts(words):
    return [word.text for word in words]


@pytest.mark.parametrize("chunk_s", [0.16, 0.48, 1.0])
def test_words_are_those_of_the_whole_recording(chunk_s, speech):
    whole = build().transcribe(speech)
    found, steps = run(speech, chunk_s=chunk_s, look_ahead_s=0.32)
    assert len(whole.words) > 30
    assert texts(found.words) == texts(whole.words)
    for live, offline in zip(found.words, whole.words, strict=True):
        assert live.start_s == pytest.approx(offline.start_s, abs=1e-6)
    assert found.duration_s == pytest.approx(30)
    assert len(found.segments) == len(whole.segments)
    assert texts(word for step in steps for word in step.final) == texts(found.words)


def test_result_does_not_depend_on_how_the_stream_is_divided(speech):
    wanted = run(speech[: 12 * FS], block=12 * FS)
    for block in (160, 4096, 50_000):
        assert run(speech[: 12 * FS], block=block) == wanted


def test_words_come_while_they_are_spoken(speech):
    _, steps = run(speech, chunk_s=0.32, look_ahead_s=0.32)
    times = [step.at_s for step in steps]
    assert times == sorted(times)
    assert any(step.partial for step in steps)
    assert all(not step.partial for step in steps if step.is_end)
    waits = [step.at_s - w.end_s for step in steps for w in step.final]
    assert min(waits) > 0
    inside = [step for step in steps if step.final and not step.is_end]
    assert inside  # final words do not wait for a pause


def test_partial_words_become_final_or_go(speech):
    """Words that are final never come again, neither as final nor as partial ones."""
    _, steps = run(speech)
    last_s = -1.0
    for step in steps:
        for word in (*step.final, *step.partial):
            assert word.start_s > last_s
        starts = [word.start_s for word in step.final]
        last_s = max([last_s, *starts])


def test_speech_without_a_pause_is_heard_in_constant_memory():
    speech = read_speech("spk01", 90.0, gap_s=0.0)
    model = build(min_pause_s=3)
    heard = model.parts[0].heard
    listener = Listener(model, LiveOptions(left_context_s=2))
    most = 0
    for start in range(0, len(speech), FS):
        list(listener.feed(speech[start : start + FS]))
        if listener._stretch is not None:
            most = max(most, len(listener._stretch.kept))
    list(listener.finish())
    assert max(heard) <= (2 + 0.48 + 0.48 + 0.3) * FS
    assert most <= (MAX_KEPT_S + 2) * 50
    whole = build(min_pause_s=3).transcribe(speech)
    assert texts(listener.transcript("").words) == texts(whole.words)


def test_silence_and_empty_streams_have_no_words():
    assert run(np.zeros(0, np.float32)) == run(np.zeros(0, np.float32), block=1)
    found, steps = run(np.zeros(5 * FS, np.float32))
    assert not found.words
    assert not steps
    assert found.duration_s == 5


def test_word_is_final_at_the_space_after_it():
    """With characters, the space completes a word although no other word follows."""

    class OneWord(LoudFrames):
        tokenizer = CharTokenizer(["<blank>", "<unk>", "<space>", "a", "<sos/eos>"])

        def _emit(self, speech):
            count = len(speech) // 320
            found = np.full((count, 5), -20.0, np.float32)
            found[:, 0] = -0.01
            found[10:11], found[14:15] = -20.0, -20.0
            found[10:11, 3] = found[14:15, 2] = -0.01
            return found

    decoder = GreedySearch().build(OneWord.tokenizer, SearchFiles())
    model = Transcriber(OneWord(), decoder)
    speech = read_speech("spk01", 1.5)
    _, steps = run(speech, model=model, chunk_s=0.32, look_ahead_s=0.1)
    assert any(step.final and not step.is_end for step in steps)


@pytest.mark.parametrize(
    "change", [{"chunk_s": 0.0}, {"look_ahead_s": -1.0}, {"left_context_s": 99.0}]
)
def test_options_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match=f"--{next(iter(change))}: .* found, expected"):
        LiveOptions(**change)


@pytest.mark.parametrize("sample_format", ["s16le", "s32le", "f32le", "u8"])
def test_samples_of_each_format_are_the_same(sample_format):
    wave = 0.5 * np.sin(np.arange(4000) / 7).astype(np.float32)
    data = {
        "s16le": (wave * 2**15).round().astype("<i2"),
        "s32le": (wave.astype(float) * 2**31).round().astype("<i4"),
        "f32le": wave.astype("<f4"),
        "u8": (wave * 2**7 + 128).round().astype("u1"),
    }[sample_format].tobytes()
    reader = PcmReader(PcmFormat(sample_format=sample_format))
    pieces = [reader.feed(data[i : i + 333]) for i in range(0, len(data), 333)]
    found = np.concatenate([*pieces, reader.finish()])
    assert found == pytest.approx(wave, abs=0.01 if sample_format == "u8" else 1e-4)


def test_rates_and_channels_are_converted_as_a_stream():
    wave = np.sin(np.arange(48_000) / 50).astype(np.float32) * 0.3
    stereo = np.stack([wave, -wave], 1)  # of opposite phase
    reader = PcmReader(PcmFormat(rate=48_000, sample_format="f32le", channels=2))
    data = stereo.astype("<f4").tobytes()
    pieces = [reader.feed(data[i : i + 1001]) for i in range(0, len(data), 1001)]
    found = np.concatenate([*pieces, reader.finish()])
    wanted = soxr.resample(wave, 48_000, FS)
    assert len(found) == len(wanted)
    assert np.abs(found[100:-100] - wanted[100:-100]).max() < 0.02


def test_numbers_that_are_not_finite_become_silence():
    reader = PcmReader(PcmFormat(sample_format="f32le"))
    values = np.array([np.nan, np.inf, -np.inf, 0.5], "<f4")
    assert reader.feed(values.tobytes()).tolist() == [0, 0, 0, 0.5]


@pytest.mark.parametrize(
    "change", [{"rate": 0}, {"sample_format": "mp3"}, {"channels": 0}]
)
def test_formats_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match="found, expected"):
        dataclasses.replace(PcmFormat(), **change)


def test_segments_do_not_overlap(speech):
    found, _ = run(speech)
    for left, right in itertools.pairwise(found.segments):
        assert left.end_s <= right.start_s + 0.02


class Piped:
    """Standard input that is a pipe with these bytes."""

    def __init__(self, data):
        self._number, other = os.pipe()
        self._writer = threading.Thread(target=self._write, args=(other, data))
        self._writer.start()
        self.buffer = self

    def _write(self, number, data):
        with contextlib.suppress(BrokenPipeError), open(number, "wb") as stream:
            stream.write(data)

    def fileno(self):
        return self._number

    def isatty(self):
        return False

    def close(self):
        os.close(self._number)
        self._writer.join()


@pytest.fixture
def run_live(monkeypatch, capsys):
    """Run `transcribe --live` on bytes; return what it prints."""

    def load(_model, _search, options):
        decoder = GreedySearch().build(LoudFrames.tokenizer, SearchFiles())
        return Transcriber(LoudFrames(), decoder, options)

    monkeypatch.setattr(live_run, "load_transcriber", load)

    def run_command(data, *words):
        piped = Piped(data)
        monkeypatch.setattr(sys, "stdin", piped)
        try:
            assert transcribe(["model", "--live", *words]) == 0
        finally:
            piped.close()
        return capsys.readouterr().out

    return run_command


def test_pipe_of_samples_is_printed_as_words(run_live, speech):
    data = (speech * 32767).round().astype("<i2").tobytes()
    heard = np.frombuffer(data, "<i2").astype(np.float32) / 32768
    found, steps = run(heard)
    lines = run_live(data).splitlines()
    assert lines == [segment.text for segment in found.segments]
    rows = [
        json.loads(line) for line in run_live(data, "--format", "json").splitlines()
    ]
    assert [row["at_s"] for row in rows] == [round(step.at_s, 3) for step in steps]
    final = [word["text"] for row in rows for word in row["final"]]
    assert final == texts(found.words)
    assert any(row["partial"] for row in rows)


def test_pipe_of_another_rate_and_format(run_live, speech):
    other = soxr.resample(speech[: 8 * FS], FS, 48_000)
    stereo = np.stack([other, other], 1).astype("<f4").tobytes()
    words = ["--rate", "48000", "--sample_format", "f32le", "--channels", "2"]
    assert len(run_live(stereo, *words).split()) > 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["talk.mp3"], "--live reads samples from standard input"),
        (["--output_dir", "out"], "--live reads samples from standard input"),
        (["--format", "srt"], "--format srt found; with --live, expected txt or json"),
        (["--rate", "5"], "--rate: 5 found, expected 1000..768000"),
        (["--chunk_s", "0"], "--chunk_s: 0.0 found"),
        ([], "begins with the header of a WAV file, expected raw samples"),
    ],
)
def test_mistakes_of_live_runs_are_one_line(words, message, run_live):
    with pytest.raises(ValueError, match=message) as info:
        run_live(b"RIFF\0\0\0\0WAVE", *words)
    assert "\n" not in str(info.value)


def test_interrupt_prints_the_words_so_far(run_live, speech, monkeypatch):
    data = (speech[: 9 * FS] * 32767).round().astype("<i2").tobytes()
    wanted = run_live(data)

    def interrupted(_source):
        yield data
        raise KeyboardInterrupt

    monkeypatch.setattr(live_run, "_each_piece", interrupted)
    assert run_live(b"") == wanted
    assert wanted.strip()


def test_terminal_shows_partial_words_after_the_final_ones(speech):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    target = Terminal()
    show = live_run._find_printer("txt", target)
    _, steps = run(speech[: 9 * FS])
    for step in steps:
        show(step)
    written = target.getvalue()
    assert "\x1b[2m" in written
    last = [line.rpartition("\x1b[K")[2] for line in written.split("\n")[:-1]]
    clean = [
        line.replace("\x1b[2m", "").replace("\x1b[0m", "").split() for line in last
    ]
    found, _ = run(speech[: 9 * FS])
    assert clean == [texts(segment.words) for segment in found.segments]
