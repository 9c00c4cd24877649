"""The stamp of a step: its command, its inputs and its outputs.

A stamp is a JSON file beside the step's first output, named `.<output>.<step>.stamp`.
It is written when the step starts (state `running`, with inputs and command) and again,
as the last file, when the step has succeeded (state `done`, with outputs).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_text, read_record, warn_of_damage
from hamzaban.launch.many_files import (
    Fingerprint,
    count_newer,
    describe_below,
    describe_folder,
    is_lasting,
)

SMALL_FILE_BYTES = 2 * 2**30  # compared by content; larger files by size and time
NEUTRAL_OPTIONS = frozenset(
    ("nj", "ngpu", "num_threads", "max_jobs", "log_level")
    + ("shards", "backend", "backend_conf", "log")
)

_KEYS: dict[str, type] = {
    **dict.fromkeys(("state", "step", "started"), str),
    **dict.fromkeys(("command", "reads", "makes"), list),
    **dict.fromkeys(("inputs", "outputs"), dict),
}
_FINGERPRINTS = ("inputs", "outputs", "noted", "recordings")


@dataclass(frozen=True)
class Step:
    """One command of a stage.

    Attributes:
        name: Name of the step, such as `tokens`; letters, digits, `_` and `-`.
        command: The words of the command.
        inputs: Files and folders it reads; a folder stands for the files in it, not
            for those in its subfolders.
        outputs: Files and folders it makes; a folder stands for all files below it.
        may_make: Files and folders that it makes for some inputs only. If they are
            there when it ends, they are outputs.
    """

    name: str
    command: tuple[str, ...]
    inputs: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()
    may_make: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Check the name, and that the stamp has a file to be named after.

        Raises:
            ValueError: The name is wrong, or there is no command or no file.
        """
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.name):
            raise ValueError(f"step '{self.name}': a name has letters, digits, _ and -")
        if not self.command:
            raise ValueError(f"step {self.name}: there is no command after --")
        if not self.outputs + self.inputs:
            raise ValueError(f"step {self.name}: name an output or an input")

    @property
    def target(self) -> Path:
        """The first output, or the first input of a step that makes nothing."""
        return (self.outputs + self.inputs)[0]

    @property
    def stamp_path(self) -> Path:
        """The path of the stamp of this step."""
        return self.target.parent / f".{self.target.name}.{self.name}.stamp"


def options_of(command: Sequence[str]) -> list[str]:
    """Return the words of a command on which its result depends.

    A launcher in front (all words up to the last bare `--`) is left out, and so are
    the options that change only speed or messages (NEUTRAL_OPTIONS).

    Examples:
        >>> options_of("run-jobs --log a -- hamzaban train-lm --nj 4 --order 3".split())
        ['hamzaban', 'train-lm', '--order', '3']
    """
    words = list(command)
    while "--" in words:
        words = words[words.index("--") + 1 :]
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("--") and _option_name(word) in NEUTRAL_OPTIONS:
            skip = "=" not in word
        else:
            kept.append(word)
    return kept


def _option_name(word: str) -> str:
    return word[2:].partition("=")[0].replace("-", "_")


def list_files(path: Path) -> list[Path]:
    """Return a file itself, or the files of a folder without hidden and temporary ones.

    Raises:
        FileNotFoundError: There is nothing at the path.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file or folder")
    if not path.is_dir():
        return [path]
    return sorted(
        entry for entry in path.iterdir() if is_lasting(entry.name) and entry.is_file()
    )


def fingerprint(
    paths: Iterable[Path], known: dict[str, Fingerprint]
) -> dict[str, Fingerprint]:
    """Return the fingerprints of files, which differ if their content does.

    Args:
        paths: Files and folders, as in Step.
        known: Earlier fingerprints; a small file is read again only if its size or
            time differ from there.

    Returns:
        The fingerprint of each file, by its name.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    files = (file for path in paths for file in list_files(path))
    return {str(file): _describe(file, known.get(str(file))) for file in files}


