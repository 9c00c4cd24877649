"""Programs that some tests need and not every machine has."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ON_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDIES = {
    "lmplz": "make env builds it",
    "build_binary": "make env builds it",
    "sclite": "apt-get install sctk",
    "sc_stats": "apt-get install sctk",
    "browser": "apt-get install chromium",
    "espeak-ng": "apt-get install espeak-ng",
}
OTHER_NAMES = {
    "sclite": ("sclite", "sctk"),
    "sc_stats": ("sc_stats", "sctk"),
    "browser": BROWSERS,
}


def find_tool(name: str) -> str | None:
    """Return the path of a program beside this Python or on PATH, or None."""
    beside = Path(sys.executable).parent / name
    if os.access(beside, os.X_OK):
        return str(beside)
    names = OTHER_NAMES.get(name, (name,))
    return next(filter(None, map(shutil.which, names)), None)


def require_tools(*names: str) -> None:
    """Skip the test where a program is absent; on CI (CI=true) fail instead."""
    absent = [f"{name} ({REMEDIES[name]})" for name in names if not find_tool(name)]
    if absent and ON_CI:
        pytest.fail(f"not installed, but CI=true: {', '.join(absent)}", pytrace=False)
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")
