"""Scoring of Kaldi text, trn, JSON lines, and of stm with ctm as sclite pairs them."""

import json
import random
import subprocess

import pytest

from hamzaban.bin import score_text
from hamzaban.score.nist import read_counts
from hamzaban.score.programs import find_program
from hamzaban.score.time_marked import pair_time_marked
from hamzaban.score.transcripts import read_both

SCORES = "WER 40.00 % of 5 words in 2 utterances (sub 1, del 0, ins 1)"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "رونوشت a"
    folder.mkdir()
    return folder


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def score(*words):
    assert score_text.main([str(word) for word in words]) == 0


def test_every_form_gives_the_same_scores(folder, capsys):
    refs = {"s1-a": "سلام دنیا", "s2-b": "می\u200cروم به خانه"}
    hyps = {"s2-b": "میروم به خانه", "s1-a": "سلام دنیا خوب"}
    forms = {"text": "", "trn": ".trn", "jsonl": ".jsonl"}
    files = {}
    for role, texts in (("ref", refs), ("hyp", hyps)):
        field = "text" if role == "ref" else "pred_text"
        lines = {
            "text": [f"{utt} {text}" for utt, text in texts.items()],
            "trn": [f"{text} ({utt})" for utt, text in texts.items()],
            "jsonl": [json.dumps({"id": u, field: t}) for u, t in texts.items()],
        }
        for form, suffix in forms.items():
            files[role, form] = write(folder / f"{role}{suffix}", *lines[form])
    for form in forms:
        score("--ref", files["ref", form], "--hyp", files["hyp", form])
        assert SCORES in capsys.readouterr().out
    score("--ref", files["ref", "trn"], "--hyp", files["hyp", "jsonl"])
    assert SCORES in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {
        f"{role}{suffix}" for role in ("ref", "hyp") for suffix in forms.values()
    }


@pytest.mark.parametrize(
    ("ref", "hyp", "utt_id"),
    [
        (("ref", "s-u x y"), ("hyp", "s-u x"), "s-u"),
        (("ref.trn", "x y (s-u)"), ("hyp.trn", "x (s-u)"), "s-u"),
        (
            ("ref.jsonl", '{"id": "s-u", "text": "x y"}'),
            ("hyp.jsonl", '{"id": "s-u", "text": "x"}'),
            "s-u",
        ),
        (("ref.stm", "f A s 0 9 x y"), ("hyp.ctm", "f A 0 1 x"), "s-000"),
    ],
)
def test_a_byte_order_mark_belongs_to_no_id_and_no_word(folder, ref, hyp, utt_id):
    paths = [write(folder / name, f"\ufeff{line}") for name, line in (ref, hyp)]
    refs, hyps, _ = read_both(*paths)
    assert (refs, hyps) == ({utt_id: "x y"}, {utt_id: "x"})


def test_a_byte_order_mark_in_utt2spk_belongs_to_no_id(folder):
    text = write(folder / "ref", "u x")
    utt2spk = write(folder / "utt2spk", "\ufeffu s")
    assert read_both(text, text, utt2spk)[2] == {"u": "(s-u)"}


def test_one_manifest_may_hold_both(folder):
    records = [
        {"audio_filepath": "a b.wav", "text": "x y", "pred_text": "x", "speaker": "s1"},
        {"audio_filepath": "c.wav", "text": "z", "pred_text": "z", "speaker": "s1"},
    ]
    path = write(folder / "m.json", *map(json.dumps, records))
    refs, hyps, trn_ids = read_both(path, path)
    assert refs == {"a_b.wav": "x y", "c.wav": "z"}
    assert hyps == {"a_b.wav": "x", "c.wav": "z"}
    assert trn_ids == {"a_b.wav": "(s1-a_b.wav)", "c.wav": "(s1-c.wav)"}
    refs, hyps, _ = read_both(path, path, None, {"hyp": "text", "ref": "pred_text"})
    assert (refs["a_b.wav"], hyps["a_b.wav"]) == ("x", "x y")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "m.jsonl:1: no JSON"),
        ("[]", "m.jsonl:1: no JSON object"),
        ('{"id": "a", "words": "x"}', "it has id, words; choose one by --json_keys"),
        ('{"id": "a", "text": 3}', "the text is 3"),
        ('{"text": "x"}', "no field utt_id or id"),
        ("[" * 100_000, "m.jsonl:1: no JSON"),
    ],
)
def test_a_bad_json_line_is_named(folder, line, message):
    path = write(folder / "m.jsonl", line)
    with pytest.raises(ValueError, match=message):
        read_both(path, path)
    with pytest.raises(ValueError, match="expected NAME=FIELD"):
        score("--ref", path, "--hyp", path, "--json_keys", "text=words")


