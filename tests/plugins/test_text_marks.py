"""Marks in transcripts: read by kind, counted, never letters of the transcript."""

import io
import json

import pytest
from own_corpus import SENTENCES, import_data, read_sets

from hamzaban.bin.audit_text import main as audit_text
from hamzaban.bin.make_tokens import main as make_tokens
from hamzaban.bin.normalize_data import main as normalize_data
from hamzaban.data.files import read_scp
from hamzaban.ingest.transcripts import read_captions
from hamzaban.text.marks import MARKUP, SIGN, SOUND, SPEAKER, read_marks
from hamzaban.text.stream import StreamOptions, normalize_stream
from published.speech import write_audio, write_lines


@pytest.mark.parametrize(
    ("text", "dropped", "kept", "kinds"),
    [
        ("سلام <noise> شما", "سلام شما", "سلام <noise> شما", [SOUND]),
        ("[Door slams] ok", "ok", "<door_slams> ok", [SOUND]),
        ("(خنده) او آمد", "او آمد", "<خنده> او آمد", [SOUND]),
        ("(sound of laughter) hi", "hi", "<sound_of_laughter> hi", [SOUND]),
        ("a {breath} b %hesitation", "a b", "a <breath> b <hesitation>", [SOUND] * 2),
        ("*laughs* a (()) <unk>", "a", "<laughs> a <unclear> <unclear>", [SOUND] * 3),
        ("<fil/> ما <overlap>با هم</overlap>", "ما با هم", "<fil> ما با هم", None),
        ("{\\an8}سلام <i>شما</i>", "سلام شما", "سلام شما", [MARKUP] * 3),
        ("<00:01.200><c.red>a</c>", "a", "a", [MARKUP] * 3),
        ("<v Bob>hello", "hello", "hello", [SPEAKER]),
        ("&gt;&gt; ALI REZA: tea &amp; milk", "tea & milk", "tea & milk", [SPEAKER]),
        ("المُذيع: أهلا", "أهلا", "أهلا", [SPEAKER]),
        ("- Speaker 2: hi", "hi", "hi", [SPEAKER]),
        ("♪ la la ♪", "la la", "la la", [SIGN] * 2),
        ("&amp;lt;noise&amp;gt; a&#39;b", "a'b", "<noise> a'b", [SOUND]),
    ],
)
def test_marks_are_read_by_their_kind(text, dropped, kept, kinds):
    marked = read_marks(text)
    assert marked.text == dropped
    assert read_marks(text, "keep").text == kept
    if kinds is not None:
        assert [mark.kind for mark in marked.marks] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "قال: نعم",
        "تهران (پایتخت ایران) شهر",
        "3 < 5 and 6 > 2",
        "AT&T and R&D",
        "او (و) ما",
        "*word* 50% من",
        "ساعت 10:30",
    ],
)
def test_words_are_not_taken_for_marks(text):
    assert read_marks(text) == (text, ())


def test_a_sound_can_be_refused():
    with pytest.raises(ValueError, match=r"t:3: mark of a sound '\[uh\]' found"):
        read_marks("a [uh]", "refuse", "t:3")
    assert read_marks("<i>a</i>", "refuse", "t:3").text == "a"
    assert read_marks("a [uh] &amp;", "text").text == "a [uh] &"


@pytest.fixture
def table(tmp_path):
    rows = []
    for k in range(12):
        write_audio(tmp_path / f"u{k}.wav", SENTENCES[k])
        rows.append({"file": f"u{k}.wav", "text": f"[music] {SENTENCES[k]} &amp; (())"})
    rows[3]["text"] = "[laughter] ♪"
    write_lines(tmp_path / "m.jsonl", map(json.dumps, rows))
    return tmp_path / "m.jsonl"


def test_import_data_drops_and_counts_marks(tmp_path, table, caplog):
    caplog.set_level("INFO")
    import_data(table, tmp_path / "data")
    texts = sum(read_sets(tmp_path / "data", "text").values(), [])
    expected = {f"{s} &" for k, s in enumerate(SENTENCES[:12]) if k != 3}
    assert set(texts) == expected
    assert "sound marks in transcripts, such as [music]" in caplog.text
    assert "1 left out: nothing but marks in the transcript" in caplog.text


def test_import_data_keeps_or_refuses_marks(tmp_path, table):
    import_data(table, tmp_path / "data", "--marks", "keep")
    texts = sum(read_sets(tmp_path / "data", "text").values(), [])
    assert f"<music> {SENTENCES[0]} & <unclear>" in texts
    assert "<laughter>" in texts
    with pytest.raises(ValueError, match="m.jsonl:1: mark of a sound"):
        import_data(table, tmp_path / "data", "--marks", "refuse")


