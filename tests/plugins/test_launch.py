"""The launcher: jobs, logs, limits, failures, interrupts."""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hamzaban.bin import run_jobs as verb
from hamzaban.launch import (
    Job,
    JobError,
    Place,
    Resources,
    backends,
    jobs,
    local,
    logs,
    run_each,
    run_jobs,
    running,
)


def sh(script: str) -> list[str]:
    return ["bash", "-c", script]


def wait_until(condition: Callable[[], bool], limit_s: float = 300.0) -> bool:
    end = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_each_job_has_its_number_and_its_log(tmp_path):
    log = tmp_path / "a log" / "x.JOB.log"
    run_jobs(sh("echo سلام JOB JOBS 1.JOB.2"), log, nj=3)
    for number in (1, 2, 3):
        lines = Path(str(log).replace("JOB", str(number))).read_text().splitlines()
        assert lines[0].startswith("# bash -c 'echo ")
        assert lines[2] == f"سلام {number} JOBS 1.{number}.2"
        assert "ended with status 0" in lines[3]
    assert len(lines) == 4


@pytest.mark.slow
def test_at_most_max_jobs_run_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(local.LocalBackend, "max_jobs", lambda self, resources: 8)
    script = f"cd {tmp_path}; touch on.JOB began.JOB; "
    script += "while [ ! -e began.2 ]; do sleep 0.05; done; "  # with the first
    script += "ls | grep -c on[.]; sleep 0.3; rm on.JOB"
    run_jobs(sh(script), tmp_path / "JOB.log", nj=5, place=Place(max_jobs=2))
    logs = [(tmp_path / f"{n}.log").read_text() for n in range(1, 6)]
    counts = [int(log.splitlines()[2]) for log in logs]
    assert max(counts) <= 2


def test_a_failure_shows_the_log_and_ends_the_others(tmp_path, caplog):
    script = "echo line JOB; [ JOB = 2 ] && exit 5; echo $$; sleep 3600"
    with pytest.raises(JobError, match=r"job 2 of 3 ended with status 5 .*2\.log"):
        run_jobs(sh(script), tmp_path / "JOB.log", nj=3, place=Place(max_jobs=2))
    assert "| line 2" in caplog.text
    assert "| line 1" not in caplog.text
    pid = int((tmp_path / "1.log").read_text().splitlines()[3])
    assert wait_until(lambda: not is_running(pid))
    assert "line" not in (tmp_path / "3.log").read_text().partition("\n")[2]


def test_with_on_end_each_end_is_reported_and_a_failure_stops_no_other_job(tmp_path):
    scripts = ["exit 5", "kill -9 $$", "echo well"]
    each = [
        Job(number, tuple(sh(script)), tmp_path / f"{number} é.log")
        for number, script in enumerate(scripts, 1)
    ]
    ended = {}
    place = Place(max_jobs=1)
    run_each(each, place=place, on_end=lambda job, end: ended.update({job: end}))
    assert list(ended.values()) == [5, 137, 0]
    assert each[2].log.read_text().splitlines()[2] == "well"
    with pytest.raises(JobError, match="job 1 of 3"):
        run_each(each, place=place)


def test_the_status_after_a_signal_is_that_of_a_shell(tmp_path):
    with pytest.raises(JobError) as caught:
        run_jobs(sh("kill -9 $$"), tmp_path / "log")
    assert caught.value.status == 137


def test_logs_of_earlier_runs_are_kept(tmp_path):
    for word in ("one", "two", "three"):
        run_jobs(["echo", word], tmp_path / "x.log")
    logs = [(tmp_path / name).read_text() for name in ("x.log", "x.log.1", "x.log.2")]
    assert [text.splitlines()[2] for text in logs] == ["three", "two", "one"]


def test_last_lines_of_a_long_log_with_progress_bars(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"\xff" * 10**6 + b"\n\n 1%\r 2%\r 100% done\n\nlast\n\n")
    assert logs.last_lines(path, 2) == [" 100% done", "last"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is no command"),
        (["--nj", "0", "--", "true"], "nj is 0"),
        (["--nj", "2", "--", "true"], "need JOB in the name"),
        (["--max_jobs", "0", "--", "true"], "max_jobs is 0"),
        (["--backend", "pbs", "--", "true"], "back end 'pbs' is unknown; known: local"),
        (["--backend_conf", "a", "--", "true"], "expected KEY=VALUE"),
        (["--backend_conf", "a=1", "--", "true"], "has no setting 'a'"),
        (["--num_nodes", "2", "--", "true"], "is one machine, num_nodes is 2"),
        (["--", "no_such_command"], "no_such_command: no such command"),
    ],
)
def test_wrong_options_are_named(tmp_path, words, message):
    with pytest.raises((ValueError, OSError), match=message):
        verb.main(["--log", str(tmp_path / "log"), *words])