def fingerprint_outputs(paths: Iterable[Path]) -> dict[str, Fingerprint]:
    """Return the fingerprints of what a step made.

    Each file in a folder has a fingerprint of its content. The files in a folder below
    it have one in common, of their names and sizes.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    paths = list(paths)
    found = fingerprint(paths, {})
    for path in filter(Path.is_dir, paths):
        found |= describe_below(path)
    return found


def _describe(file: Path, known: Fingerprint | None) -> Fingerprint:
    stat = file.stat()
    found: Fingerprint = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    if known and all(known.get(key) == found[key] for key in found):
        return known
    if stat.st_size > SMALL_FILE_BYTES:
        return {**found, "sha256": None}
    with open(file, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {**found, "sha256": digest}


def is_same(old: Fingerprint, new: Fingerprint) -> bool:
    """Return whether two fingerprints stand for the same content."""
    if old["sha256"] is None or new["sha256"] is None:
        return all(old[key] == new[key] for key in ("size", "mtime_ns"))
    return bool(old["sha256"] == new["sha256"])


def read_stamp(path: Path) -> dict[str, Any] | None:
    """Return a stamp; None if there is none that can be read."""
    stamp = read_record(path)
    fault = "" if stamp is None else _check_content(stamp)
    if fault:
        warn_of_damage(path, fault)
        return None
    return stamp


def _check_content(stamp: Mapping[str, Any]) -> str:
    """Return what is wrong with the content of a stamp; empty if nothing is."""
    for key, kind in _KEYS.items():
        if not isinstance(stamp.get(key), kind):
            return f"it has no {key}"
    fingerprints = [stamp.get(key, {}) for key in _FINGERPRINTS]
    word_lists = [stamp.get(key, []) for key in ("command", "reads", "makes")]
    are_whole = all(
        isinstance(each, dict) and each.keys() >= {"size", "mtime_ns", "sha256"}
        for found in fingerprints
        for each in (found.values() if isinstance(found, dict) else [None])
    ) and all(
        isinstance(words, list) and all(isinstance(word, str) for word in words)
        for words in [*word_lists, [stamp.get("step", "")]]
    )
    return "" if are_whole else "a value is not as it was written"


def write_stamp(path: Path, stamp: dict[str, Any]) -> None:
    """Write a stamp atomically."""
    with atomic_text(path) as stream:
        json.dump(stamp, stream, ensure_ascii=False, indent=1)
        stream.write("\n")


def list_changes(
    stamp: dict[str, Any], step: Step, inputs: dict[str, Fingerprint]
) -> list[str]:
    """Return how the command and the inputs of a step differ from those of a stamp.

    Args:
        stamp: The stamp of an earlier run.
        step: The step as it would run now.
        inputs: The fingerprints of its inputs now.

    Returns:
        The differences, each in a few words; empty if there are none.
    """
    changes = []
    before, now = options_of(stamp["command"]), options_of(step.command)
    if before != now:
        changes.append(f"options are different: {_describe_change(before, now)}")
    for name in sorted(stamp["inputs"].keys() | inputs.keys()):
        if name not in inputs:
            changes.append(f"input {name} is gone")
        elif name not in stamp["inputs"]:
            changes.append(f"input {name} is new")
        elif not is_same(stamp["inputs"][name], inputs[name]):
            changes.append(f"input {name} has changed")
    return changes


def list_damage(stamp: dict[str, Any], outputs: Iterable[Path]) -> list[str]:
    """Return what is wrong with the outputs of a stamp of state `done`.

    Args:
        stamp: The stamp.
        outputs: The outputs of the step.

    Returns:
        Each fault in a few words. Of big files, only the size is compared. Files in
        folders are compared by name and size; those written after the step ended are a
        fault, unless all outputs were, as in a copy of the whole.
    """
    damage = [f"output {path} is missing" for path in outputs if not path.exists()]
    rewritten: dict[str, tuple[int, int]] = {}
    is_copy = True  # of all outputs, made without their times
    for name, old in stamp["outputs"].items():
        is_folder = name.endswith("/")
        if not (Path(name).is_dir() if is_folder else Path(name).is_file()):
            damage.append(f"output {name} is missing")
            continue
        if not is_folder:
            new = _describe(Path(name), old)
            big = old["sha256"] is None
            is_copy &= new["mtime_ns"] != old["mtime_ns"]
            if old["size"] != new["size"] or not (big or is_same(old, new)):
                damage.append(f"output {name} has changed")
            continue
        new = describe_folder(name)
        damage += _compare_folders(name, old, new)
        rewritten[name] = count_newer(name, old, new), new["size"]
    if not is_copy or any(count < size for count, size in rewritten.values()):
        damage += [
            f"output {name} has {count} files written after the step ended"
            for name, (count, _) in rewritten.items()
            if count
        ]
    return list(dict.fromkeys(damage))


def _compare_folders(name: str, old: Fingerprint, new: Fingerprint) -> list[str]:
    """Return how the names and sizes of the files in an output folder differ."""
    if new["size"] != old["size"]:
        return [f"output {name} has {new['size']} files, expected {old['size']}"]
    if not is_same(old, new):
        return [f"output {name} has files of other names or sizes"]
    return []


def _describe_change(before: list[str], now: list[str]) -> str:
    gone = [word for word in before if word not in now]
    come = [word for word in now if word not in before]
    if not gone and not come:
        return "their order"
    return f"'{' '.join(gone)}' became '{' '.join(come)}'"
