"""The explorer of the report: its data, and its work in a real browser."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from report_experiment import HYPS, REFS, add_decoding, make_experiment, write_text

from browser import Browser
from hamzaban.bin import make_report
from hamzaban.report.page import SCRIPTS, TEMPLATES
from hamzaban.report.parts import Parts
from hamzaban.report.results import Experiment, Rate, Row
from hamzaban.report.rows import read_decoded
from hamzaban.report.sound import NUM_PEAKS, encode_peaks, find_link, measure_sound
from hamzaban.report.views import choose_views
from hamzaban.report.vocabulary import count_training, count_words
from hamzaban.score.sclite import score_pairs
from hamzaban.score.trn import Pair

pytestmark = pytest.mark.slow

HOSTILE = "</script><img/src=x/onerror=alert(1)> <!--<script> \u2028 __proto__"
OPTIONS = ["--replicates", "200", "--num_worst", "1", "--max_sound_mb", "0"]
READY = "hamzabanReady.then(() => true)"
SETTLED = "new Promise(done => setTimeout(done, 400))"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """A recipe's folder: two decodings, of which the second has hostile words."""
    root = tmp_path_factory.mktemp("کاوش one")
    exp = make_experiment(root, "asr_a")
    better = {**HYPS, "s1-b": REFS["s1-b"], "s2-b": f"خوب {HOSTILE} است"}
    better["s1-a"] = REFS["s1-a"]
    better["s2-a"] = REFS["s2-a"]
    add_decoding(root, exp, "decode_lexicon", better)
    return root


def make_page(recipe, name, *words):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(recipe)
        output = f"exp/{name}.html"
        options = ["exp/asr_a", "--output", output, *OPTIONS, *words]
        assert make_report.main(options) == 0
    return recipe / output


@pytest.fixture(scope="module")
def page(recipe):
    """The report of a small set: one file."""
    return make_page(recipe, "report")


@pytest.fixture(scope="module")
def paged(recipe):
    """The report of what counts as a large set: data in files."""
    return make_page(recipe, "large", "--max_inline", "3")


def read_parts(page):
    """Return the parts in a page by name."""
    html = page.read_text("utf-8")
    found = re.findall(
        r'<script type="application/json" id="([^"]+)">(.*?)</script>', html, re.DOTALL
    )
    return {name.removeprefix("part-"): json.loads(text) for name, text in found}


def test_data_hold_every_utterance_of_every_decoding(page):
    parts = read_parts(page)
    views = parts["start"]["views"]
    assert [view["decoding"] for view in views] == ["decode_lexicon", "decode_greedy"]
    best, index = parts["v0-index"], parts["v1-index"]
    assert sorted(index["id"]) == sorted(REFS)
    place = index["id"].index("s1-b")
    assert [index[name][place] for name in ("sub", "del", "ins", "words")] == [
        2,
        1,
        0,
        6,
    ]
    assert (
        index["s"][place] == 1.1 and index["speakers"][index["speaker"][place]] == "s1"
    )
    assert index["confidence"] is None and set(best["confidence"]) == {0.8}
    assert parts["v1-text-0"][place] == [REFS["s1-b"], HYPS["s1-b"], "SCCDSC"]
    same = parts["v0-text-0"][best["id"].index("s1-b")]
    assert same[:3] == [REFS["s1-b"], 0, 0]
    assert same[3] == 0 and same[4][:4] == [10, 18, 20, 28]


def test_recordings_are_embedded_for_the_worst_and_linked_for_the_others(page, recipe):
    parts = read_parts(page)
    rows = parts["s0-sound-0"]
    names = [
        parts["v0-index"]["id"][parts["v0-index"]["sound"].index(n)] for n in range(4)
    ]
    found = dict(zip(names, rows, strict=True))
    worst = {names[n] for n, uri in enumerate(parts["s0-audio-0"]) if uri}
    assert worst == {"s2-b", "s2-a"}  # the worst of each decoding
    assert {name for name, row in found.items() if row[1] == 1} == worst
    assert found["s1-a"][1] == "./../dump/raw/test/s1-a.wav"
    assert all(len(peaks) == NUM_PEAKS for peaks, *_ in rows)
    assert "2 of 4 recordings of dump/raw/test are in this report" in page.read_text()


