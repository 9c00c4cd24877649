"""Alignment of recordings with loose texts, on hand-made log-posteriors."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hamzaban.align import viterbi
from hamzaban.align.anchors import find_anchors, make_band, make_track
from hamzaban.align.check import score_text
from hamzaban.align.graph import Costs, build_graph
from hamzaban.align.pauses import find_end, find_start
from hamzaban.align.recording import Recording
from hamzaban.align.run import Alignment, find_heard, score_path
from hamzaban.align.segments import NOT_SPOKEN, Aligned, Extra, Layout, list_aligned
from hamzaban.align.spelled import Speller, split_words
from hamzaban.align.texts import read_sentences
from hamzaban.align.viterbi import find_path, full_band
from hamzaban.align.write import write_alignment
from hamzaban.bin.align import main
from hamzaban.data.files import read_scp
from hamzaban.decode.path import align, path_score
from hamzaban.text.normalizer import Normalizer
from hamzaban.text.tokens import CharTokenizer
from hamzaban.validate.directory import validate_data_dir

TOKENS = ["<blank>", "<unk>", "<space>", *"abcdefgh", "<sos/eos>"]
TOKENIZER = CharTokenizer(TOKENS)
SHIFT_S = 0.02


def spell(*texts):
    speller = Speller(TOKENIZER, Normalizer("general"))
    return speller.spell([(text, f"text:{n}") for n, text in enumerate(texts, 1)])


def hear(text, path, gap=9):
    """A recording in which each character of a text is a peak of one frame in six.

    A newline is a pause of `gap` frames.
    """
    frames = [0] * gap
    loud = [False] * gap
    for char in text:
        if char == "\n":
            frames += [0] * gap
            loud += [False] * gap
        else:
            token = TOKENIZER.token2id["<space>" if char == " " else char]
            frames += [0, 0, token, 0, 0, 0]
            loud += [True] * 6
    frames += [0] * gap
    loud += [False] * gap
    probs = np.full((len(frames), len(TOKENS)), 0.02 / (len(TOKENS) - 1))
    probs[np.arange(len(frames)), frames] = 0.98
    log_probs = np.log(probs).astype(np.float16)
    log_probs.tofile(path)
    wide = log_probs.astype(np.float32)
    return Recording(
        path,
        len(TOKENS),
        wide.argmax(1).astype(np.int32),
        wide.max(1),
        wide[:, [0, 2]].max(1),
        np.repeat(np.where(loud, -20.0, -70.0), 2).astype(np.float32),
        SHIFT_S,
        len(frames) * SHIFT_S,
    )


def align_text(recording, texts, band=None):
    costs = Costs()
    sentences = spell(*texts)
    words = [len(s.words) for s in sentences]
    graph = build_graph([s.ids for s in sentences], words, costs)
    wildcard = np.maximum(recording.quiet, recording.best - costs.extra)
    band = band or full_band(recording.num_frames, len(graph.labels))
    path = find_path(graph, recording.read, wildcard, band)
    write = lambda ids: TOKENIZER.tokens2text(TOKENIZER.ids2tokens(ids))  # noqa: E731
    along = score_path(graph, recording, wildcard, path)
    heard = find_heard(recording.greedy, [2])
    return list_aligned(sentences, Layout(recording, graph, path, write), along, heard)


def times_of(found):
    return [(round(s.start_s, 2), round(s.end_s, 2)) for s in found]


def test_sentences_get_the_times_of_their_sound(tmp_path):
    recording = hear("abc\nde fa\nhg", tmp_path / "log_probs")
    found, extras = align_text(recording, ["abc", "de fa", "hg"])
    assert times_of(found) == [(0.18, 0.54), (0.72, 1.32), (1.5, 1.74)]
    assert extras == []
    assert [s.score for s in found] == pytest.approx([1, 1, 1], abs=0.01)
    assert [word.text for word in found[1].words] == ["de", "fa"]
    assert found[1].words[0].end_s < found[1].words[1].start_s


def test_text_that_is_not_spoken_is_passed_over(tmp_path):
    recording = hear("abc\nde fa\nhg", tmp_path / "log_probs")
    texts = ["ghg", "abc", "hh bb", "cc", "de fa", "hg", "bbb"]
    found, extras = align_text(recording, texts)
    assert [s.reason for s in found] == [
        *(NOT_SPOKEN, "", NOT_SPOKEN, NOT_SPOKEN, "", "", NOT_SPOKEN)
    ]
    assert times_of([found[1], found[4]]) == [(0.18, 0.54), (0.72, 1.32)]
    assert extras == []


def test_speech_that_the_text_lacks_is_found(tmp_path):
    recording = hear("abc\nde fa\nhg\nca", tmp_path / "log_probs")
    found, extras = align_text(recording, ["abc", "hg"])
    assert times_of(found) == [(0.18, 0.54), (1.5, 1.74)]
    assert [e.text for e in extras] == ["de fa", "ca"]
    assert times_of(extras)[0] == (0.72, 1.32)


def test_a_wrong_letter_lowers_the_score_and_keeps_the_place(tmp_path):
    recording = hear("abc\ndehfahd\nhg", tmp_path / "log_probs")
    found, _ = align_text(recording, ["abc", "dehfabd", "hg"])
    assert times_of(found)[1] == (0.72, 1.56)
    assert found[1].score < 0.5 < found[0].score


def test_a_text_of_which_nothing_is_said_is_passed_over_whole(tmp_path):
    recording = hear("abcabc", tmp_path / "log_probs")
    found, extras = align_text(recording, ["hhgg", "ghgh"])
    assert {s.reason for s in found} == {NOT_SPOKEN}
    assert [e.text for e in extras] == ["abcabc"]


def test_one_sentence_is_aligned_as_by_viterbi_on_the_ctc_graph():
    rng = np.random.default_rng(0)
    for _ in range(20):
        log_probs = rng.normal(0, 2, (30, 6)).astype(np.float32)
        ids = rng.integers(1, 6, rng.integers(1, 9)).tolist()
        graph = build_graph([ids], [1], Costs(unspoken=1e6))
        band = full_band(30, len(graph.labels))
        read = lambda a, b, log_probs=log_probs: log_probs[a:b]  # noqa: E731
        states = find_path(graph, read, log_probs[:, 0], band)
        labels = np.maximum(graph.labels[states], 0)
        expected = path_score(log_probs, align(log_probs, ids))
        assert path_score(log_probs, labels) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("cells", [1, 50, 1000])
def test_small_blocks_give_the_same_path(tmp_path, monkeypatch, cells):
    recording = hear("abc\nde fa\nhg\nca", tmp_path / "log_probs")
    texts = ["abc", "bb", "hg", "hh", "ca"]
    expected = align_text(recording, texts)
    monkeypatch.setattr(viterbi, "BLOCK_CELLS", cells)
    assert align_text(recording, texts) == expected


@pytest.mark.slow
def test_only_states_near_what_agrees_are_searched(tmp_path, monkeypatch):
    monkeypatch.setattr("hamzaban.align.anchors.MIN_CELLS", 1 << 10)
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("abcdefgh"), 12)) for _ in range(60)]
    spoken = [t for n, t in enumerate(texts) if n % 10 != 3]
    recording = hear("\n".join(spoken), tmp_path / "log_probs")
    sentences = spell(*texts)
    graph = build_graph([s.ids for s in sentences], [1] * 60, Costs())
    begins = np.flatnonzero(find_heard(recording.greedy, []))
    states = np.flatnonzero(graph.labels > 0)
    anchors = find_anchors(
        make_track(TOKENS, recording.greedy[begins].tolist(), begins.tolist()),
        make_track(TOKENS, graph.labels[states].tolist(), states.tolist()),
    )
    band = make_band(anchors, recording.num_frames, len(graph.labels))
    assert (band.high - band.low).mean() < 0.3 * len(graph.labels)
    narrow, _ = align_text(recording, texts, band=band)
    wide, _ = align_text(recording, texts)
    assert narrow == wide
    assert sum(s.reason == NOT_SPOKEN for s in narrow) == 6


def test_sound_before_the_next_sentence_belongs_to_the_one_that_ends():
    energy = np.full(300, -60.0, np.float32)
    energy[100:130] = energy[180:200] = energy[215:290] = -20
    # 0.5 s of silence at 1.3 s; another sentence begins at 2.15 s
    assert find_end(energy, 1.1, 1.2, 2.2, 2.15) == pytest.approx(2.0)
    assert find_end(energy, 1.1, 1.2, 2.2, 1.8) == pytest.approx(1.3)


def test_speech_ends_at_the_pause_after_it_and_not_at_a_stop_within():
    energy = np.full(300, -60.0, np.float32)
    energy[100:130] = energy[142:160] = -20  # a stop of 0.12 s at 1.3 s
    assert find_start(energy, 0.0, 1.1, 1.2) == pytest.approx(1.0)
    assert find_end(energy, 1.1, 1.2, 3.0, 3.0) == pytest.approx(1.6)


def test_without_a_pause_the_edge_is_where_the_power_is_lowest():
    energy = np.full(200, -20.0, np.float32)
    energy[97] = -24
    assert find_end(energy, 0.5, 0.8, 1.4, 1.4) == pytest.approx(0.97)
    assert find_start(energy, 0.8, 1.4, 1.6) == pytest.approx(0.97)


def test_words_come_back_as_the_user_wrote_them():
    found = split_words("وقال: «كِتابٌ، ۱۲»!", Normalizer("ar"))
    assert [raw for _, raw in found] == ["وقال:", "«كِتابٌ،", "۱۲»!"]
    assert " ".join(word for word, _ in found) == Normalizer("ar").normalize(
        "وقال: «كِتابٌ، ۱۲»!"
    )


def test_letters_that_the_model_lacks_are_left_out_and_counted():
    speller = Speller(TOKENIZER, Normalizer("general"))
    (found,) = speller.spell([("abz zz cd", "t:1")])
    assert [word.raw for word in found.words] == ["abz", "cd"]
    assert speller.lost == {"z": 3}


def test_a_mapping_spells_letters_that_the_model_lacks(tmp_path):
    (tmp_path / "m.yaml").write_text("letters:\n  z: h\n", encoding="utf-8")
    speller = Speller(TOKENIZER, Normalizer("general"), str(tmp_path / "m.yaml"))
    (found,) = speller.spell([("abz", "t:1")])
    assert TOKENIZER.ids2tokens(found.ids) == ["a", "b", "h"]
    assert found.words[0].raw == "abz"
    assert not speller.lost


FORMS = {
    "a.txt": "Eins. Zwei!\n\n drei \n",
    "a.srt": "1\n00:00:01,000 --> 00:00:02,000\nEins. Zwei!\n\n"
    "2\n00:00:02,000 --> 00:00:03,000\ndrei\n",
    "a.csv": 'id,sentence\n1,"Eins. Zwei!"\n2,drei\n',
    "a.jsonl": '{"text": "Eins. Zwei!"}\n{"text": "drei"}\n',
    "a.stm": "rec 1 spk 0.0 1.0 Eins. Zwei!\nrec 1 spk 1.0 2.0 drei\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_texts_are_read_in_any_form(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")
    found = read_sentences(tmp_path / name)
    assert [s.text for s in found] == ["Eins. Zwei!", "drei"]


def test_a_text_without_lines_is_split_into_sentences(tmp_path):
    text = " ".join(f"{'wort ' * 9}ende{n}؟" for n in range(5))
    (tmp_path / "a.txt").write_text(f"{text} {'ohne ' * 70}", encoding="utf-8")
    found = [s.text for s in read_sentences(tmp_path / "a.txt")]
    assert [len(text.split()) for text in found] == [10] * 5 + [30, 30, 10]


def test_two_recordings_in_an_stm_are_refused(tmp_path):
    (tmp_path / "a.stm").write_text("r1 1 s 0 1 a\nr2 1 s 0 1 b\n", encoding="utf-8")
    with pytest.raises(ValueError, match="2 recordings .*; divide the file"):
        read_sentences(tmp_path / "a.stm")


def test_a_table_without_text_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,x\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no column of text known; found id, x"):
        read_sentences(tmp_path / "a.csv")


@pytest.fixture
def written(tmp_path):
    """The folder of an alignment of four sentences; one is not said, one fits badly."""
    media = tmp_path / "a book ه.wav"
    soundfile.write(media, np.random.default_rng(0).normal(0, 0.1, 80000), 16000)
    texts = spell("Abc,  d!", "gg", "h ب", "ccc")
    sentences = (
        Aligned(texts[0], 0.5, 1.0, 0.9),
        Aligned(texts[1], reason=NOT_SPOKEN),
        Aligned(texts[2], 1.04, 2.0, 0.8),
        Aligned(texts[3], 4.0, 4.98, 0.01),
    )
    found = Alignment(media, 5.0, sentences, (Extra(2.5, 3.0, "ef"),))
    assert write_alignment(found, tmp_path / "out", 0.1) == 2
    return tmp_path / "out"


def test_a_data_directory_with_the_sentences_of_the_user_is_written(written):
    assert validate_data_dir(written)[0].num_errors == 0
    ids = ["a-book-ه-0000040-0000102", "a-book-ه-0000102-0000210"]
    assert list(read_scp(written / "text")) == [(ids[0], "Abc, d!"), (ids[1], "h ب")]
    segments = [rest.split() for _, rest in read_scp(written / "segments")]
    assert segments == [
        ["a-book-ه", "0.400", "1.020"],  # half of the pause of 40 ms between the two
        ["a-book-ه", "1.020", "2.100"],
    ]


def test_what_is_dropped_is_listed_with_the_reason(written):
    rows = (written / "dropped.tsv").read_text(encoding="utf-8").splitlines()
    assert [row.split("\t") for row in rows[1:]] == [
        ["text:2", "", NOT_SPOKEN, "gg"],
        ["text:4", "0.0100", "score below 0.1", "ccc"],
    ]
    extra = (written / "extra.tsv").read_text(encoding="utf-8").splitlines()
    assert extra[1:] == ["2.500\t3.000\tef"]


def test_the_json_has_every_sentence_and_its_raw_text(written):
    found = json.loads((written / "alignment.json").read_text(encoding="utf-8"))
    assert [s["text"] for s in found["sentences"]] == ["Abc,  d!", "gg", "h ب", "ccc"]
    assert ["utt_id" in s for s in found["sentences"]] == [True, False, True, False]
    assert found["extra"] == [{"start_s": 2.5, "end_s": 3.0, "heard": "ef"}]


def test_nothing_kept_is_an_error_and_the_reasons_are_written(tmp_path):
    media = tmp_path / "a.wav"
    soundfile.write(media, np.ones(1600), 16000)
    found = Alignment(media, 0.1, (Aligned(spell("ab")[0], reason=NOT_SPOKEN),), ())
    with pytest.raises(ValueError, match="none of 1 sentences has a score"):
        write_alignment(found, tmp_path / "out", 0.1)
    assert "not spoken" in (tmp_path / "out" / "dropped.tsv").read_text()
    assert not (tmp_path / "out" / "text").exists()


def score(heard, text, tmp_path):
    recording = hear(heard, tmp_path / "log_probs")
    return score_text(recording.read(0, recording.num_frames), spell(text)[0])


@pytest.mark.slow
def test_a_transcript_with_more_or_other_words_scores_lower(tmp_path):
    right = score("abc de", "abc de", tmp_path)
    assert right == pytest.approx(1, abs=0.01)
    for wrong in ("abc", "abc de fg", "abc ha", "hg"):
        assert score("abc de", wrong, tmp_path) < 0.7 * right
    assert score("", "abc" * 30, tmp_path) == 0  # too few frames
    assert score("abc", "ب", tmp_path) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m", "a.wav"], "1 of MEDIA and TEXT given"),
        (["m", "a.wav", "b.txt", "--check", "d"], "expected MODEL MEDIA TEXT, or"),
        (["m", "a.wav", "b.txt", "--min_score", "2"], "--min_score 2.0 found, .* 0..1"),
        (["m", "a.wav", "b.txt"], "m: no such experiment"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match=message):
        main([*words, "--output_dir", "out"])
    assert not Path("out").exists()


def test_a_stray_token_without_a_pause_belongs_to_the_sentence(tmp_path):
    recording = hear("abc\ndefa\nhg", tmp_path / "log_probs")
    found, extras = align_text(recording, ["abc", "def", "hg"])
    assert times_of(found)[1] == (0.72, 1.2)  # the sound of the last letter, too
    assert extras == []
