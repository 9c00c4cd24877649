"""The rules of style that no linter checks."""

import ast
import functools
import graphlib
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
# The packages in the order in which they may import each other: only from lines above
#     their own, also inside functions. A new package gets a place here.
LAYERS = """
utf8
extras fileio locks option_limits
devices out_of_memory progress threads typed_values yaml_loader
config compat processes verb_help
cli
launch weights
hub
wav2vec2
data
audio
validate text
train
asr
pretrain lm
decode
mine pseudo
transcribe
score ingest
report grid corpora recipe
align export serve
bin
"""


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def each_function(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def each_import(path: Path, *, for_hints: bool = True) -> Iterator[tuple[int, str]]:
    """Yield line and name of each module of ours that a module imports anywhere.

    Without `for_hints`, imports below `if TYPE_CHECKING` are left out: they never run.
    """
    hints = {
        child
        for node in nodes_of(path)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in node.body
    }
    for node in nodes_of(path):
        names = []
        if node in hints and not for_hints:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("hamzaban."):
                yield node.lineno, name


def modules_by_name() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts): path
        for path in (ROOT / "plugins").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    }


def test_packages_import_from_those_above_them_only():
    layers = [line.split() for line in LAYERS.split("\n") if line]
    height = {name: -i for i, names in enumerate(layers) for name in names}
    found = []
    for module, path in modules_by_name().items():
        here = module.split(".")[1]
        for line, name in each_import(path):
            there = name.split(".")[1]
            if here == there or there == "__version__":
                continue
            place = f"{name_of(path)}:{line}: {here} imports {there}"
            if not {here, there} <= set(height):
                found.append(f"{place}; give both a line of LAYERS")
            elif height[there] <= height[here]:
                found.append(f"{place}, which does not stand above it in LAYERS")
    assert not found, "\n".join(found)


def test_no_modules_import_each_other_in_a_ring():
    modules = modules_by_name()
    graph = {}
    for module, path in modules.items():
        names = [name for _, name in each_import(path, for_hints=False)]
        pairs = [(name, name.rpartition(".")[0]) for name in names]
        graph[module] = {x for pair in pairs for x in pair if x in modules} - {module}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_files_are_named_after_what_they_configure():
    assert [name_of(path) for path in MODULES if path.name == "options.py"] == []


def test_collecting_tests_imports_neither_torch_nor_espnet(imports_of_collection):
    """Import them in a fixture `torch_modules`, as test_train_precision.py does."""
    assert imports_of_collection == {}


def count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring, which may have examples."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    lengths = {f.name: count_lines(f) for f in each_function(path)}
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
