"""The page of the service in a real browser, with a file and a microphone."""

import time

import pytest
import soundfile
from mine_media import FS, read_speech, write_media
from serve_loud import Server

from browser import TIMEOUT_S, Browser
from hamzaban.serve.page import render_page
from hamzaban.serve.serve_options import ServeOptions

pytestmark = [pytest.mark.slow, pytest.mark.needs("browser")]

STATUS = "document.getElementById('status').textContent"
WORDS = "[...document.querySelectorAll('#words .word')]"
SHOWN = "(id => !document.getElementById(id).closest('[hidden]'))"
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def speech():
    return read_speech("spk01", 10.0, gap_s=0.8)


@pytest.fixture(scope="module")
def talk(speech, tmp_path_factory):
    return write_media(tmp_path_factory.mktemp("talk") / "گفتار one.flac", speech)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "server"
    with Server(folder, "--max_upload_mb", 1) as found:
        yield found


@pytest.fixture(scope="module")
def browser(speech, tmp_path_factory):
    path = tmp_path_factory.mktemp("microphone") / "speech.wav"
    soundfile.write(path, speech, FS)
    options = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with Browser(*options, f"--use-file-for-fake-audio-capture={path}") as found:
        yield found


@pytest.fixture(params=[1280, 390])
def page(request, browser, server):
    browser.errors.clear()
    browser.requests.clear()
    dark = request.param < 600
    browser.open(f"http://127.0.0.1:{server.port}/", width=request.param, dark=dark)
    return browser


def wait_for(page, script):
    deadline = time.monotonic() + TIMEOUT_S
    while not page.run(script):
        assert time.monotonic() < deadline, page.run("document.body.innerText")
        time.sleep(0.05)


def upload(page, path):
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    page.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)


def press(page, key):
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)


def test_words_of_a_file_appear_and_can_be_heard(page, talk, server):
    assert page.run(f"!{SHOWN}('result')")
    upload(page, talk)
    wait_for(page, f"{STATUS}.startsWith('Done')")
    told = int(page.run(STATUS).split()[1])
    assert told == page.run(f"{WORDS}.filter(w => w.dataset.start).length") > 5
    wait_for(page, "document.getElementById('audio').duration > 9")
    page.run(f"{WORDS}[3].click()")
    wait_for(page, f"{WORDS}[3].classList.contains('now')")
    start_s = page.run(f"Number({WORDS}[3].dataset.start)")
    assert page.run("document.getElementById('audio').currentTime") >= start_s - 0.01
    wait_for(page, "document.getElementById('audio').paused")
    assert page.run(f"!({WIDE})")
    assert not page.errors
    own = f"http://127.0.0.1:{server.port}/"
    away = [r for r in page.requests if not r.startswith((own, "data:", f"blob:{own}"))]
    assert away == []


def test_words_are_reached_with_the_keyboard(page, talk):
    upload(page, talk)
    wait_for(page, f"{STATUS}.startsWith('Done')")
    focused = f"{WORDS}.indexOf(document.activeElement)"
    page.run("document.getElementById('download').focus()")
    press(page, "Tab")
    assert page.run(focused) == 0
    press(page, "ArrowRight")
    press(page, "ArrowRight")
    press(page, "ArrowLeft")
    assert page.run(focused) == 1
    press(page, "End")
    assert page.run(focused) == page.run(
        f"{WORDS}.filter(w => w.dataset.start).length - 1"
    )
    press(page, "Enter")
    wait_for(page, "document.getElementById('audio').currentTime > 1")
    assert page.run("document.querySelectorAll('#words [tabindex=\"0\"]').length") == 1


