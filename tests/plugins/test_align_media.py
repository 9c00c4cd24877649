"""Alignment and checking with a model, whose tokens are loudness levels."""

import numpy as np
import pytest
import soundfile

from hamzaban.align import recording
from hamzaban.align.check import Checked, check_dir
from hamzaban.align.check_page import write_page
from hamzaban.align.run import align_media
from hamzaban.align.segments import NOT_SPOKEN
from hamzaban.align.spelled import Speller
from hamzaban.align.texts import Sentence
from hamzaban.bin.subset_data import main as subset_data
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.recognizer import Recognizer
from hamzaban.text.normalizer import Normalizer
from hamzaban.text.tokens import CharTokenizer

TOKENS = ["<blank>", "<unk>", "<space>", *"abcdefgh", "<sos/eos>"]
TOKENIZER = CharTokenizer(TOKENS)
FRAME = 320


@pytest.fixture
def torch_modules():
    import torch

    return torch


@pytest.fixture
def recognizer(torch_modules):
    torch = torch_modules

    class Ctc(torch.nn.Module):
        def log_softmax(self, out):
            return out.log_softmax(-1)

    class Model(torch.nn.Module):
        """Token k where the samples of a frame are 0.08 * k loud."""

        def __init__(self):
            super().__init__()
            self.ctc = Ctc()
            self.levels = torch.nn.Parameter(0.08 * torch.arange(len(TOKENS)))

        def encode(self, speech, lengths):
            frames = speech.shape[1] // FRAME
            level = speech[:, : frames * FRAME].abs()
            level = level.reshape(len(speech), frames, FRAME).mean(-1)  # (B, T)
            return -5000 * (level[..., None] - self.levels) ** 2, lengths // FRAME

    return Recognizer(Model().eval(), TOKENIZER, 16000, [(FRAME, FRAME)])


