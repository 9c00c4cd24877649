"""Damage to valid inputs, and what a verb may do with it.

A verb either ends well or refuses with one line that names the place. It never shows a
traceback, leaves a temporary file, writes an output and then refuses, or runs forever.
"""

import contextlib
import io
import logging
import os
import random
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mutations

from hamzaban.cli import run_verb

MAX_CPU_S = 30.0  # limit of a case; the slowest sound one takes a second
MAX_SHOWN = 1500  # most characters shown of a fault
PLACE = "{}"  # in words of a command: the folder of a case


@dataclass(frozen=True)
class Reader:
    """A verb and the files of its inputs that are damaged.

    Attributes:
        name: The file and the verb that reads it, such as `wav.scp: copy-data`.
        write: Writes valid inputs into a folder.
        files: Patterns of the files to damage, in that folder.
        words: The command; `{}` stands for the folder.
        kind: Kind of damage: `text`, `yaml`, `json` or `binary`.
        outputs: Files that may not be there after a refusal.
        stdin: File that the verb reads from standard input; "" if none.
        reports: Whether the verb reports faults on standard output and exits with 1.
    """

    name: str
    write: Callable[[Path], object]
    files: tuple[str, ...]
    words: tuple[str, ...]
    kind: str = "text"
    outputs: tuple[str, ...] = ()
    stdin: str = ""
    reports: bool = False


@dataclass
class Case:
    """A damaged input and the outcome.

    Attributes:
        reader: The reader of the case.
        seed: Of the damage.
        damage: The damage and the file.
        status: Exit status of the verb; -1 if an exception ended it.
        stderr: What the verb wrote besides its log.
        log: Its log.
        faults: Rules that the verb broke.
    """

    reader: Reader
    seed: int
    damage: str = ""
    status: int = -1
    stderr: str = ""
    log: str = ""
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = "; ".join(self.faults)
        return f"{self.reader.name}, seed {self.seed}, {self.damage}: {text}"


class TooSlow(BaseException):
    """A case took more processor time than MAX_CPU_S."""


def run_case(reader: Reader, sound: Path, folder: Path, seed: int) -> Case:
    """Damage a copy of sound inputs, run the verb and check what it did.

    Args:
        reader: The verb and its inputs.
        sound: Folder with sound inputs.
        folder: Folder of the case, which is replaced.
        seed: Of the damage.
    """
    case = Case(reader, seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, folder, symlinks=True)
    _move_paths(folder, sound)
    rng = random.Random(f"{reader.name} {seed}")
    found = {path for name in reader.files for path in folder.glob(name)}
    paths = sorted(path for path in found if path.is_file())
    path = rng.choice(paths)
    data, names = mutations.mutate(path.read_bytes(), reader.kind, rng)
    path.write_bytes(data)
    case.damage = f"{path.relative_to(folder)}: {', '.join(names)}"
    _run(case, folder)
    _check(case, folder, path)
    return case


def _move_paths(folder: Path, before: Path) -> None:
    """Replace the old folder by the new one in the files of a copy."""
    old, new = (str(path).encode() for path in (before, folder))
    for path in folder.rglob("*"):
        if path.is_file() and old in (data := path.read_bytes()):
            path.write_bytes(data.replace(old, new))


def run_sound(reader: Reader, folder: Path) -> Case:
    """Run the verb on sound inputs in a folder, which is changed."""
    case = Case(reader, -1, "nothing")
    _run(case, folder)
    return case


def _run(case: Case, folder: Path) -> None:
    words = [word.replace(PLACE, str(folder)) for word in case.reader.words]
    stdin = b""
    if case.reader.stdin:
        stdin = (folder / case.reader.stdin).read_bytes()
    with _captured(stdin) as (errors, log), _limited_cpu(), contextlib.chdir(folder):
        try:
            case.status = run_verb(words[0], words[1:])
        except SystemExit as stop:
            case.status = stop.code if isinstance(stop.code, int) else 1
        except TooSlow:
            case.faults.append(f"still runs after {MAX_CPU_S:.0f} s")
        except Exception:
            case.faults.append(traceback.format_exc()[-MAX_SHOWN:])
    case.stderr, case.log = errors.getvalue(), log.getvalue()


def _check(case: Case, folder: Path, damaged: Path) -> None:
    reader, lines = case.reader, case.stderr.splitlines()
    if case.status == -1:
        return
    if "Traceback" in case.stderr + case.log:
        case.faults.append("a traceback: " + (case.stderr + case.log)[-MAX_SHOWN:])
    if case.status not in (0, 1, 2):
        case.faults.append(f"exit status {case.status}")
    if case.status == 0 and lines:
        case.faults.append(f"exit status 0, but says {case.stderr[-MAX_SHOWN:]}")
    if case.status == 1:
        _check_refusal(case, folder, damaged)
    if case.status == 2 and not re.search(r"error: .+\n\Z", case.stderr):
        case.faults.append(f"exit status 2, but says {case.stderr[-MAX_SHOWN:]}")
    if left := [path.name for path in folder.rglob("*.tmp*")]:
        case.faults.append(f"leaves {left[:5]}")
    found = [name for name in reader.outputs if (folder / name).exists()]
    if case.status in (1, 2) and found and not reader.reports:
        case.faults.append(f"refuses but writes {found}: {case.stderr[-MAX_SHOWN:]}")


def _check_refusal(case: Case, folder: Path, damaged: Path) -> None:
    lines = case.stderr.splitlines()
    if case.reader.reports and not lines:
        return
    if len(lines) != 1:
        text = case.stderr[-MAX_SHOWN:]
        case.faults.append(f"exit status 1 and {len(lines)} lines: {text}")
        return
    if len(lines[0]) > 2000:
        case.faults.append(f"a line of {len(lines[0])} characters: {lines[0][:300]}")
    places = (str(folder), damaged.name, "standard input")
    if not any(place in lines[0] for place in places):
        case.faults.append(f"no path in: {lines[0]}")


@contextlib.contextmanager
def _captured(stdin: bytes) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Replace the standard streams; yield standard error and the log."""
    errors, log = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level, argv, old_stdin = root.level, sys.argv, sys.stdin
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            yield errors, log
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        sys.argv, sys.stdin = argv, old_stdin


@contextlib.contextmanager
def _limited_cpu() -> Iterator[None]:
    """Raise TooSlow after MAX_CPU_S of this process, however busy the machine is."""

    def stop(number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MAX_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def list_faults(reader: Reader, folder: Path, num_cases: int) -> list[str]:
    """Return the faults of a reader whose inputs are damaged with seeds from 0 up.

    Args:
        reader: The verb and its inputs, which it must read if they are sound.
        folder: Folder to work in.
        num_cases: Number of cases, unless HAMZABAN_FUZZ_CASES sets another.
    """
    sound = folder / "sound ب"
    sound.mkdir(parents=True)
    reader.write(sound)
    shutil.copytree(sound, folder / "case ب", symlinks=True)
    _move_paths(folder / "case ب", sound)
    whole = run_sound(reader, folder / "case ب")
    assert (whole.status, whole.stderr, whole.faults) == (0, "", []), whole.stderr
    faults = []
    for seed in range(int(os.environ.get("HAMZABAN_FUZZ_CASES", num_cases))):
        case = run_case(reader, sound, folder / "case ب", seed)
        faults += [str(case)] if case.faults else []
    return faults