def test_captions_lose_their_markup_and_entities(tmp_path):
    lines = ["WEBVTT", "", "00:01.000 --> 00:02.000 align:start", "&gt;&gt; <i>a</i>"]
    write_lines(tmp_path / "a.vtt", [*lines, "x &lt;noise&gt; &amp; y"])
    (caption,) = read_captions(tmp_path / "a.vtt")
    assert caption[:2] == (1.0, 2.0)
    assert read_marks(caption.text).text == "a x & y"


TEXTS = {"u1": "سلام <noise> شما", "u2": "(خنده) كتاب", "u3": "ما &lt;b&gt; رفتیم"}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "train"
    pairs = {
        "text": TEXTS,
        "utt2spk": {utt: utt for utt in TEXTS},
        "spk2utt": {utt: utt for utt in TEXTS},
        "wav.scp": {utt: f"{utt}.wav" for utt in TEXTS},
    }
    for name, lines in pairs.items():
        write_lines(folder / name, [f"{utt} {rest}" for utt, rest in lines.items()])
    return folder


def test_normalize_data_drops_keeps_and_refuses_marks(tmp_path, data):
    words = ["--lang", "fa", str(data), str(tmp_path / "n")]
    normalize_data(words)
    found = dict(read_scp(tmp_path / "n" / "text"))
    assert found == {"u1": "سلام شما", "u2": "کتاب", "u3": "ما رفتیم"}
    normalize_data([*words, "--marks", "keep"])
    found = dict(read_scp(tmp_path / "n" / "text"))
    assert found == {"u1": "سلام <noise> شما", "u2": "<خنده> کتاب", "u3": "ما رفتیم"}
    normalize_data(["--lang", "fa", "--marks", "keep", *([str(tmp_path / "n")] * 2)])
    assert dict(read_scp(tmp_path / "n" / "text")) == found
    with pytest.raises(ValueError, match="text:1: u1: mark of a sound '<noise>' found"):
        normalize_data([*words, "--marks", "refuse"])


@pytest.mark.parametrize("kaldi", [False, True])
def test_normalize_drops_or_keeps_marks(kaldi):
    lines = [f"{utt} {text}" if kaldi else text for utt, text in TEXTS.items()]
    found = {}
    for marks in ("drop", "keep", "text"):
        options = StreamOptions("fa", kaldi=kaldi, marks=marks)
        sink = io.BytesIO()
        normalize_stream(io.BytesIO("\n".join(lines).encode()), sink, "in", options)
        found[marks] = sink.getvalue().decode().split("\n")
    assert found["drop"][0].endswith("سلام شما")
    assert found["keep"][0].endswith("سلام <noise> شما")
    assert found["text"][0].endswith("سلام noise شما")
    assert all(line.startswith("u") for line in found["drop"]) == kaldi


def test_audit_text_counts_marks_and_what_may_be_some(data, capsys):
    write_lines(data / "text", [f"{k} {v}" for k, v in TEXTS.items()] + ["u4 قال: (و)"])
    audit_text(["--lang", "fa", "--max_foreign", "1", str(data)])
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("sound marks: 2 times in 2 utterances (50.00%)")
    assert lines[at + 1] == f"    {data / 'text'}:1: u1"
    once = ": 1 times in 1 utterances (25.00%)"
    assert f"HTML entities{once}" in lines
    assert f"words in brackets, taken for text{once}" in lines
    assert f"words before a colon, taken for text{once}" in lines


def test_make_tokens_refuses_symbols_that_the_cleaner_destroys(tmp_path, data):
    words = [str(data / "text"), "--nbpe", "20", "--output_dir", str(tmp_path / "t")]
    symbol = ["--bpe_nlsyms", "<noise>"]
    message = "the cleaner turns <noise> into 'noise'.*normalize-data --marks keep"
    with pytest.raises(ValueError, match=message):
        make_tokens([*words, *symbol, "--cleaner", "hamzaban/fa/train"])
    with pytest.raises(ValueError, match="<unk> is SentencePiece's own symbol"):
        make_tokens([*words, "--bpe_nlsyms", "<unk>"])
    assert not (tmp_path / "t").exists()
    normalize_data(["--lang", "fa", "--marks", "keep", str(data), str(tmp_path / "n")])
    words[0] = str(tmp_path / "n" / "text")
    make_tokens([*words, *symbol, "--nbpe", "23"])
    tokens = (tmp_path / "t" / "tokens.txt").read_text(encoding="utf-8").split()
    assert "<noise>" in tokens and "n" not in tokens


@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_each_sound_is_counted_once(policy):
    found = read_marks("salaam [laughter] %uh <noise> (music)", policy)
    assert [mark.text for mark in found.marks] == [
        "[laughter]",
        "(music)",
        "%uh",
        "<noise>",
    ]