@pytest.mark.parametrize("max_inline", ["3000", "3"])
def test_all_recordings_are_in_the_report_if_they_fit(recipe, max_inline):
    words = ("--max_inline", max_inline, "--max_sound_mb", "1")
    page = make_page(recipe, f"whole{max_inline}", *words)
    html = page.read_text("utf-8")
    assert "All 4 recordings of dump/raw/test are in this report (about 0.1 MB)" in html
    (audio,) = (
        [read_parts(page)["s0-audio-0"]]
        if max_inline == "3000"
        else [
            json.loads(path.read_text("utf-8").partition(",")[2].rstrip(");\n"))
            for path in page.with_name(f"{page.stem}_files").rglob("s0-audio-0.js")
        ]
    )
    assert len(audio) == 4
    assert all(uri.startswith("data:audio/ogg;base64,") for uri in audio)


def test_headline_and_errors_are_of_the_same_decoding(page):
    html = page.read_text("utf-8")
    shown = re.findall(r'data-view="(v\d)"( hidden)?', html)
    assert {key for key, hidden in shown if not hidden} == {"v0"}
    assert {key for key, hidden in shown if hidden} == {"v1"}
    tiles = html[html.index('class="tiles" data-view="v0"') :]
    assert tiles.index("WER, decode_lexicon, test") < tiles.index('data-view="v1"')
    assert "Errors on test, decode_lexicon" in html


