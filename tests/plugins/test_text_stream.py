"""The verb normalize: streams, processes, reports, errors."""

import io
import random
import sys

import pytest

from hamzaban import cli
from hamzaban.text import stream
from hamzaban.text.stream import StreamOptions, normalize_stream

WORDS = [
    "كتاب",
    "می\u200cروم",
    "۱۲٫۵",
    "علي،",
    "خانهٔ",
    "PDFها",
    "",
    "ﷺ",
    "\u2028",
    "\r",
]


def run(text, nj=1, **options):
    sink = io.BytesIO()
    source = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    report = normalize_stream(source, sink, "in", StreamOptions("fa", **options), nj)
    return sink.getvalue().decode(), report


def make_text(num_lines):
    rng = random.Random(0)
    return "".join(
        " ".join(rng.choices(WORDS, k=rng.randint(0, 12))) + "\n"
        for _ in range(num_lines)
    )


@pytest.mark.slow
def test_the_result_does_not_depend_on_blocks_and_processes(monkeypatch):
    text = make_text(2000)
    whole, report = run(text)
    assert report.num_lines == whole.count("\n") == 2000
    monkeypatch.setattr(stream, "BLOCK_BYTES", 1000)
    assert run(text)[0] == whole
    assert run(text, nj=2)[0] == whole


@pytest.mark.parametrize(
    ("text", "output"),
    [("a\n\nb\n", "a\n\nb\n"), ("a\n b", "a\nb"), ("", ""), ("\n", "\n"), ("!", "")],
)
def test_as_many_lines_come_out(text, output):
    assert run(text)[0] == output


def test_kaldi_keeps_the_first_field():
    text = "Utt-1 كتاب\nUtt-2\nUtt-3\tعلي\nUtt-4 !!\n"
    assert run(text, kaldi=True)[0] == "Utt-1 کتاب\nUtt-2\nUtt-3 علی\nUtt-4\n"


@pytest.mark.slow
@pytest.mark.parametrize("nj", [1, 2])
@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\xd9"])
def test_bytes_that_are_not_utf8_are_refused_with_their_line(bad, nj, monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_BYTES", 64)
    text = b"good line\n" * 40 + b"bad " + bad + b"\n" + b"good\n" * 40
    with pytest.raises(ValueError, match=rf"in:41: byte 0x{bad[0]:02X} is not UTF-8"):
        run(text, nj)


def test_report_counts_tokens_by_rule():
    report = run("كتاب كار، علي\nكم است\n", report=True)[1]
    assert report.num_tokens == 5
    assert report.changed["kaf"] == 3
    assert report.changed["yeh"] == 1
    assert report.changed["punctuation"] == 1
    assert report.format().splitlines()[1].split() == ["kaf", "3", "60.00", "%"]


def test_explain_shows_the_rules_under_each_line():
    lines = run("كك\nدل\n", explain=True)[0].splitlines()
    assert lines == ["کک", "    kaf: ك U+0643 -> ک U+06A9 (2)", "دل"]


class Standard:
    def __init__(self, content=b""):
        self.buffer = io.BytesIO(content)

    def write(self, text):
        return self.buffer.write(text.encode())

    def flush(self):
        pass


def test_the_command_normalizes_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Standard("او می رود\n".encode()))
    monkeypatch.setattr(sys, "stdout", sink := Standard())
    assert cli.main(["normalize", "--lang", "fas", "--options", "affix=join"]) == 0
    assert sink.buffer.getvalue().decode() == "او می\u200cرود\n"


def test_command_reports_an_unknown_option_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Standard())
    assert cli.main(["normalize", "--lang", "fa", "--options", "x=y"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("hamzaban normalize: option 'x' is unknown for fa; known: ")
    assert error.count("\n") == 1
