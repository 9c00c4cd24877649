"""Long jobs report how far they are, and the launcher shows it."""

import io
import logging
import os
import pty
import re
import sys

import pytest

from hamzaban import progress
from hamzaban.launch import Job, JobError, console, run_jobs
from hamzaban.launch.console import Console, format_progress
from hamzaban.mine.progress import Progress
from hamzaban.processes import show_progress
from hamzaban.progress import (
    ItemProgress,
    ProgressFile,
    format_duration,
    format_length,
    progress_path,
    read_progress,
)

TRAINING = {
    "epoch": 3,
    "max_epoch": 40,
    "update": 1234,
    "updates_total": 20000,
    "loss": 45.3123,
    "valid": {"loss": 50.0, "cer": 0.2, "wer": 0.4131},
    "valid_batches": None,
    "seconds_per_update": 0.5,
    "left_s": 3900.0,
    "has_validated": True,
}


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Return a job whose progress the test writes, as if no launcher started it."""
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    return Job(1, ("true",), tmp_path / "é x" / "train.log")


def report(job, clock, **changes):
    ProgressFile(progress_path(job.log), clock).write({**TRAINING, **changes})


@pytest.mark.parametrize(
    ("changes", "age_s", "line"),
    [
        (
            {},
            0.0,
            "epoch 3/40, update 1234/20000, loss 45.31, valid WER 41.3 %, "
            "1 h 05 min left",
        ),
        (
            {"valid": {"acc": 0.5, "loss": 2.0}, "has_validated": False},
            60.0,
            "epoch 3/40, update 1234/20000, loss 45.31, valid accuracy 50.0 %, "
            "over 1 h 04 min left",
        ),
        (
            {"valid": {}, "loss": None, "updates_total": None, "left_s": None},
            180.0,
            "epoch 3/40, update 1234, nothing new for 3 min",
        ),
        (
            {"valid": {"loss": 2.0}, "valid_batches": [3, 12], "left_s": 1.0},
            50.0,
            "epoch 3/40, update 1234/20000, validating 3/12, loss 45.31, "
            "valid loss 2, 0 s left",
        ),
    ],
)
def test_training_line_shows_progress_and_metrics(changes, age_s, line):
    assert format_progress({**TRAINING, **changes}, age_s) == line


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3570, "1 h 00 min"),
        (47 * 3600, "47 h 00 min"),
        (75 * 3600, "3 d 3 h"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(duration_s, text):
    assert format_duration(duration_s) == text


@pytest.mark.parametrize(
    ("audio_s", "text"),
    [
        (0, "0.0 s"),
        (8.04, "8.0 s"),
        (59.97, "1.0 min"),
        (750, "12.5 min"),
        (3600, "1.0 h"),
        (8300, "2.3 h"),
        (1204.4 * 3600, "1204 h"),
    ],
)
def test_a_length_of_audio_is_shown_in_the_unit_that_fits(audio_s, text):
    assert format_length(audio_s) == text


def test_mining_and_transcribing_report_seconds_of_short_files():
    with Progress(40.0, title="transcribe") as progress:
        progress.add(8.0, 4.5)
        assert progress.describe().startswith("8.0 s of 40.0 s, 4.5 s found, ")


def test_items_are_reported_every_few_seconds_with_the_time_left(tmp_path, clock):
    path = tmp_path / "p"
    items = ItemProgress(
        "decoding", 10, "utterances", file=ProgressFile(path, clock), clock=clock
    )
    clock.now = 4.0
    items.add(2)
    expected = {"title": "decoding", "total": 10, "unit": "utterances", "done": 2}
    assert read_progress(path) == {**expected, "left_s": 16.0}
    clock.now += progress.WRITE_EVERY_S / 2
    items.add()
    assert read_progress(path)["done"] == 2
    clock.now += progress.WRITE_EVERY_S
    items.add()
    assert read_progress(path)["done"] == 4
    line = format_progress(read_progress(path))
    assert line == "decoding: 4 of 10 utterances, 10 s left"


def test_counted_items_reach_the_launcher(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "p"))
    assert list(show_progress("abc", 3, "copying", "files")) == ["a", "b", "c"]
    assert read_progress(tmp_path / "p")["total"] == 3


def test_a_job_without_a_launcher_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    assert list(show_progress("ab", 2, "copying", "files")) == ["a", "b"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_one_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    target = ProgressFile(tmp_path / "file" / "below")
    target.write(TRAINING)
    target.write(TRAINING)
    assert len(caplog.records) == 1
    assert "progress is no longer reported" in caplog.text
    assert not target.is_due()


@pytest.mark.parametrize("text", ["", '{"epoch": ', "[1]"])
def test_damaged_record_counts_as_none(tmp_path, text):
    (tmp_path / "p").write_text(text)
    assert read_progress(tmp_path / "p") is None
    assert read_progress(tmp_path / "missing") is None


def test_without_a_terminal_a_line_is_logged_every_minute(job, clock, caplog):
    caplog.set_level(logging.INFO)
    shown = Console(1, io.StringIO(), clock)
    report(job, clock)
    for second in range(200):
        clock.now = float(second)
        if second == 130:
            report(job, clock, epoch=4)
        shown.show([job], 0)
    epochs = [re.search(r"epoch (\d)", text).group(1) for text in caplog.messages]
    assert epochs == ["3", "3", "4"]


def test_on_a_terminal_one_line_renews_and_is_removed(job, clock):
    stream = Terminal()
    shown = Console(1, stream, clock)
    for second in range(4):
        clock.now = float(second)
        report(job, clock, update=second)
        shown.show([job], 0)
    shown.clear()
    text = stream.getvalue()
    assert "\n" not in text
    assert re.findall(r"\r[^\r]*update (\d)[^\r]*\x1b\[K", text) == ["1", "2", "3"]
    assert all(len(line) <= 79 + len("\x1b[K") for line in text.split("\r"))
    assert text.endswith("\r\x1b[K")


def test_of_several_jobs_the_one_with_most_time_left_is_shown(tmp_path, clock, caplog):
    caplog.set_level(logging.INFO)
    jobs = [Job(number, ("true",), tmp_path / f"{number}.log") for number in (1, 2, 3)]
    shown = Console(4, io.StringIO(), clock)
    report(jobs[0], clock, left_s=60.0)
    report(jobs[1], clock, left_s=600.0)
    clock.now = 61.0
    shown.show(jobs, 1)
    assert caplog.messages[0].startswith("job 2 (1 of 4 done): epoch 3/40")


def test_a_job_without_news_is_shown_as_silent(job, clock, caplog):
    caplog.set_level(logging.INFO)
    shown = Console(1, io.StringIO(), clock)
    report(job, clock)
    for second in range(0, 310, 10):
        clock.now = float(second)
        shown.show([job], 0)
    assert "nothing new" not in caplog.messages[0]
    assert caplog.messages[-1].endswith("nothing new for 4 min")


def test_a_record_of_another_form_does_not_end_the_launch(job, clock, caplog):
    caplog.set_level(logging.INFO)
    shown = Console(1, io.StringIO(), clock)
    ProgressFile(progress_path(job.log), clock).write({"epoch": 1})
    clock.now = 61.0
    shown.show([job], 0)
    assert "progress in an unknown form" in caplog.text


def test_a_launcher_inside_a_job_passes_progress_on(job, clock, monkeypatch, tmp_path):
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "outer"))
    shown = Console(1, io.StringIO(), clock)
    report(job, clock, epoch=7)
    clock.now = 3.0
    shown.show([job], 0)
    assert read_progress(tmp_path / "outer")["epoch"] == 7


def report_and_wait(enough, last):
    """Return a job that reports, waits for a file, and ends with a statement."""
    code = f"""
