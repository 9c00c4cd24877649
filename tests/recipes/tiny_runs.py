"""Running the tiny recipe: to its end, or to a kill -9 at a chosen moment."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

POLL_S = 0.01
NUM_ATTEMPTS = 8
# Read by each Python process at its start: counts what is about to be renamed, which is
# how files are finished here, and kills the process group before a chosen one.
HOOK = """\
import os, signal, sys

def count(event, args):
    if event == "os.rename":
        file = os.open(os.environ["RENAMES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, b".")
        if os.lseek(file, 0, os.SEEK_CUR) == int(os.environ["KILL_BEFORE"]):
            os.killpg(0, signal.SIGKILL)
        os.close(file)

sys.addaudithook(count)
"""


@dataclass(frozen=True)
class Moment:
    """A moment to kill a stage: after one file has appeared and before another has.

    Attributes:
        after: Pattern of a file; "" is the start of the stage.
        before: Pattern of a file; "" is the end of the stage.
        at_rename: Whether to kill just before a file is renamed, when a temporary file
            exists, and not at any time.
    """

    after: str = ""
    before: str = ""
    at_rename: bool = False


@dataclass
class Times:
    """How long a stage took, and when each new file was first seen.

    Attributes:
        duration_s: From start to end.
        seen_s: From the start, by path in the recipe.
        num_renames: Number of files that were renamed into place.
    """

    duration_s: float = 0.0
    seen_s: dict[str, float] = field(default_factory=dict)
    num_renames: int = 0

    def length(self, moment: Moment) -> float:
        """Return the time between the two files of a moment, or the renames."""
        if moment.at_rename:
            return self.num_renames
        start_s = self._first(moment.after) if moment.after else 0.0
        end_s = self._first(moment.before) if moment.before else self.duration_s
        return max(end_s - start_s, 0.0)

    def _first(self, pattern: str) -> float:
        return min(s for path, s in self.seen_s.items() if fnmatch(path, pattern))


def list_paths(recipe: Path) -> set[str]:
    """Return all files and links of a recipe, as paths in it."""
    found = set()
    for folder, _, names in os.walk(recipe):
        place = Path(folder).relative_to(recipe)
        found.update(str(place / name) for name in names)
    return found


def copy_recipe(source: Path, target: Path) -> Path:
    """Copy a recipe with the times of its files, replacing any other."""
    if target.exists():
        shutil.rmtree(target.parent)
    return Path(shutil.copytree(source, target, symlinks=True))


def start(
    recipe: Path, stage: str, stop_stage: str, kill_before: int = 0
) -> "subprocess.Popen[bytes]":
    """Start stages in a process group of their own; messages go beside the recipe.

    Args:
        recipe: Its folder.
        stage: First stage.
        stop_stage: Last stage.
        kill_before: Number of the renaming before which it kills itself; 0 for none.
    """
    hook = beside(recipe, "hook") / "sitecustomize.py"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK, encoding="utf-8")
    beside(recipe, "renames").write_bytes(b"")
    ours = {"PYTHONPATH": hook.parent, "RENAMES": beside(recipe, "renames")}
    environment = os.environ | {name: str(path) for name, path in ours.items()}
    with open(beside(recipe, "messages"), "wb") as stream:
        return subprocess.Popen(
            ["./run.sh", "--stage", stage, "--stop_stage", stop_stage],
            cwd=recipe,
            env=environment | {"KILL_BEFORE": str(kill_before)},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def run(recipe: Path, stage: str, stop_stage: str) -> tuple[str, Times]:
    """Run stages to their end.

    Returns:
        The messages and the times.
    """
    known, times, began = list_paths(recipe), Times(), time.monotonic()
    process = start(recipe, stage, stop_stage)
    while process.poll() is None:
        for path in list_paths(recipe) - known:
            times.seen_s.setdefault(path, time.monotonic() - began)
        time.sleep(POLL_S)
    times.duration_s = time.monotonic() - began
    times.num_renames = beside(recipe, "renames").stat().st_size
    text = beside(recipe, "messages").read_text(encoding="utf-8")
    assert process.returncode == 0, text
    return text, times


def kill(recipe: Path, stage: str, moment: Moment, pause: float) -> bool:
    """Start a stage and kill its process group.

    Args:
        recipe: Its folder.
        stage: Name of the stage.
        moment: The moment of the kill. pause: Seconds from the first file of the moment
            to the kill, or renames.

    Returns:
        Whether it was killed in time: not ended, the second file not there.
    """
    if moment.at_rename:
        process = start(recipe, stage, stage, kill_before=1 + int(pause))
        return process.wait() == -signal.SIGKILL
    process = start(recipe, stage, stage)
    while process.poll() is None and not _is_there(recipe, moment.after):
        time.sleep(POLL_S)
    limit = time.monotonic() + pause
    while process.poll() is None and time.monotonic() < limit:
        time.sleep(POLL_S)
    if process.poll() is not None:
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return not (moment.before and _is_there(recipe, moment.before))


def kill_in_time(
    renew: Callable[[], Path], stage: str, moment: Moment, pause: float
) -> Path:
    """Kill a stage at a moment, earlier and earlier until it is met.

    Args:
        renew: Returns the recipe as it is before the stage.
        stage: Name of the stage.
        moment: When.
        pause: As for `kill`, in the first attempt.

    Returns:
        The recipe as the kill left it.
    """
    for attempt in range(NUM_ATTEMPTS):
        recipe = renew()
        is_last = attempt == NUM_ATTEMPTS - 1
        if kill(recipe, stage, moment, 0.0 if is_last else pause / 2**attempt):
            return recipe
        wait_for_end(recipe)
    raise AssertionError(f"{stage}: never killed at {moment}")


def wait_for_end(recipe: Path, limit_s: float = 300.0) -> None:
    """Wait until no process works in a recipe, since a job ends after its launcher."""
    limit = time.monotonic() + limit_s
    while list_processes(recipe):
        assert time.monotonic() < limit, list_processes(recipe)
        time.sleep(POLL_S)


def list_processes(recipe: Path) -> list[str]:
    """Return the command lines of the processes that work in a recipe."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(recipe):
                found.append(
                    (process / "cmdline").read_bytes().decode(errors="replace")
                )
        except OSError:  # it has ended, or is not ours
            continue
    return found


def _is_there(recipe: Path, pattern: str) -> bool:
    return pattern == "" or any(fnmatch(path, pattern) for path in list_paths(recipe))


def beside(recipe: Path, name: str) -> Path:
    """Return the path of a file beside the recipe."""
    return recipe.parent / name
