"""Idle threads sleep early, unless the user has decided otherwise."""

import os
import subprocess
import sys

import pytest

from hamzaban import threads


@pytest.fixture
def undecided(monkeypatch):
    for name in threads.DECIDED_BY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that what is set is undone
    monkeypatch.delenv("GOMP_SPINCOUNT")


@pytest.mark.slow
def test_threads_of_pytorch_in_a_verb_get_the_setting(undecided, tmp_path):
    code = "from hamzaban import cli; from pathlib import Path;"
    code += "cli.list_verbs = lambda: {'x': None}; m = type(cli)('hamzaban.bin.x');"
    code += "m.main = lambda cmd: __import__('torch') and 0;"
    code += "import sys; sys.modules['hamzaban.bin.x'] = m; sys.exit(cli.main(['x']))"
    environment = {**os.environ, "OMP_DISPLAY_ENV": "VERBOSE"}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("this PyTorch does not use GNU's OpenMP")
    assert f"GOMP_SPINCOUNT = '{threads.SPINCOUNT}'" in done.stderr


@pytest.mark.parametrize("name", threads.DECIDED_BY)
def test_a_setting_of_the_user_wins(undecided, monkeypatch, name):
    monkeypatch.setenv(name, "7")
    threads.limit_spinning()
    found = {n: os.environ[n] for n in threads.DECIDED_BY if n in os.environ}
    assert found == {name: "7"}
