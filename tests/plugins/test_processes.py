"""The process pool: order, processes that die, and no process that outlives its
parent."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from hamzaban.processes import run_on_processes

WAIT_S = 60.0  # generous, for busy machines
PARENT = """
import sys
from pathlib import Path
from hamzaban.processes import run_on_processes
from test_processes import wait_for_ever

if __name__ == "__main__":
    folder, by_fork = Path(sys.argv[1]), sys.argv[2] == "fork"
    list(run_on_processes(wait_for_ever, [folder] * 2, 2, by_fork=by_fork))
"""
_number = 0


def wait_for_ever(folder: Path) -> None:
    """Note the id of this process in a folder and wait."""
    (folder / str(os.getpid())).touch()
    time.sleep(10 * WAIT_S)


def square(number: int) -> int:
    """Return a square; small numbers take longer."""
    time.sleep(0.02 / (1 + number))
    return number * number


def set_number(number: int) -> None:
    """Set what `add_number` adds."""
    global _number
    _number = number


def add_number(number: int) -> int:
    """Return the sum of a number and that of the process."""
    return number + _number


def wait_until(is_true) -> bool:
    """Wait for a condition; return whether it came true in time."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if is_true():
            return True
        time.sleep(0.05)
    return False


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.slow
@pytest.mark.parametrize("by_fork", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_results_come_in_the_order_of_the_jobs_where_asked(by_fork, batch_size):
    options = {"batch_size": batch_size, "by_fork": by_fork}
    found = list(run_on_processes(square, range(20), 2, in_order=True, **options))
    assert found == [number * number for number in range(20)]
    assert sorted(run_on_processes(square, range(20), 2, **options)) == found


@pytest.mark.slow
def test_forks_share_what_the_parent_holds_and_setup_runs_in_each_process():
    set_number(5)
    try:
        assert list(run_on_processes(add_number, [1], 2, by_fork=True)) == [6]
    finally:
        set_number(0)
    setup = partial(set_number, 7)
    assert list(run_on_processes(add_number, [1], 2, setup=setup)) == [8]
    assert _number == 0


@pytest.mark.parametrize("by_fork", [False, True])
def test_a_process_that_dies_gives_one_message_with_a_remedy(by_fork):
    with pytest.raises(ValueError, match=r"a process died.*; give a lower --nj"):
        list(run_on_processes(os._exit, iter([3]), 2, by_fork=by_fork))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("way", ["spawn", "fork"])
def test_processes_and_locks_end_with_a_killed_parent(tmp_path, way, number):
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    (tmp_path / "pids").mkdir()
    (tmp_path / "parent.py").write_text(PARENT, encoding="utf-8")
    command = [sys.executable, "parent.py", str(tmp_path / "pids"), way]
    paths = [str(Path(__file__).parent), *sys.path]
    parent = subprocess.Popen(
        command,
        cwd=tmp_path,
        pass_fds=(lock,),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    os.close(lock)
    try:
        assert wait_until(lambda: len(list((tmp_path / "pids").iterdir())) == 2)
    finally:
        parent.send_signal(number)
        parent.wait()
    pids = [int(path.name) for path in (tmp_path / "pids").iterdir()]
    assert wait_until(lambda: not any(map(is_alive, pids)))
    again = os.open(tmp_path / "lock", os.O_RDWR)
    try:
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)  # else BlockingIOError
    finally:
        os.close(again)
