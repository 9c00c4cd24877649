"""Decoding a data directory: files, jobs and batches, with a model of two layers."""

import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hamzaban.bin.decode_asr import main as decode_asr
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.emissions import (
    Utterance,
    make_batches,
    read_speech,
    read_utterances,
)
from hamzaban.decode.recognizer import Recognizer, find_files
from hamzaban.decode.result import Result, write_results
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.search_options import read_inference
from hamzaban.decode.search_run import search_audio
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.text.tokens import CharTokenizer

pytestmark = pytest.mark.torch
TOKENS = ["<blank>", "<unk>", "<space>", "م", "ی", "\u200c", "ر", "و", "<sos/eos>"]
NAMES = ["text", "token", "token_int", "score", "confidence"]


def load():
    import torch
    from tiny_ctc import CONV, Model

    torch.manual_seed(1)
    model = Model(len(TOKENS)).eval()
    return Recognizer(model, CharTokenizer(TOKENS), 16000, CONV)


def decode_dir(load, data_dir, output_dir, options):
    """Decode greedily without keeping emissions; return the best results."""
    decoder = GreedySearch().build(CharTokenizer(TOKENS), SearchFiles())
    found = search_audio(decoder, load, data_dir, options)
    write_results(found.results, output_dir, found.frame_shift_s)
    return {utt: (hyps or [Result()])[0] for utt, hyps in found.results.items()}


def write_dir(data_dir, lengths, with_lengths=True):
    rng = np.random.default_rng(3)
    data_dir.mkdir(parents=True)
    rows = []
    for i, length in enumerate(lengths):
        path = data_dir / f"a{i}.flac"
        soundfile.write(path, rng.normal(0, 0.2, length).clip(-1, 1), 16000)
        rows.append((f"spk{i % 3}-u{i:02d}", path, length))
    rows.sort()
    (data_dir / "wav.scp").write_text("".join(f"{u} {p}\n" for u, p, _ in rows))
    if with_lengths:
        counts = "".join(f"{u} {n}\n" for u, _, n in rows)
        (data_dir / "utt2num_samples").write_text(counts)
    return data_dir


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    rng = np.random.default_rng(0)
    lengths = [*rng.integers(400, 32000, 25).tolist(), 10, 399, 400, 16000, 16000]
    return write_dir(tmp_path_factory.mktemp("audio ه") / "test", lengths)


def read(folder):
    return {
        name: (folder / name).read_text(encoding="utf-8").splitlines() for name in NAMES
    }


def test_the_files_have_the_layout_of_espnet(data_dir, tmp_path):
    hyps = decode_dir(load, data_dir, tmp_path, DecodeOptions())
    files = read(tmp_path)
    ids = sorted(utt.utt_id for utt in read_utterances(data_dir))
    for name in NAMES:
        assert [line.split(" ", 1)[0] for line in files[name]] == ids
    tokenizer = CharTokenizer(TOKENS)
    for lines in zip(*(files[name] for name in NAMES), strict=True):
        text, token, token_int, score, confidence = (
            (line.split(" ", 1) + [""])[1] for line in lines
        )
        hyp = hyps[lines[0].split()[0]]
        assert token_int.split() == [str(i) for i in hyp.token_int]
        assert token.split() == tokenizer.ids2tokens(hyp.token_int)
        assert text == tokenizer.tokens2text(token.split())
        assert float(score) == pytest.approx(hyp.total, abs=1e-4)
        assert float(confidence) == pytest.approx(hyp.confidence, abs=1e-4)
    assert "\u200c" in "".join(files["text"])


def test_an_utterance_decodes_the_same_alone_and_in_a_batch(data_dir, tmp_path):
    hyps = decode_dir(load, data_dir, tmp_path, DecodeOptions())
    recognizer, tokenizer = load(), CharTokenizer(TOKENS)
    decoder = GreedySearch().build(tokenizer, SearchFiles())
    utts = [utt for utt in read_utterances(data_dir) if utt.num_samples >= 400]
    assert len(utts) == 28
    for utt in utts:
        log_probs, _, _ = recognizer.emit([read_speech(utt, 16000)])
        (alone,) = decoder.decode(log_probs[0].numpy())
        assert hyps[utt.utt_id].token_int == alone.token_int
        assert hyps[utt.utt_id].total == pytest.approx(alone.total, abs=1e-3)


