"""The verb make-report: the content of the page, and the page in a real browser."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from report_experiment import make_experiment, make_rounds

from browser import Browser
from hamzaban.bin import make_report, show_results
from hamzaban.report.chart import Chart, Series, draw_chart, nice_ticks
from hamzaban.report.curves import write_picture
from hamzaban.report.epochs import read_epochs
from hamzaban.report.lineage import list_commands
from hamzaban.report.page import compute_direction, format_clock, show_invisible
from hamzaban.report.rounds import read_rounds
from hamzaban.report.sweeps import read_sweeps

pytestmark = pytest.mark.slow

OPTIONS = ["--output", "exp/report.html", "--replicates", "200"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """A recipe's folder with two experiments."""
    root = tmp_path_factory.mktemp("گزارش one")
    make_experiment(root, "asr_a")
    make_experiment(root, "asr_b", better=True)
    make_rounds(root / "exp" / "pseudo_a")
    return root


@pytest.fixture(scope="module")
def page(recipe):
    """The report of both experiments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(recipe)
        assert make_report.main(["exp/asr_a", "exp/asr_b", *OPTIONS]) == 0
    return recipe / "exp" / "report.html"


def text_of(page):
    """Return the text of a page with single spaces."""
    parts = []

    class Reader(HTMLParser):
        def handle_data(self, data):
            parts.append(data)

    Reader().feed(page.read_text("utf-8"))
    return " ".join(" ".join(parts).split())


def test_page_shows_results_with_intervals_and_normalizer(page):
    text = text_of(page)
    first = r"A decode_greedy test, fa-score/1:abc 50\.0 \d+\.\d to \d+\.\d"
    assert re.search(first, text)
    assert re.search(r"B decode_greedy test, fa-score/1:abc 33\.3", text)
    assert text.count("fa-score/1:abc") == 3
    assert "no clear difference" in text and "MAPSSWE" in text


def test_page_shows_errors_data_commands_and_versions(page):
    text = text_of(page)
    assert "word errors differ in spaces and ZWNJ only" in text
    assert "foreign 2 0 1 0 50.0" in text
    assert "dump/raw/train train 4 2 0.00 1.1 18 17" in text
    train = "train, 2026-11-20T08:00:00, 1 h 2 min 5 s, Hamzaban 0.1.0"
    assert text.index("audio, 2026-11-20T08:00:00") < text.index(train)
    assert "hamzaban train-asr --asr_args 'a b'" in text
    assert "hamzaban other" not in text
    assert "hamzaban version hamzaban 0.1.0" in text


def test_page_shows_the_sweep_of_weights(page):
    text = text_of(page)
    assert "lowest WER 28 % at LM weight 0, word score 2, beam 50" in text
    assert "WER on valid, %, beam 50" in text and "All 4 points" in text


def test_page_shows_rounds_of_pseudo_labels(page):
    text = text_of(page)
    assert "Rounds of pseudo-labels pseudo_a no round since 1 was <better>." in text
    head = "Round Kept Kept, share Disagreement Churn WER %, decode_target/test"
    rows = "0 40 0.400 0.512 – 50.0 1 55 0.550 0.250 0.300 33.3"
    assert f"{head} {rows} The best round is in bold." in text
    hours = "decode_target/test: WER 33.3 %: equals 4.65 labelled hours (between 1 and"
    assert hours in text
    html = page.read_text("utf-8")
    assert html.count('<img src="data:image/png;base64,iVBOR') == 2
    assert html.count('<td class="best">') == 6


def test_rounds_elsewhere_are_given_and_must_be_there(recipe, tmp_path, caplog):
    other = make_rounds(tmp_path / "ar_ur")
    (other / "hours.tsv").unlink()
    (other / "round_1" / "decode_target").rename(tmp_path / "away")
    (tmp_path / "pseudo_new").mkdir()
    given = [other, recipe / "exp/pseudo_a"]
    found = read_rounds(given, recipe / "exp")
    assert [rounds.name for rounds in found] == ["ar_ur", "pseudo_a"]
    assert found[0].rows[1][-1] == "–" and found[0].hours_picture == ""
    assert read_rounds([], tmp_path) == []
    assert "pseudo_new: no round is judged yet" in caplog.text
    with pytest.raises(FileNotFoundError, match="pseudo_new/rounds.tsv: missing"):
        read_rounds([tmp_path / "pseudo_new"], tmp_path)


def test_a_sweep_of_another_form_is_an_error(tmp_path):
    (tmp_path / "tune.tsv").write_text("lm_weight\twer\n1\t2\n")
    with pytest.raises(ValueError, match="columns are lm_weight, wer, expected"):
        read_sweeps(tmp_path)


def test_page_of_a_small_set_is_one_file(page):
    html = page.read_text("utf-8")
    assert "\\u003cb\\u003e\\u0026" in html and "<b>&" not in html
    links = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert {link[:5] for link in links if not link.startswith("#")} == {"data:"}
    assert not page.with_name("report_files").exists()


def test_picture_of_the_curves_is_written(page):
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.needs("browser")
def test_page_in_a_browser(page, tmp_path):
    style = "[...document.querySelectorAll('{}')].map(e => getComputedStyle(e).{})"
    with Browser() as browser:
        colours = set()
        for width in (1280, 390):
            for dark in (False, True):
                browser.open(page, width, dark=dark)
                found = browser.run("document.documentElement.scrollWidth")
                assert found <= width, "the page is wider than the window"
                colours.add(browser.run("getComputedStyle(document.body).color"))
        assert set(browser.run(style.format("td.text", "direction"))) == {"rtl"}
        assert set(browser.run(style.format("th", "direction"))) == {"ltr"}
        strokes = browser.run(style.format("polyline", "stroke"))
        assert len(set(strokes)) >= 2 and "none" not in strokes
        lacking = browser.run(
            "[...document.querySelectorAll('nav a')]"
            ".filter(a => !document.querySelector(a.hash)).length"
        )
        assert lacking == 0
    assert len(colours) == 2
    assert browser.errors == []
    asked = {url for url in browser.requests if not url.startswith("data:")}
    assert asked == {page.resolve().as_uri()}


def test_missing_audio_is_named(recipe, monkeypatch):
    monkeypatch.chdir(recipe)
    words = ["exp/asr_a", "--output", "exp/none.html", "--raw_dir", "nowhere"]
    assert make_report.main([*words, "--replicates", "200"]) == 0
    html = (recipe / "exp" / "none.html").read_text("utf-8")
    assert "nowhere/test is not there: no audio" in html and "part-s0" not in html


def test_an_experiment_without_scores_is_an_error(recipe, monkeypatch):
    monkeypatch.chdir(recipe)
    with pytest.raises(FileNotFoundError, match="score a decoded set first"):
        make_report.main(["dump", *OPTIONS])


def test_results_link_to_the_report(recipe, monkeypatch):
    monkeypatch.chdir(recipe)
    words = ["exp/asr_a", "--output", "exp/asr_a/RESULTS.md"]
    assert show_results.main([*words, "--report", "exp/report.html"]) == 0
    text = (recipe / "exp/asr_a/RESULTS.md").read_text("utf-8")
    assert "[../report.html](../report.html)" in text


def test_the_last_run_of_a_repeated_epoch_counts(recipe):
    epochs = read_epochs(recipe / "exp/asr_a/train.log")
    assert epochs.get("valid", "wer") == {1: 1.0, 2: 0.25, 3: 1 / 3, 4: 0.25}
    assert epochs.get("train", "loss")[1] == 90.0
    assert epochs.get("train", "time") == {} and epochs.get("test", "loss") == {}


def test_commands_of_inputs_are_found_oldest_first(recipe, monkeypatch):
    monkeypatch.chdir(recipe)
    commands = list_commands(["exp", "dump"], ["exp/asr_a"])
    assert [command.step for command in commands] == ["audio", "train"]
    assert list_commands(["exp", "dump"], ["data"]) == []


def test_chart_places_points_by_value():
    points = {1: 0.0, 2: 50.0, 3: 100.0}
    svg = ElementTree.fromstring(draw_chart(Chart("a<b", [Series("x & y", points)])))
    circles = svg.findall("circle")
    ups = [float(circle.get("cy")) for circle in circles]
    assert ups[0] - ups[1] == pytest.approx(ups[1] - ups[2], abs=0.2)
    assert circles[2].find("title").text == "x & y, epoch 3: 100"
    labels = [text.text for text in svg.findall("text")]
    assert labels == ["0", "20", "40", "60", "80", "100", "1", "2", "3", "epoch"]


def test_chart_is_drawn_with_odd_values():
    odd = {1: float("nan"), 2: float("inf"), 3: 1e-5, 4: 1e3}
    assert draw_chart(Chart("a", [Series("x", odd)])).count("<circle") == 2
    svg = draw_chart(Chart("a", [Series("x", {**odd, 5: 0.0})], logarithmic=True))
    assert svg.count("<circle") == 2 and ">1e-4<" in svg
    assert draw_chart(Chart("a", [Series("x", {1: 3.0})])).count("<circle") == 1
    with pytest.raises(ValueError, match="no point"):
        draw_chart(Chart("a", [Series("x", {1: float("nan")})]))
    assert nice_ticks(0, 0.003) == [0, 0.001, 0.002, 0.003]


def test_right_to_left_names_are_joined_in_pictures(tmp_path):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    renderer = FigureCanvasAgg(Figure()).get_renderer()
    figure = Figure()
    joined, apart = (
        figure.text(0, 0, text).get_window_extent(renderer).width
        for text in ("ببب", "ب\u200cب\u200cب")
    )
    assert joined < 0.8 * apart
    chart = Chart("y", [Series("A", {1: 1.0, 2: 2.0})] * 2)
    write_picture([chart, chart], {"A": "گزارش"}, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_directions_durations_and_invisible_tokens():
    assert compute_direction([["سلام", "ok"]]) == "rtl"
    assert compute_direction([["ok", "ok", "دو"]]) == "ltr"
    assert [format_clock(s) for s in (0.14, 59.96, 3600, None)] == [
        *("0.1 s", "1 min 0 s", "1 h 0 s", "–")
    ]
    assert show_invisible("<space>") == "space"
    assert show_invisible("\u200c") == "zero width non-joiner"
    assert show_invisible("\u0651") == "◌\u0651"
    assert show_invisible("می\u200cروم") == "می\u200cروم"
