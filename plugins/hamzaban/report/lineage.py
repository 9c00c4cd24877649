"""The commands that made an experiment, from the stamps its stages left."""

import os
import shlex
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamzaban.launch.stamp import read_stamp


@dataclass(frozen=True)
class Command:
    """A step of a stage that was run.

    Attributes:
        step: Its name.
        words: The command, as a shell would read it.
        started: When, local time.
        elapsed_s: How long it took in seconds; None while it runs.
        version: Of Hamzaban.
        makes: What it writes.
        reads: What it reads.
    """

    step: str
    words: str
    started: str
    elapsed_s: float | None
    version: str
    makes: Sequence[str]
    reads: Sequence[str]


def list_commands(roots: Iterable[str | Path], targets: Iterable[str]) -> list[Command]:
    """Return the commands that made the files below the targets.

    Args:
        roots: Folders whose stamps are read, such as exp, dump and data.
        targets: Folders, paths relative to this one as the stages name them.

    Returns:
        The commands of the targets, of what these read, and so on, oldest first.
    """
    stamps = [command for root in roots for command in _read_stamps(Path(root))]
    wanted = deque((os.path.normpath(target), 0) for target in targets)
    chosen: dict[int, tuple[Command, int]] = {}
    while wanted:
        path, depth = wanted.popleft()
        for command in stamps:
            makes_it = any(_overlap(path, made) for made in command.makes)
            if makes_it and id(command) not in chosen:
                chosen[id(command)] = command, depth
                wanted.extend((read, depth + 1) for read in command.reads)
    ordered = sorted(chosen.values(), key=lambda found: (found[0].started, -found[1]))
    return [command for command, _ in ordered]


def _overlap(path: str, other: str) -> bool:
    """Return whether two paths are the same, or one of them lies in the other."""
    a, b = path + os.sep, other + os.sep
    return a.startswith(b) or b.startswith(a)


def _read_stamps(root: Path) -> list[Command]:
    paths = sorted(root.glob("**/.*.stamp"))
    stamps = [stamp for path in paths if (stamp := read_stamp(path)) is not None]
    return [_make_command(stamp) for stamp in stamps if stamp.get("state") == "done"]


def _make_command(stamp: dict[str, Any]) -> Command:
    return Command(
        stamp["step"],
        shlex.join(stamp["command"]),
        stamp["started"],
        stamp.get("elapsed_s"),
        stamp.get("hamzaban", ""),
        [os.path.normpath(path) for path in stamp["makes"]],
        [os.path.normpath(path) for path in stamp["reads"]],
    )