def say(text):
    """Samples of a text: a frame of each character, another of half its level."""
    levels = []
    for char in text:
        token = TOKENIZER.token2id["<space>" if char == " " else char]
        levels += [0.03, 0.08 * token, 0.03]
    signs = np.tile([1.0, -1.0], FRAME // 2)
    return np.concatenate([[0.0], *(level * signs for level in levels)])[1:]


def write_speech(path, texts, fs=16000):
    parts = [np.zeros(8000)]
    for text in texts:
        parts += [say(text), np.zeros(8000)]
    speech = np.concatenate(parts)
    if fs != 16000:
        speech = np.repeat(speech, fs // 16000)
    soundfile.write(path, speech, fs)
    return len(np.concatenate(parts)) / 16000


TEXTS = ["abc fed", "hgh", "cab bad feed", "dada"]


def align(recognizer, path, texts):
    speller = Speller(TOKENIZER, Normalizer("general"))
    sentences = [Sentence(text, f"t:{n}") for n, text in enumerate(texts, 1)]
    return align_media(recognizer, path, sentences, speller)


def test_a_recording_is_aligned_with_the_text_that_was_said(recognizer, tmp_path):
    duration_s = write_speech(tmp_path / "a.flac", TEXTS)
    found = align(recognizer, tmp_path / "a.flac", ["hh", *TEXTS[:2], TEXTS[3]])
    assert [s.reason for s in found.sentences] == [NOT_SPOKEN, "", "", ""]
    assert found.duration_s == pytest.approx(duration_s, abs=1e-3)
    starts = [0.5, 0.5 + 7 * 0.06 + 0.5]
    for sentence, start_s in zip(found.sentences[1:3], starts, strict=True):
        assert sentence.start_s == pytest.approx(start_s, abs=0.03)
    assert [e.text for e in found.extras] == [TEXTS[2]]


@pytest.mark.parametrize("chunk_s", [0.1, 0.5, 1.0])
def test_chunks_of_any_length_give_the_same(recognizer, tmp_path, monkeypatch, chunk_s):
    write_speech(tmp_path / "a.flac", TEXTS)
    expected = align(recognizer, tmp_path / "a.flac", TEXTS)
    monkeypatch.setattr(recording, "CHUNK_S", chunk_s)
    monkeypatch.setattr(recording, "CONTEXT_S", 0.04)
    assert align(recognizer, tmp_path / "a.flac", TEXTS) == expected


def test_audio_of_another_rate_is_resampled(recognizer, tmp_path):
    write_speech(tmp_path / "a.wav", TEXTS, fs=16000)
    write_speech(tmp_path / "b.wav", TEXTS, fs=32000)
    one = align(recognizer, tmp_path / "a.wav", TEXTS).duration_s
    assert align(recognizer, tmp_path / "b.wav", TEXTS).duration_s == pytest.approx(
        one, abs=1e-3
    )


def test_a_text_in_other_letters_is_refused(recognizer, tmp_path):
    write_speech(tmp_path / "a.wav", TEXTS)
    with pytest.raises(ValueError, match="t:1: the model can write none of 1 sent"):
        align(recognizer, tmp_path / "a.wav", ["سلام"])


def test_too_short_a_recording_is_refused(recognizer, tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    with pytest.raises(ValueError, match=r"a\.wav: 100 samples, too short"):
        align(recognizer, tmp_path / "a.wav", TEXTS)


def test_transcripts_that_do_not_fit_are_listed_first_and_left_out(
    recognizer, tmp_path
):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    texts = {"u1": "abc fed", "u2": "hgh", "u3": "cab", "u4": "dada"}
    for utt_id, text in texts.items():
        write_speech(tmp_path / f"{utt_id}.wav", [text])
    texts |= {"u2": "hgh cc", "u3": "feed"}  # two transcripts are wrong
    files = {
        "wav.scp": [f"{u} {tmp_path}/{u}.wav" for u in texts],
        "text": [f"{u} {text}" for u, text in texts.items()],
        "utt2spk": [f"{u} s" for u in texts],
        "spk2utt": ["s " + " ".join(texts)],
    }
    for name, lines in files.items():
        (data_dir / name).write_text("".join(f"{x}\n" for x in lines))
    model_file = tmp_path / "model"
    model_file.write_text("x")
    done = check_dir(
        lambda: recognizer,
        data_dir,
        tmp_path / "out",
        Speller(TOKENIZER, Normalizer("general")),
        options=DecodeOptions(),
        model_files=[model_file],
        min_score=0.1,
    )
    assert done == (2, 4)
    rows = (tmp_path / "out" / "scores.tsv").read_text().splitlines()[1:]
    ids, scores, shown, heard = zip(*(row.split("\t") for row in rows), strict=True)
    assert set(ids[:2]) == {"u2", "u3"}
    assert sorted(scores, key=float) == list(scores)
    assert (shown[ids.index("u3")], heard[ids.index("u3")]) == ("feed", "cab")
    page = (tmp_path / "out" / "check.html").read_text(encoding="utf-8")
    places = [page.index(f"<code>{utt_id}</code>") for utt_id in ids]
    assert places == sorted(places)
    assert "<del>feed</del>" in page and "<ins>cab</ins>" in page
    assert 'src="./../u3.wav"' in page and "2 of 4 transcripts" in page
    keep = str(tmp_path / "out" / "keep")
    assert subset_data([str(data_dir), str(tmp_path / "b"), "--utt_list", keep]) == 0
    assert (tmp_path / "b" / "text").read_text() == "u1 abc fed\nu4 dada\n"


def test_recordings_that_browsers_cannot_play_are_put_into_the_page(tmp_path):
    data_dir = tmp_path / "data <x>"
    data_dir.mkdir()
    soundfile.write(tmp_path / "é.aiff", np.zeros(1600), 16000)
    lines = f"u1 {tmp_path}/é.aiff\nu2 {tmp_path}/none.aiff\n"
    (data_dir / "wav.scp").write_text(lines, encoding="utf-8")
    worst = [Checked(f"u{i}", 0.01 * i, "سلام <b>", "سلم") for i in (1, 2)]
    path = write_page(worst, data_dir, tmp_path, min_score=0.015)
    page = path.read_text(encoding="utf-8")
    assert page.count("data:audio/ogg;base64,") == 1
    assert "<b>" not in page and "data &lt;x&gt;" in page
    assert page.count('class="drop"') == 1 and page.count('dir="auto"') == 4