def test_words_go_to_the_segment_their_middle_lies_in(folder):
    stm = write(
        folder / "ref.stm",
        ";; a comment",
        "f1 A sp-1 1.0 2.0 <o,f0> one two",
        "f1 A sp-1 2.0 3.0 ignore_time_segment_in_scoring",
        "f1 A sp2 3.5 5.0 three",
        "f2 A sp-1 0.0 1.0",
    )
    ctm = write(
        folder / "hyp.ctm",
        "f1 A 1.6 0.2 two 0.9",
        "f1 A 0.1 0.2 one",  # before all segments, and out of order
        "f1 A 1.9 0.4 noise",
        "f1 A 3.1 0.1 three",  # between two segments
        "f1 A 9.0 0.1 end",
    )
    segments, hyps = pair_time_marked(stm, ctm)
    texts = {segment.utt_id: segment.text for segment in segments}
    assert texts == {"sp_1-000": "one two", "sp2-000": "three", "sp_1-001": ""}
    assert hyps == {"sp_1-000": "one two", "sp2-000": "three end", "sp_1-001": ""}


@pytest.mark.parametrize(
    ("stm", "ctm", "message"),
    [
        ("f A s 0 1 x", "g A 0 1 x", "recording 'g a' .* is not in"),
        ("f A s 0", "f A 0 1 x", "ref.stm:1: 4 fields"),
        ("f A s 0 1 { a / b", "f A 0 1 x", "ref.stm:1: '{ a / b' opens alternatives"),
        ("f A s 2 1 x", "f A 0 1 x", "ends before it starts"),
        ("f A s 0 1 x", "f A 0 x", "hyp.ctm:1: 4 fields"),
        ("f A s 0 1 a{b}", "f A 0 1 x", "ref.stm:1: 'a{b}' has a brace within a word"),
        ("f A s 0 1 x", "f A 0 1 <ALT>", "hyp.ctm:1: <ALT> without <ALT_BEGIN>"),
        ("f A s 0 1 x", "f A 0 1 <ALT_BEGIN>", "hyp.ctm:1: nothing ends these"),
        ("f A s 0 1 x", "f A 0 1 {x/y}", "hyp.ctm:1: braces in a ctm"),
        ("f A s 0 1 x", "f A 0 1 x high", "hyp.ctm:1: confidence 'high' found"),
        ("f A s 0 1 x", "f A 0 y x", "hyp.ctm:1: times '0 y' found, expected"),
        ("f A s 0 1 x", "f A -0.5 1 x", "hyp.ctm:1: times '-0.5 1' found, expected"),
        ("f A s 0 1 x", "f A 0.5 -1 x", "hyp.ctm:1: times '0.5 -1' found, expected"),
        ("f A s 0 1 x", "f A nan 1 x", "hyp.ctm:1: times 'nan 1' found, expected"),
        ("f A s -1 1 x", "f A 0 1 x", "ref.stm:1: times '-1 1' found, expected"),
    ],
)
def test_a_bad_time_mark_is_named(folder, stm, ctm, message):
    with pytest.raises(ValueError, match=message):
        read_both(write(folder / "ref.stm", stm), write(folder / "hyp.ctm", ctm))


def test_ctm_needs_stm(folder):
    text, ctm = write(folder / "ref", "u x"), write(folder / "hyp.ctm", "f A 0 1 x")
    with pytest.raises(ValueError, match="forms text and ctm do not pair"):
        read_both(text, ctm)


def draw_time_marked(rng, folder):
    """Make an stm and a ctm with gaps, overlaps and words on the borders."""
    stm, ctm = [], []
    for recording in ("f1", "f2", "f3"):
        time = 0.0
        for _ in range(rng.randint(1, 8)):
            start = time + rng.choice([0, 0, 0.25, 1])
            time = round(start + rng.choice([0.5, 1.15, 2.3]), 2)
            words = rng.choices("abcd", k=rng.randint(0, 5))
            speaker = rng.choice(["sp1", "sp2"])
            stm.append(
                f"{recording} 1 {speaker} {start:.2f} {time:.2f} {' '.join(words)}"
            )
        for _ in range(rng.randint(1, 25)):
            begin, duration = rng.uniform(0, time + 1), rng.choice([0.1, 0.25, 0.3])
            word = rng.choice("abcd")
            ctm.append((recording, f"{begin:.2f}", f"{duration:.2f}", word))
    ctm.sort(key=lambda line: (line[0], float(line[1])))
    write(folder / "ref.stm", *stm)
    write(folder / "hyp.ctm", *(f"{f} 1 {b} {d} {w}" for f, b, d, w in ctm))


@pytest.mark.slow
@pytest.mark.needs("sclite")
def test_same_counts_as_sclite_on_random_time_marks(folder):
    rng = random.Random(1)
    for _ in range(25):
        draw_time_marked(rng, folder)
        words = ["-r", "ref.stm", "stm", "-h", "hyp.ctm", "ctm", "-o", "all", "stdout"]
        done = subprocess.run(
            [*find_program("sclite"), *words],
            cwd=folder,
            capture_output=True,
            check=True,
        )
        (folder / "theirs").write_bytes(done.stdout)
        options = ["--ref", folder / "ref.stm", "--hyp", folder / "hyp.ctm"]
        score(*options, "--output_dir", folder / "ours")
        ours = read_counts(folder / "ours" / "score_wer" / "result.txt")
        assert ours == read_counts(folder / "theirs")
