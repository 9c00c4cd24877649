"""What needs no model: subtitles, formats, joining of emissions, names of outputs."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamzaban.decode.path import collapse, greedy_path
from hamzaban.transcribe.cues import CueOptions, isolate, make_cues, wrap
from hamzaban.transcribe.formats import FORMATS, check_formats, format_transcript
from hamzaban.transcribe.jobs import name_outputs
from hamzaban.transcribe.joining import Emission, join_all
from hamzaban.transcribe.transcribe_options import TranscribeOptions
from hamzaban.transcribe.transcript import Segment, TimedWord, Transcript


def make_words(texts, *, gap_s=0.1, start_s=0.0):
    words = []
    for text in texts:
        words.append(TimedWord(text, start_s, start_s + 0.4, 0.5))
        start_s += 0.4 + gap_s
    return words


def make_transcript(*segments, duration_s=100.0):
    made = tuple(
        Segment(words[0].start_s, words[-1].end_s, tuple(words)) for words in segments
    )
    return Transcript("talks/my talk.mp3", made, duration_s, 5.0)


def render(form, transcript, **options):
    return "".join(format_transcript(transcript, form, CueOptions(**options)))


WORDS = st.lists(
    st.tuples(
        st.text("abcdسلام", min_size=1, max_size=60),
        st.floats(0, 3),
        st.floats(0.02, 2),
    ),
    max_size=40,
)


@given(WORDS, st.integers(5, 60), st.integers(1, 3))
def test_subtitles_keep_all_words_in_their_limits(found, max_chars, max_lines):
    words, at_s = [], 0.0
    for text, gap_s, length_s in found:
        words.append(TimedWord(text, at_s + gap_s, at_s + gap_s + length_s, 1.0))
        at_s += gap_s + length_s
    options = CueOptions(max_chars=max_chars, max_lines=max_lines)
    cues = make_cues(words, options)
    lines = [line for cue in cues for line in cue.lines]
    assert " ".join(lines).split() == [word.text for word in words]
    assert all(len(line) <= max_chars or " " not in line for line in lines)
    assert all(len(cue.lines) <= max_lines for cue in cues)
    ends = [0.0, *(cue.end_s for cue in cues)]
    assert all(end <= cue.start_s for end, cue in zip(ends, cues, strict=False))


def test_subtitles_end_at_a_long_pause_and_stay_readable():
    words = [*make_words(["one", "two"]), *make_words(["three"], start_s=9.0)]
    first, second = make_cues(words, CueOptions())
    assert (first.lines, second.lines) == (("one two",), ("three",))
    assert second.end_s == 10.0  # shown for a second, longer than it is heard
    assert wrap(["aaaa", "bb", "cc", "dd"], 11) == ["aaaa bb", "cc dd"]


def test_right_to_left_lines_are_isolated_in_subtitles():
    assert isolate("سلام abc") == "\u2067سلام abc\u2069"
    assert isolate("3 سلام") == "\u20673 سلام\u2069"
    assert isolate("abc سلام") == "abc سلام"
    transcript = make_transcript(make_words(["سلام", "دنیا"]))
    for form in ("srt", "vtt"):
        assert "\u2067سلام دنیا\u2069\n" in render(form, transcript)
    assert "\u2067" not in render("txt", transcript)


def test_each_format_has_all_words_and_times():
    transcript = make_transcript(
        make_words(["سلام", "<b>"], start_s=3600.5), make_words(['a"b'], start_s=3605)
    )
    found = {form: render(form, transcript) for form in FORMATS}
    assert found["txt"] == 'سلام <b>\na"b\n'
    assert found["srt"].startswith("1\n01:00:00,500 --> 01:00:01,500\n")
    assert found["vtt"].startswith("WEBVTT\n\n01:00:00.500 --> ")
    assert "&lt;b&gt;" in found["vtt"]
    assert found["ctm"].splitlines()[0] == "my_talk 1 3600.50 0.40 سلام 0.5000"
    assert found["tsv"].splitlines()[1] == "3600500\t3601400\tسلام <b>"
    values = json.loads(found["json"])
    assert values["segments"][0]["words"][1] == {
        "text": "<b>",
        "start_s": 3601.0,
        "end_s": 3601.4,
        "confidence": 0.5,
    }


@pytest.mark.slow
@given(WORDS)
def test_intervals_of_a_textgrid_cover_the_recording(found):
    words, at_s = [], 0.0
    for text, gap_s, length_s in found:
        words.append(TimedWord(text, at_s + gap_s, at_s + gap_s + length_s, 1.0))
        at_s += gap_s + length_s
    segments = [words] if words else []
    text = render("TextGrid", make_transcript(*segments, duration_s=at_s))
    tiers = text.split("item [")[2:]
    last = re.search(r"\nxmax = (\S+)", text)[1]
    for tier in tiers:
        bounds = re.findall(r" {12}xmin = (\S+)\n {12}xmax = (\S+)", tier)
        assert (bounds[0][0], bounds[-1][1]) == ("0.000", last)
        assert all(float(low) < float(high) for low, high in bounds)
        assert [high for _, high in bounds[:-1]] == [low for low, _ in bounds[1:]]
    spoken = [name for name in re.findall(r'text = "(.*)"', tiers[1]) if name]
    assert spoken == [word.text for word in words]


def test_unknown_format_is_named():
    with pytest.raises(ValueError, match=r"--format 'doc' found; known: txt, srt"):
        check_formats(["srt", "doc"])
    with pytest.raises(ValueError, match="known: txt"):
        check_formats([])


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match="--max_duration_s"):
        TranscribeOptions(max_duration_s=0.5)
    with pytest.raises(ValueError, match="--max_chars"):
        CueOptions(max_chars=0)


def make_emission(tokens, num_frames, start, stop):
    """Return frames start..stop of a recording with a token at every tenth frame."""
    log_probs = np.full((num_frames, 9), -20.0, np.float32)
    log_probs[:, 0] = -0.01
    for i, token in enumerate(tokens):
        log_probs[10 * i + 4] = -20.0
        log_probs[10 * i + 4, token] = -0.01
    return Emission(start, log_probs[start:stop])


@pytest.mark.slow
@given(st.lists(st.integers(1, 8), min_size=30, max_size=60), st.data())
def test_overlapping_pieces_join_without_lost_or_doubled_tokens(tokens, data):
    total = 10 * len(tokens)
    bounds = [0, *sorted(data.draw(st.sets(st.integers(60, total - 60), max_size=3)))]
    bounds = [b for i, b in enumerate(bounds) if i == 0 or b - bounds[i - 1] >= 60]
    ends = [*bounds[1:], total]
    pieces = [
        make_emission(tokens, total, max(low - 25, 0), min(high + 25, total))
        for low, high in zip(bounds, ends, strict=True)
    ]
    (joined,) = join_all((i > 0, piece) for i, piece in enumerate(pieces))
    assert joined.start == 0
    assert collapse(greedy_path(joined.log_probs)) == collapse(
        greedy_path(make_emission(tokens, total, 0, total).log_probs)
    )


def test_speech_after_a_pause_is_not_joined():
    pieces = [make_emission([1, 2, 3], 30, 0, 30), Emission(90, np.zeros((5, 9)))]
    found = list(join_all((False, piece) for piece in pieces))
    assert [each.start for each in found] == [0, 90]


def test_joined_emissions_are_bounded_and_keep_all_tokens(monkeypatch):
    monkeypatch.setattr("hamzaban.transcribe.joining.MAX_JOINED_FRAMES", 100)
    tokens = [1 + i % 8 for i in range(60)]
    pieces = [
        make_emission(tokens, 600, max(at - 25, 0), min(at + 85, 600))
        for at in range(0, 600, 60)
    ]
    found = list(join_all((i > 0, piece) for i, piece in enumerate(pieces)))
    assert max(len(each.log_probs) for each in found) < 260
    spelled = [collapse(greedy_path(each.log_probs)) for each in found]
    assert [token for part in spelled for token in part] == tokens


def test_outputs_of_different_files_have_different_names():
    paths = ["a/talk.mp3", "b/talk.mp3", "b/Film.mkv", "c/film.mp4", "one.wav"]
    names = name_outputs(paths)
    assert len({name.casefold() for name in names}) == len(paths)
    assert names[2:] == ["Film.mkv", "film.mp4", "one"]
    assert all(re.fullmatch(r"talk\.mp3-[0-9a-f]{8}", name) for name in names[:2])
