"""Processes that train together end with one line, whichever of them fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.torch]


def train(error):
    """Train on two processes of which one fails; return the lines of stderr."""
    script = Path(__file__).with_name("failing_task.py")
    words = ["--output_dir", error, "--ngpu", "2"]
    words += ["--multiprocessing_distributed", "true", "--dist_backend", "gloo"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [sys.executable, script, *words], capture_output=True, text=True, env=env
    )
    assert done.returncode == 1, done.stderr
    return [line for line in done.stderr.splitlines() if "failing_task.py" not in line]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            "memory",
            "the GPU's memory is full: it has no room for 20.00 GiB; lower",
        ),
        ("user", "data/text:3: two lines"),
    ],
)
def test_the_error_of_a_process_is_the_only_line(error, expected):
    *others, last = train(error)
    assert last.startswith(f"hamzaban train-asr: {expected}")
    assert not [line for line in others if "Error" in line or "Traceback" in line]


def test_a_process_that_is_killed_is_named():
    *others, last = train("killed")
    assert last.startswith("hamzaban train-asr: process 0 of training was killed, per")
    assert not [line for line in others if "Traceback" in line]


def test_a_bug_keeps_its_traceback_and_only_that_of_its_process():
    lines = train("bug")
    assert lines[-1] == (
        "hamzaban train-asr: process 0 of training ended with status 1; its error "
        "stands above"
    )
    assert len([line for line in lines if line.startswith("KeyError")]) == 1
