"""The rules of style that no linter checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from repository import ROOT, list_files, name_of

MODULES = [*(ROOT / "plugins").rglob("*.py"), ROOT / "setup.py"]
SCRIPTS = [path for path in list_files("*.sh", "run") if not path.is_symlink()]
YAMLS = list(list_files("*.yaml", "*.yml"))
TEXTS = ["*.py", "*.sh", "*.bats", "*.bash", "*.md", "*.yaml", "*.toml", "*.txt", "run"]
HOME = re.compile(r"(?<![\w.}])/(home|root|Users)/\w")
MAX_FILE_BYTES = 8 * 2**20


def each_function(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    lengths = {f.name: f.end_lineno - f.lineno + 1 for f in each_function(path)}
    assert {name: n for name, n in lengths.items() if n > 40} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_take_at_most_five_positional_arguments(path):
    many = {}
    for function in each_function(path):
        names = [arg.arg for arg in function.args.posonlyargs + function.args.args]
        if len([name for name in names if name not in ("self", "cls")]) > 5:
            many[function.name] = names
    assert many == {}


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_script_says_its_purpose_and_stops_at_errors(path):
    first, second, *rest = path.read_text(encoding="utf-8").splitlines()
    assert first == "#!/usr/bin/env bash"
    assert second.startswith("# ")
    assert path.stat().st_mode & 0o100 == 0 or "set -euo pipefail" in rest


@pytest.mark.parametrize("path", YAMLS, ids=name_of)
def test_yaml_parses(path):
    assert yaml.safe_load(path.read_text(encoding="utf-8")) is not None


def test_no_file_names_a_home_directory():
    found = []
    for path in list_files(*TEXTS):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if HOME.search(line):
                found.append(f"{name_of(path)}:{number}: {line.strip()}")
    assert found == []


def test_no_file_is_large():
    sizes = {name_of(p): p.stat().st_size for p in list_files("*") if p.is_file()}
    assert {name: n for name, n in sizes.items() if n > MAX_FILE_BYTES} == {}


@pytest.mark.parametrize("stack", ["py311", "py312"])
def test_pinned_set_is_exact_and_has_all_that_is_asked_for(stack):
    pins = {}
    folder = ROOT / "requirements"
    for line in (folder / f"{stack}.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r'([a-z0-9.-]+)==([\w.]+)( ; \w+ == "\w+")?', line)
            assert match, line
            assert match[1] not in pins, line
            pins[match[1]] = match[2]
    wanted = (folder / f"{stack}.in").read_text("utf-8").splitlines()
    for line in filter(None, (line.partition("#")[0].strip() for line in wanted)):
        name, _, version = line.partition("==")
        assert pins[name].startswith(version)