@pytest.mark.parametrize(("nj", "bins"), [(1, 1), (1, 50000), (2, 50000), (3, 10**9)])
def test_any_batches_and_jobs_give_the_same_text(data_dir, tmp_path, nj, bins):
    decode_dir(load, data_dir, tmp_path / "one", DecodeOptions())
    decode_dir(load, data_dir, tmp_path / "two", DecodeOptions(nj=nj, batch_bins=bins))
    one, two = read(tmp_path / "one"), read(tmp_path / "two")
    for name in ("text", "token", "token_int"):
        assert one[name] == two[name]
    for name in ("score", "confidence"):
        for left, right in zip(one[name], two[name], strict=True):
            assert left.split()[0] == right.split()[0]
            assert float(left.split()[1]) == pytest.approx(
                float(right.split()[1]), abs=2e-3
            )


def test_an_utterance_too_short_for_a_frame_has_an_empty_line(
    data_dir, tmp_path, caplog
):
    with caplog.at_level(logging.INFO):
        hyps = decode_dir(load, data_dir, tmp_path, DecodeOptions())
    short = [utt.utt_id for utt in read_utterances(data_dir) if utt.num_samples < 400]
    assert len(short) == 2
    for utt_id in short:
        assert hyps[utt_id].token_int == ()
        assert f"{utt_id} 0.0000" in read(tmp_path)["score"]
        assert f"{utt_id} -inf" in read(tmp_path)["confidence"]
        assert utt_id in read(tmp_path)["text"]
        assert utt_id in caplog.text
    assert " RTF " in caplog.text
    assert "30 utterances, audio" in caplog.text


def test_lengths_are_read_from_audio_if_no_file_states_them(data_dir, tmp_path):
    other = tmp_path / "data"
    other.mkdir()
    (other / "wav.scp").write_bytes((data_dir / "wav.scp").read_bytes())
    assert read_utterances(other) == read_utterances(data_dir)


def test_batches_keep_to_the_limit():
    rng = np.random.default_rng(0)
    utts = [
        Utterance(f"u{i}", "", int(n)) for i, n in enumerate(rng.integers(1, 99, 80))
    ]
    batches = make_batches(utts, 200)
    assert sorted(u.utt_id for b in batches for u in b) == sorted(
        u.utt_id for u in utts
    )
    assert all(max(u.num_samples for u in b) * len(b) <= 200 for b in batches)
    assert batches == make_batches(utts[::-1], 200)
    assert [len(batch) for batch in make_batches(utts, 1)] == [1] * 80


@pytest.mark.parametrize("nj", [1, 2])
def test_unreadable_audio_is_named(tmp_path, nj):
    data = write_dir(tmp_path / "data", [16000] * 4)
    (data / "a2.flac").write_bytes(b"none")
    options = DecodeOptions(nj=nj, batch_bins=16000)
    with pytest.raises(ValueError, match=r"a2\.flac: audio of spk2-u02 cannot be read"):
        decode_dir(load, data, tmp_path / "out", options)
    assert not (tmp_path / "out" / "text").exists()


@pytest.mark.parametrize("with_lengths", [True, False])
@pytest.mark.parametrize("nj", [1, 2])
def test_audio_of_another_rate_is_resampled_and_counted(
    tmp_path, caplog, nj, with_lengths
):
    import soxr

    speech = np.random.default_rng(5).normal(0, 0.1, 24000)
    data = write_dir(tmp_path / "data", [16000] * 4, with_lengths)
    rows = dict(line.split() for line in (data / "wav.scp").read_text().splitlines())
    wanted = soxr.resample(speech, 8000, 16000, quality="HQ")
    soundfile.write(rows["spk0-u00"], speech, 8000, subtype="PCM_24")
    soundfile.write(rows["spk1-u01"], np.stack([speech, speech], 1), 8000)
    hyps = decode_dir(load, data, tmp_path / "out", DecodeOptions(nj=nj))
    assert len(hyps) == 4
    assert "2 of 4 utterances are brought to the model's 16000 Hz mono while" in (
        caplog.text
    )
    assert "1 of 8000 Hz and 1 channel(s), 1 of 8000 Hz and 2 channel(s)" in caplog.text
    read = read_speech(Utterance("a", rows["spk0-u00"], 24000), 16000)
    assert np.allclose(read.numpy(), wanted, atol=1e-3)