def test_recording_shows_words_while_one_speaks(page):
    page.run("document.getElementById('record').click()")
    wait_for(page, f"{WORDS}.filter(w => w.dataset.start).length > 3")
    assert page.run(f"{SHOWN}('stop') && !{SHOWN}('choose') && !{SHOWN}('player')")
    page.run("document.getElementById('stop').click()")
    wait_for(page, f"{STATUS}.startsWith('Done')")
    wait_for(page, "document.getElementById('audio').duration > 1")
    assert page.run(f"{SHOWN}('player') && {SHOWN}('record') && {SHOWN}('downloads')")
    assert page.run("document.querySelectorAll('.partial').length") == 0
    assert not page.errors


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (1000, "This is no audio that can be read"),
        (1_500_000, "has 2 MB; the service takes 1 MB at most"),
        (0, "The file is damaged or has no sound"),
    ],
)
def test_errors_are_told_in_plain_words(size, message, page, tmp_path):
    path = tmp_path / "notes <b>.txt"
    path.write_bytes(b"x" * size)
    upload(page, path)
    wait_for(page, f"{SHOWN}('error')")
    assert message in page.run("document.getElementById('error').textContent")
    assert page.run(f"{SHOWN}('choose') && {SHOWN}('record') && !{SHOWN}('result')")
    assert page.run(f"!({WIDE})")


def test_cancel_ends_an_upload_and_the_next_one_works(page, talk, server):
    server.hold.touch()
    upload(page, talk)
    wait_for(page, f"{SHOWN}('cancel')")
    page.run("document.getElementById('cancel').click()")
    wait_for(page, f"{SHOWN}('error')")
    server.hold.unlink()
    assert page.run("document.getElementById('error').textContent") == "Cancelled."
    upload(page, talk)
    wait_for(page, f"{STATUS}.startsWith('Done')")
    assert page.run(f"!{SHOWN}('error')")


def test_stopped_service_is_told(browser, talk, tmp_path):
    with Server(tmp_path / "server") as server:
        browser.open(f"http://127.0.0.1:{server.port}/")
        server.process.kill()
        server.process.wait()
        upload(browser, talk)
        wait_for(browser, f"{SHOWN}('error')")
        found = browser.run("document.getElementById('error').textContent")
        assert found.startswith("The service cannot be reached")


WORD = """({text, confidence: c, start_s: 1, end_s: 2})"""
SEGMENT = "({start_s: 1, words: %s.map(([text, c]) => " + WORD + ")})"
RIGHT_TO_LEFT = """(() => {
  const [a, b] = [...document.querySelectorAll("#words .word")];
  return a.getBoundingClientRect().left > b.getBoundingClientRect().left;
})()"""


@pytest.mark.parametrize(
    ("words", "is_rtl"), [("می‌روم خانه OK", True), ("a b خ", False)]
)
def test_direction_is_that_of_the_words(words, is_rtl, browser, tmp_path):
    """The first two words stand from right to left in Persian, though one is Latin."""
    shades = dict(zip(words.split(), (0.95, 0.8, 0.3), strict=True))
    html = render_page(ServeOptions()).html.replace(
        "const settings =", "globalThis.probe = () => words;\nconst settings ="
    )
    path = tmp_path / "page.html"
    path.write_text(html, "utf-8")
    browser.open(path)
    pairs = [[text, c] for text, c in shades.items()]
    import json

    browser.run(f"probe().addSegment({SEGMENT % json.dumps(pairs)}); 1")
    browser.run("document.getElementById('result').hidden = false")
    assert browser.run(RIGHT_TO_LEFT) is is_rtl
    lines = browser.run(
        f"{WORDS}.slice(0, 3).map(w => getComputedStyle(w).textDecorationStyle)"
    )
    assert lines == ["solid", "dotted", "double"]  # not by colour alone
    drawn = browser.run(
        f"{WORDS}.slice(0, 3).map(w => getComputedStyle(w).textDecorationLine)"
    )
    assert drawn == ["none", "underline", "underline"]


def test_words_are_never_html(browser, tmp_path):
    html = render_page(ServeOptions()).html.replace(
        "const settings =", "globalThis.probe = () => words;\nconst settings ="
    )
    path = tmp_path / "page.html"
    path.write_text(html, "utf-8")
    browser.open(path)
    hostile = '[["<img src=x onerror=globalThis.bad=1>", 0.5]]'
    browser.run(f"probe().addSegment({SEGMENT % hostile}); 1")
    assert browser.run("globalThis.bad === undefined && !document.querySelector('img')")


def test_policy_lets_only_the_page_itself_run(server):
    _, headers, html = server.get("/")
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "default-src 'none'" in policy
    for outside in ('<link rel="stylesheet', "<script src", "https://", "@import"):
        assert outside not in html
