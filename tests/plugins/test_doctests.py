"""The examples in docstrings of the package give the output that they show."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

from repository import ROOT, name_of

PACKAGE = ROOT / "plugins" / "hamzaban"
SLOW_IMPORTS = ("import torch", "import espnet", "from torch", "from espnet")
MODULES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if re.search("^ +>>> ", path.read_text(encoding="utf-8"), re.MULTILINE)
]


def import_module(path: Path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return importlib.import_module(".".join(parts))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_examples_in_docstrings_give_the_output_shown(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # examples may write files
    found = doctest.testmod(import_module(path), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0, "see the captured output"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_with_examples_need_no_torch(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(SLOW_IMPORTS)] == []


def test_the_public_entry_points_have_examples():
    packages = {path.relative_to(PACKAGE).parts[0] for path in MODULES}
    wanted = {"config.py", "data", "decode", "fileio.py", "launch", "score", "text"}
    assert wanted <= packages
