"""Shared by all tests: one thread per process, this interpreter's commands on PATH,
marks.

Tests that import torch have the mark `torch`. It is added to tests that use a fixture
`torch_modules`, and written on others. `make check` leaves marked tests out, and a test
without the mark fails if it imports torch.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tools import ON_CI, require_tools

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
)

SLOW_IMPORTS = ("torch", "espnet", "espnet2", "s3prl", "torchaudio", "transformers")
IMPORTED_BY = pytest.StashKey[dict[str, list[str]]]()

# A slow, busy machine must not fail a test. On CI, examples are the same each time.
settings.register_profile(
    "here",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if ON_CI else "here")


def slow_imports() -> set[str]:
    return {name for name in SLOW_IMPORTS if name in sys.modules}


def pytest_configure(config: pytest.Config) -> None:
    config.stash[IMPORTED_BY] = {}


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Note which file imports torch or ESPnet while it is collected."""
    before = slow_imports()
    report = yield
    if more := slow_imports() - before:
        collector.config.stash[IMPORTED_BY][collector.nodeid] = sorted(more)
    return report


@pytest.fixture(scope="session")
def imports_of_collection(pytestconfig: pytest.Config) -> dict[str, list[str]]:
    """Slow packages that were imported during collection, by file."""
    return pytestconfig.stash[IMPORTED_BY]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "torch_modules" in getattr(item, "fixturenames", ()):
            item.add_marker("torch")


@contextmanager
def torch_is_marked(item: pytest.Item) -> Iterator[None]:
    """Fail a test that imports torch without the mark `torch`."""
    before = slow_imports()
    yield
    if not item.get_closest_marker("torch") and (more := slow_imports() - before):
        pytest.fail(f"imports {', '.join(more)}: mark it `torch`", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    for mark in item.iter_markers("needs"):
        require_tools(*mark.args)
    with torch_is_marked(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with torch_is_marked(item):
        return (yield)
