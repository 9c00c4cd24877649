"""A real Slurm of three nodes on this machine for tests; see tests/slurm_cluster.sh."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools import ON_CI

SCRIPT = Path(__file__).parents[1] / "slurm_cluster.sh"
PROGRAMS = ("slurmctld", "slurmd", "munged", "unshare")


def find_fault() -> str:
    """Return why no cluster can be started here; "" if it can."""
    if os.geteuid() != 0:
        return "starting a Slurm needs root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (apt-get install slurm-wlm munge)"
    return ""


@contextmanager
def run_cluster(folder: Path) -> Iterator[Path]:
    """Start a cluster in a folder, stop it at the end; yield the folder.

    The test is skipped where that is impossible, with the reason; on CI it fails.
    """
    fault = find_fault()
    if fault and ON_CI:
        pytest.fail(f"CI=true, but {fault}", pytrace=False)
    if fault:
        pytest.skip(fault)
    subprocess.run(["bash", SCRIPT, "start", folder, str(find_ports(4))], check=True)
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    try:
        yield folder
    finally:
        del os.environ["SLURM_CONF"]
        if before is not None:
            os.environ["SLURM_CONF"] = before
        subprocess.run(["bash", SCRIPT, "stop", folder], check=True)


def find_ports(count: int) -> int:
    """Return the first of some free ports in a row."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        if first + count < 65536 and all(is_free(first + n) for n in range(count)):
            return int(first)


def is_free(port: int) -> bool:
    """Return whether nothing listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