@pytest.mark.slow
def test_threads_and_gpus_are_given_to_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,6")
    script = 'echo "$OMP_NUM_THREADS $CUDA_VISIBLE_DEVICES"; sleep 0.3'
    log = tmp_path / "JOB.log"
    run_jobs(sh(script), log, nj=5, place=Place(Resources(2, ngpu=1)))
    logs = [(tmp_path / f"{n}.log").read_text().splitlines()[2] for n in range(1, 6)]
    assert sorted(logs[:3]) == ["2 3", "2 5", "2 6"]
    assert set(logs) == {"2 3", "2 5", "2 6"}
    with pytest.raises(ValueError, match="asks for 4 GPU, this machine shows 3"):
        run_jobs(["true"], log, place=Place(Resources(ngpu=4)))


def test_a_new_back_end_needs_a_class_and_a_line(tmp_path, monkeypatch):
    class Queue:
        """A back end whose jobs run for two polls and whose job 3 fails."""

        def __init__(self, partition: str) -> None:
            self.partition = partition
            self.ended: list[str] = []

        def max_jobs(self, resources: Resources) -> int:
            return 1000

        def submit(self, job: Job, resources: Resources) -> "Ticket":
            return Ticket(self, job)

    class Ticket:
        def __init__(self, queue: Queue, job: Job) -> None:
            self.queue, self.job, self.polls = queue, job, 0

        def poll(self) -> int | None:
            self.polls += 1
            status = 1 if self.job.number == 3 else 0
            return status if self.polls > 2 * self.job.number else None

        def cancel(self) -> None:
            self.queue.ended.append(f"cancel {self.job.number}")

        def kill(self) -> None:
            self.polls = 100

    queue = Queue("gpu")
    monkeypatch.setattr(jobs, "get_backend", lambda name, conf: queue)
    with pytest.raises(JobError, match="job 3 of 4"):
        run_jobs(["x"], tmp_path / "JOB.log", nj=4, place=Place(backend="queue"))
    assert queue.ended == ["cancel 4"]


def test_back_ends_are_found_by_name(monkeypatch):
    assert isinstance(backends.get_backend("local"), local.LocalBackend)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_launcher_leaves_no_job(tmp_path, number):
    command = [sys.executable, "-m", "hamzaban", "run-jobs", "--nj", "2"]
    command += ["--max_jobs", "2", "--log", f"{tmp_path}/JOB.log", "--"]
    # A job that ends on SIGTERM, but not the process that it started.
    command += sh(f"sleep 3600 & echo $! > {tmp_path}/JOB.pid; wait")
    # If this test is a shell's background job, SIGINT is ignored.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    launcher = subprocess.Popen(command, preexec_fn=heed)
    files = [tmp_path / "1.pid", tmp_path / "2.pid"]
    if len(os.sched_getaffinity(0)) == 1:
        del files[1]
    ready = lambda: all(f.exists() and f.read_text().strip() for f in files)  # noqa: E731
    assert wait_until(ready)
    launcher.send_signal(number)
    status = launcher.wait(timeout=300)
    assert status == 130
    assert wait_until(lambda: not any(is_running(int(f.read_text())) for f in files))
    assert "ended with status 143" in (tmp_path / "1.log").read_text()


def test_the_kernel_ends_jobs_of_a_killed_launcher(tmp_path):
    command = [sys.executable, "-m", "hamzaban", "run-jobs", "--log", f"{tmp_path}/log"]
    command += ["--", *sh(f"echo $$ > {tmp_path}/pid; exec sleep 3600")]
    launcher = subprocess.Popen(command)
    pid = tmp_path / "pid"
    assert wait_until(lambda: pid.exists() and bool(pid.read_text().strip()))
    launcher.kill()
    launcher.wait()
    assert wait_until(lambda: not is_running(int(pid.read_text())))


@pytest.mark.slow
def test_a_job_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "GRACE_S", 0.3)
    script = f"""
        trap '' TERM
        [ JOB = 1 ] || {{ echo $$ > {tmp_path}/pid; sleep 3600; sleep 3600; }}
        while [ ! -s {tmp_path}/pid ]; do sleep 0.05; done
        exit 1"""
    monkeypatch.setattr(local.LocalBackend, "max_jobs", lambda self, resources: 8)
    with pytest.raises(JobError):
        run_jobs(sh(script), tmp_path / "JOB.log", nj=2)
    assert wait_until(lambda: not is_running(int((tmp_path / "pid").read_text())))