import json, os, sys, time
with open(os.environ["HAMZABAN_PROGRESS"], "w") as stream:
    json.dump({{"title": "copying", "done": 1, "total": 2, "unit": "files"}}, stream)
limit = time.monotonic() + 60
while not os.path.exists({str(enough)!r}) and time.monotonic() < limit:
    time.sleep(0.02)
{last}"""
    return [sys.executable, "-c", code]


def run_on_pty(function):
    """Run a function in a child whose terminal is a pty; return its output."""
    pid, terminal = pty.fork()
    if pid == 0:
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, "w") for n in (0, 1, 2))
        status = 1
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    shown = b""
    while True:
        try:
            block = os.read(terminal, 4096)
        except OSError:  # Linux: the other side was closed
            break
        if not block:
            break
        shown += block
    os.close(terminal)
    os.waitpid(pid, 0)
    return shown.decode()


@pytest.mark.slow
def test_line_of_a_real_job_renews_on_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr(console, "RENEW_S", 0.02)
    enough, log = tmp_path / "enough", tmp_path / "é x" / "copy.log"
    write, lines = Console._write, []

    def count_lines(self, line):
        write(self, line)
        lines.append(line)
        if len(lines) == 3:
            enough.touch()

    monkeypatch.setattr(Console, "_write", count_lines)
    shown = run_on_pty(lambda: run_jobs(report_and_wait(enough, "sys.exit()"), log))
    assert shown.count("\rcopying: 1 of 2 files") >= 3
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")
    assert [path.name for path in log.parent.iterdir()] == ["copy.log"]


def test_a_dead_job_leaves_no_progress_behind(tmp_path):
    log = tmp_path / "copy.log"
    with pytest.raises(JobError, match="status 137"):
        run_jobs(report_and_wait(tmp_path, "os.kill(os.getpid(), 9)"), log)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.log"]
    progress_path(log).write_text("{}")  # as a killed launcher leaves it
    run_jobs(["true"], log)
    assert not progress_path(log).exists()