@pytest.mark.parametrize("length", ["", "12.5", "-3", "many"])
def test_a_length_that_is_no_number_is_named(tmp_path, length):
    folder = write_dir(tmp_path / "d", [800])
    (folder / "utt2num_samples").write_text(f"spk0-u00 {length}\n")
    with pytest.raises(ValueError, match="utt2num_samples: spk0-u00 has '.*' samples"):
        read_utterances(folder)


def test_segments_are_refused(tmp_path):
    data = write_dir(tmp_path / "data", [16000])
    (data / "segments").write_text("spk0-u00 spk0-u00 0 0.5\n")
    with pytest.raises(ValueError, match="format-audio"):
        read_utterances(data)


def test_the_error_for_a_missing_model_file_names_those_there(tmp_path):
    exp = tmp_path / "exp"
    with pytest.raises(NotADirectoryError, match="train-asr"):
        find_files(exp, "valid.wer.ave.pth")
    exp.mkdir()
    with pytest.raises(FileNotFoundError, match=r"config\.yaml: missing"):
        find_files(exp, "valid.wer.ave.pth")
    (exp / "config.yaml").write_text("token_type: char\n")
    with pytest.raises(FileNotFoundError, match=r"there: no \.pth file"):
        find_files(exp, "valid.wer.ave.pth")
    for name in ("valid.loss.best.pth", "3epoch.pth"):
        (exp / name).write_bytes(b"")
    words = ["--asr_exp", str(exp), "--data_dir", "none", "--output_dir", "none"]
    with pytest.raises(
        FileNotFoundError,
        match=r"valid\.wer\.ave\.pth: missing; there: 3epoch\.pth, valid\.loss\.best",
    ):
        decode_asr(words)


def test_the_configuration_is_checked(tmp_path):
    path = tmp_path / "decode.yaml"
    path.write_text("batch_bins: 4000\nnj: 2\n")
    assert read_inference(path).decode == {"batch_bins": 4000, "nj": 2}
    path.write_text("beam_sizes: 10\n")
    with pytest.raises(ValueError, match="'beam_sizes' is unknown; did you mean beam"):
        read_inference(path)
    path.write_text("nj: two\n")
    with pytest.raises(ValueError, match="nj: 'two' found, expected a whole number"):
        read_inference(path)
    with pytest.raises(ValueError, match="nj 0"):
        DecodeOptions(nj=0)


def test_killed_processes_leave_no_other(tmp_path, data_dir):
    code = (
        "import os, sys, time\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import test_decode_run as t\n"
        "from tiny_ctc import CONV, Model\n"
        "class Slow(Model):\n"
        "    def encode(self, *words):\n"
        "        open(os.path.join(sys.argv[3], str(os.getpid())), 'w').close()\n"
        "        time.sleep(600)\n"
        "tokens = t.CharTokenizer(t.TOKENS)\n"
        "load = lambda: t.Recognizer(Slow(9), tokens, 16000, CONV)\n"
        "options = t.DecodeOptions(nj=2, batch_bins=1)\n"
        "t.decode_dir(load, sys.argv[2], sys.argv[3] + '/out', options)\n"
    )
    here = str(Path(__file__).parent)
    words = [sys.executable, "-c", code, here, str(data_dir), str(tmp_path)]
    process = subprocess.Popen(words)
    try:
        wait_until(lambda: len([p for p in tmp_path.iterdir() if p.name != "out"]) == 2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    children = [int(path.name) for path in tmp_path.iterdir() if path.name != "out"]
    wait_until(lambda: not any(map(is_running, children)))
    assert not (tmp_path / "out" / "text").exists()


def is_running(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until(holds, seconds=400):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