def test_hostile_words_stay_text(page, paged):
    for path in (page, *paged.with_name("large_files").rglob("*.js")):
        text = path.read_text("utf-8")
        assert "<img" not in text and "</script><img" not in text
        assert "\u2028" not in text
    texts = [row[1] for row in read_parts(page)["v0-text-0"]]
    assert any(
        text and "</script><img/src=x/onerror=alert(1)>" in text for text in texts
    )
    program = "".join((TEMPLATES / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    banned = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
    assert [word for word in banned if word in program] == []
    assert not re.search(
        r"\bfetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/2000)", program
    )


def test_large_sets_are_paged_and_old_files_go_once_the_page_is_there(recipe, paged):
    folder = paged.with_name("large_files")
    (made,) = folder.iterdir()
    assert f'"folder":"large_files/{made.name}"' in paged.read_text("utf-8")
    names = {path.name for path in made.iterdir()}
    assert {"v0-index.js", "v0-text-0.js", "v1-words.js", "s0-sound-0.js"} <= names
    assert "part-v0" not in paged.read_text("utf-8")
    other = make_page(recipe, "other", "--max_inline", "3")
    kept = other.with_name("other_files")
    make_page(recipe, "other", "--max_inline", "3", "--num_worst", "0")
    assert len(list(kept.iterdir())) == 1
    make_page(recipe, "other")
    assert not kept.exists() and folder.exists()


def test_a_failed_report_leaves_the_page_and_its_files(tmp_path):
    old = tmp_path / "page_files" / "0123"
    old.mkdir(parents=True)
    with pytest.raises(KeyError), Parts(tmp_path / "page.html", 1) as parts:
        parts.choose_place(2)
        parts.add("a", [1])
        raise KeyError
    assert list((tmp_path / "page_files").iterdir()) == [old]


def test_outline_shows_where_a_recording_is_loud(tmp_path):
    speech = np.concatenate([np.zeros(8000), 0.5 * np.ones(8000)])
    soundfile.write(tmp_path / "a.wav", speech, 16000)
    sound = measure_sound(str(tmp_path / "a.wav"))
    quiet, loud = sound.peaks[: NUM_PEAKS // 2 - 4], sound.peaks[NUM_PEAKS // 2 + 4 :]
    assert set(quiet) == {"A"} and set(loud) == {"/"}
    assert sound.duration_s == 1.0 and sound.level_db == pytest.approx(-9.03, abs=0.1)
    assert len(encode_peaks(np.array([0.0]))) == NUM_PEAKS
    (tmp_path / "b c#.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    assert (
        find_link(str(tmp_path / "b c#.wav"), tmp_path / "exp") == "./../b%20c%23.wav"
    )
    assert find_link("sox a.wav -t wav - |", tmp_path) == ""
    assert find_link(str(tmp_path / "none.wav"), tmp_path) == ""


def test_words_are_counted_and_those_that_training_lacks(tmp_path):
    pairs = [Pair("(s-1)", ["a", "b", "a"], ["a", "c"]), Pair("(s-2)", ["b"], ["b"])]
    refs, missed, false = count_words(score_pairs(pairs))
    assert refs == {"a": 2, "b": 2} and missed.total() == 2 and false == {"c": 1}
    write_text(tmp_path / "text", {"u1": "a A كتاباً", "u2": "a"})
    assert count_training([tmp_path / "text"], "none/1")["a"] == 3
    assert count_training([], "none/1") is None


def test_training_words_are_normalized_as_the_scores_were(tmp_path):
    from hamzaban.text.normalizer import get_normalizer

    write_text(tmp_path / "text", {"u1": "كتاباً"})
    counts = count_training([tmp_path / "text"], get_normalizer("ar", "score").id)
    assert counts == {get_normalizer("ar", "score").normalize("كتاباً"): 1}
    for lang, profile in (("ar", "score"), ("fa", "peste-fa-v1"), ("ur", "mms")):
        made = get_normalizer(lang, profile)
        suffix = "+unit+no_spaces+case_kept"
        counts = count_training([tmp_path / "text"], made.id + suffix)
        assert counts == {made.normalize("كتاباً"): 1}


def test_a_set_with_segments_or_bad_values_is_named(recipe, tmp_path, monkeypatch):
    shutil.copytree(recipe, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    (tmp_path / "copy/dump/raw/test/segments").write_text("a b 0 1\n")
    path = make_page(tmp_path / "copy", "report")
    assert "segments: found, expected one audio file" in path.read_text("utf-8")
    decoded = tmp_path / "copy/exp/asr_a/decode_lexicon/test"
    confidence = decoded / "confidence"
    confidence.write_text("s1-a high\n")
    with pytest.raises(ValueError, match="'high' of s1-a found, expected a log-post"):
        make_page(tmp_path / "copy", "report")
    confidence.unlink()
    (decoded / "ctm").write_text("s1-a 1 0.1 -0.2 {a 0.9\n")
    with pytest.raises(ValueError, match=r"ctm:1: '1 0.1 -0.2 .a 0.9' found, expected"):
        make_page(tmp_path / "copy", "report")


def test_words_of_hypotheses_may_hold_what_sclite_takes_for_notation(tmp_path):
    (tmp_path / "ctm").write_text("u 1 0.1 0.2 {a/b} 0.9\nu 1 0.3 0.1 <ALT> 1\n")
    words = read_decoded(tmp_path).words["u"]
    assert [word.word for word in words] == ["{a/b}", "<ALT>"]
    assert words[1].end_s == pytest.approx(0.4)


def test_first_view_is_the_best_decoding_of_a_test_set():
    def row(inference, dataset, errors, normalizer="ar-score/1:x"):
        rates = {"wer": Rate(errors / 10, None, (0.0, 0.0, 0.0), 10)}
        experiment = Experiment("A", Path("exp"))
        return Row(experiment, inference, dataset, normalizer, 1, "utterance", rates)

    rows = [
        row("greedy", "org/valid", 1),
        row("greedy", "test", 5),
        row("greedy", "test", 2, "raw"),
        row("lexicon", "test", 3),
    ]
    views = choose_views(rows)
    assert list(views) == ["test", "org/valid"]
    assert [found.inference for found in views["test"]] == ["lexicon", "greedy"]
    assert {found.normalizer for found in views["test"]} == {"ar-score/1:x"}


TEXTS = "[...document.querySelectorAll('#rows .line')].map(e => e.textContent)"
NAMES = "[...document.querySelectorAll('#rows .toggle')].map(e => e.textContent)"


def type_in(browser, element, value):
    browser.run(
        f"{element}.value = {json.dumps(value)};"
        f"{element}.dispatchEvent(new Event('input')); {SETTLED}"
    )


@pytest.mark.needs("browser")
def test_halves_are_rounded_as_in_the_tables_of_results(page):
    numbers = [6.25, 6.35, 0.05, 12.5, 8.75, 100.0, 0.0, 33.333]
    with Browser() as browser:
        browser.open(page)
        assert browser.run(READY)
        code = (TEMPLATES / "data.js").read_text(encoding="utf-8")
        call = f"return {numbers}.map((x) => toFixed(x, 1));"
        found = browser.run(f"(() => {{ {code}\n{call} }})()")
    assert found == [f"{number:.1f}" for number in numbers]


@pytest.mark.needs("browser")
@pytest.mark.parametrize("kind", ["page", "paged"])
def test_explorer_orders_filters_and_searches(kind, request):
    path = request.getfixturevalue(kind)
    with Browser() as browser:
        browser.open(path)
        assert browser.run(READY)
        assert browser.run(NAMES)[0] == "s2-b"
        browser.run("document.querySelector('#head [data-key=s] button').click()")
        browser.run(SETTLED)
        assert browser.run(NAMES) == ["s2-b", "s2-a", "s1-b", "s1-a"]
        head = "document.querySelector('#head [data-key=s]').ariaSort"
        assert browser.run(head) == "descending"
        box = "document.querySelector('[data-key=words] .limits input')"
        type_in(browser, box, "6")
        assert browser.run(NAMES) == ["s1-b", "s1-a"]
        browser.run(f"document.getElementById('clear').click(); {SETTLED}")
        type_in(browser, "document.getElementById('query')", "تهران")
        assert browser.run(NAMES) == ["s1-b"]
        type_in(browser, "document.getElementById('query')", '"تهر"')
        assert browser.run(NAMES) == []
        found = browser.run("document.getElementById('found').textContent")
        assert found.startswith("No utterance matches")
        type_in(browser, "document.getElementById('query')", "")
        speaker = "document.getElementById('speaker')"
        browser.run(
            f"{speaker}.value = 's2'; {speaker}.dispatchEvent(new Event('change'))"
        )
        browser.run(SETTLED)
        assert sorted(browser.run(NAMES)) == ["s2-a", "s2-b"]
    assert browser.errors == []


@pytest.mark.needs("browser")
def test_choice_of_decoding_switches_headline_errors_and_table(page):
    shown = "[...document.querySelectorAll('[data-view]')].filter(e => !e.hidden)"
    select = "document.getElementById('decoding')"
    with Browser() as browser:
        browser.open(page)
        browser.run(READY)
        assert set(browser.run(f"{shown}.map(e => e.dataset.view)")) == {"v0"}
        browser.run(
            f"{select}.value = 'v1'; {select}.dispatchEvent(new Event('change'))"
        )
        browser.run(SETTLED)
        assert set(browser.run(f"{shown}.map(e => e.dataset.view)")) == {"v1"}
        tiles = browser.run(f"{shown}[0].textContent")
        assert "decode_greedy" in tiles and "50.0" in tiles
        found = browser.run("document.getElementById('found').textContent")
        assert "9 errors in 18 words: WER 50.0" in found
    assert browser.errors == []


@pytest.mark.needs("browser")
def test_hostile_words_are_shown_as_text_in_a_browser(page, paged):
    for path in (page, paged):
        with Browser() as browser:
            browser.open(path)
            browser.run(READY)
            browser.run(f"document.querySelector('.toggle').click(); {SETTLED}")
            assert "</script><img/src=x/onerror=alert(1)>" in browser.run(TEXTS)[0]
            assert browser.run("document.querySelectorAll('img, iframe').length") == 0
        asked = {url.partition(":")[0] for url in browser.requests}
        assert asked <= {"file", "data"} and browser.errors == []


@pytest.mark.needs("browser")
def test_utterance_opens_with_words_at_their_times_and_right_to_left(page):
    opened = "document.querySelector('tr.detail:not([hidden])')"
    with Browser() as browser:
        browser.open(page)
        browser.run(READY)
        script = "[...document.querySelectorAll('.toggle')].find(e => e.textContent =="
        browser.run(f"{script} 's1-b').click(); {SETTLED}")
        columns = f"[...{opened}.querySelectorAll('.align .col')]"
        places = browser.run(f"{columns}.map(e => e.getBoundingClientRect().x)")
        assert places[0] > places[1] > places[2]  # the first word stands right
        times = f"[...{opened}.querySelectorAll('.outline .span')]"
        lefts = browser.run(f"{times}.map(e => e.getBoundingClientRect().x)")
        assert lefts == sorted(lefts) and len(lefts) == 6  # time runs to the right
        seconds = browser.run(
            f"new Promise(done => {{ const a = {opened}.querySelector('audio');"
            "const tell = () => done(a.duration); a.onerror = () => done(0);"
            "a.readyState ? tell() : (a.onloadedmetadata = tell); })"
        )
        assert seconds == pytest.approx(1.1, abs=0.05)  # linked by a relative path
        label = f"{opened}.querySelector('.word').textContent"
        assert browser.run(label) == REFS["s1-b"].split()[0]
        direction = f"getComputedStyle({opened}.querySelector('.align')).direction"
        assert browser.run(direction) == "rtl"
    assert browser.errors == []


@pytest.mark.needs("browser")
def test_explorer_works_by_keyboard_and_fits_a_phone(page):
    def press(key):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    with Browser() as browser:
        for width in (1280, 390):
            browser.open(page, width)
            browser.run(READY)
            browser.run("document.querySelector('.toggle').focus()")
            press("ArrowDown")
            name = browser.run("document.activeElement.textContent")
            assert name == browser.run(NAMES)[1]
            browser.run(f"document.activeElement.click(); {SETTLED}")
            assert browser.run("document.activeElement.ariaExpanded") == "true"
            assert browser.run("document.documentElement.scrollWidth") <= width
            cut = browser.run(
                "[...document.querySelectorAll('table.cards, #utterances')].filter("
                "e => !e.closest('[hidden]') && e.scrollWidth > e.parentElement"
                ".clientWidth + 1).length"
            )
            assert cut == 0, "a table is cut"
            unnamed = browser.run(
                "[...document.querySelectorAll('input, select, button')].filter(e =>"
                "!e.labels?.length && !e.ariaLabel && !e.textContent.trim()).length"
            )
            assert unnamed == 0
    assert browser.errors == []


@pytest.mark.needs("browser")
def test_a_word_of_the_vocabulary_leads_to_its_utterances(page):
    words = "[...document.querySelectorAll('#word-rows .link')]"
    with Browser() as browser:
        browser.open(page)
        browser.run(READY)
        type_in(browser, "document.getElementById('word-query')", "زی")
        assert browser.run(f"{words}.map(e => e.textContent)") == ["زیبا"]
        browser.run(f"{words}[0].click(); {SETTLED}")
        assert browser.run(NAMES) == ["s1-b"]
        assert browser.run("document.getElementById('query').value") == '"زیبا"'
    assert browser.errors == []


@pytest.mark.needs("browser")
def test_a_page_without_its_folder_says_what_is_missing(paged, tmp_path):
    shutil.copy(paged, tmp_path / "moved.html")
    with Browser() as browser:
        browser.open(tmp_path / "moved.html")
        browser.run(READY)
        found = browser.run("document.getElementById('found').textContent")
    assert "is not there: keep the folder large_files beside this page" in found


@pytest.mark.needs("browser")
def test_a_set_without_errors_has_no_empty_tables(tmp_path):
    exp = make_experiment(tmp_path, "asr_a")
    shutil.rmtree(exp / "decode_greedy" / "test")
    add_decoding(tmp_path, exp, "decode_greedy", REFS)
    path = make_page(tmp_path, "report")
    assert "No error: all words were recognized." in path.read_text("utf-8")
    empty = (
        "[...document.querySelectorAll('tbody')].filter(e => !e.closest('[hidden]')"
        " && !e.rows.length).map(e => e.parentElement.outerHTML)"
    )
    with Browser() as browser:
        browser.open(path)
        browser.run(READY)
        assert browser.run(empty) == []
        assert browser.run("document.getElementById('found').textContent").endswith(
            "0 errors in 18 words: WER 0.0 %"
        )
    assert browser.errors == []
