"""Run a step of a stage if its outputs, inputs or options ask for it."""

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from hamzaban import __version__
from hamzaban.fileio import remove_leftovers
from hamzaban.launch.local import exit_status
from hamzaban.launch.logs import STEP_VARIABLE
from hamzaban.launch.many_files import Fingerprint
from hamzaban.launch.notes import (
    list_changed_notes,
    note_folder,
    read_noted_recordings,
    read_notes,
)
from hamzaban.launch.stamp import (
    Step,
    fingerprint,
    fingerprint_outputs,
    list_changes,
    list_damage,
    read_stamp,
    write_stamp,
)
from hamzaban.locks import describe_lock
from hamzaban.processes import die_with_parent

LOCK_WAIT_S = 15.0  # longer than a step needs to end after SIGTERM
ASIDE_DIR = "set_aside"
RUNNING = "running"  # state of a stamp
ASKED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
)  # signals that ask a process to end


def run_stage(step: Step, set_aside: Path | None = None) -> int:
    """Run a step, or do nothing if it is done and nothing has changed.

    Args:
        step: The step.
        set_aside: A folder whose content belongs to one set of inputs and options. If
            it holds an earlier run with others, it is moved to `set_aside/` beside it
            before the step starts; a run that was cut short but had the same inputs
            and options stays, to be continued.

    Returns:
        The exit status of the command, 0 if it was not needed.

    Raises:
        FileNotFoundError: An input is missing before, or an output after the run.
        ValueError: The same step is being run by another process.
    """
    with _lock(step):
        stamp = read_stamp(step.stamp_path)
        inputs = _read_inputs(step, stamp)
        reasons, changed = explain(stamp, step, inputs)
        if not reasons:
            logging.info("%s: %s is up to date", step.name, step.target)
            return 0
    if set_aside is not None and changed and set_aside.exists():
        _set_aside(set_aside)
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    logging.info("%s: %s: %s%s", step.name, step.target, reasons[0], more)
    resumed = stamp if stamp and not changed and stamp["state"] == RUNNING else {}
    with _lock(step) as lock:
        return _run(step, inputs, lock, resumed.get("run") or secrets.token_hex(6))


def explain(
    stamp: dict[str, Any] | None, step: Step, inputs: dict[str, Fingerprint]
) -> tuple[list[str], bool]:
    """Return why a step has to run.

    Args:
        stamp: The stamp of its last run, or None.
        step: The step as asked for now.
        inputs: The fingerprints of its inputs now.

    Returns:
        The reasons, none if the step is done; and whether the last run had other
        inputs or options, whether it ended or not.
    """
    if stamp is None:
        return ["was not made yet"], False
    changes = list_changes(stamp, step, inputs) + list_changed_notes(stamp)
    if stamp["state"] != "done":
        return ["was begun and not finished", *changes], bool(changes)
    return changes + list_damage(stamp, step.outputs), bool(changes)


def _read_inputs(step: Step, stamp: dict[str, Any] | None) -> dict[str, Fingerprint]:
    try:
        return fingerprint(step.inputs, stamp["inputs"] if stamp else {})
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"step {step.name}: input {error}; run the stage that makes it"
        ) from error


def _run(step: Step, inputs: dict[str, Fingerprint], lock: int, run: str) -> int:
    """Run the command of a step between its two stamps; return the exit status.

    Args:
        step: The step.
        inputs: The fingerprints of its inputs.
        lock: Descriptor of its lock.
        run: Names this run. A run that resumes one that was cut short has the same
            name, by which the launcher knows the jobs that are complete.
    """
    started = time.monotonic()
    stamp: dict[str, Any] = {
        "state": RUNNING,
        "run": run,
        "step": step.name,
        "command": list(step.command),
        "reads": [str(path) for path in step.inputs],
        "makes": [str(path) for path in step.outputs],
        "inputs": inputs,
        "outputs": {},
        "started": datetime.now().isoformat(timespec="seconds"),
        "host": socket.gethostname(),
        "hamzaban": __version__,
    }
    _remove_leftovers_of(step)
    write_stamp(step.stamp_path, stamp)
    began_ns = time.time_ns()
    with note_folder(step.stamp_path) as variables:
        named = {**variables, STEP_VARIABLE: run}
        status = run_command(step.command, lock, named)
        stamp["noted"] = read_notes(step.stamp_path, began_ns)
        stamp["recordings"] = read_noted_recordings(step.stamp_path)
    if status != 0:
        logging.error("%s: ended with status %d", step.name, status)
        return status
    try:
        stamp["outputs"] = _describe_outputs(step)
    except FileNotFoundError:  # its jobs are not complete, whatever their logs say
        write_stamp(step.stamp_path, {**stamp, "run": ""})
        raise
    stamp["elapsed_s"] = round(time.monotonic() - started, 1)
    write_stamp(step.stamp_path, {**stamp, "state": "done"})
    logging.info("%s: %s done in %.1f s", step.name, step.target, stamp["elapsed_s"])
    return 0


def _describe_outputs(step: Step) -> dict[str, Fingerprint]:
    missing = [str(path) for path in step.outputs if not path.exists()]
    if missing:
        raise FileNotFoundError(
            f"step {step.name}: {step.command[0]} succeeded but did not make"
            f" {', '.join(missing)}"
        )
    made = [path for path in step.may_make if path.exists()]
    return fingerprint_outputs([*step.outputs, *made])


def _remove_leftovers_of(step: Step) -> None:
    """Remove temporary files that killed runs of a step left behind."""
    remove_leftovers(step.stamp_path.parent, recursive=False)
    for path in step.outputs:
        if path.is_dir():
            remove_leftovers(path)
        else:
            remove_leftovers(path.parent, recursive=False)


def run_command(
    command: tuple[str, ...],
    lock: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> int:
    """Run a command that ends when this process is asked to end, or is killed.

    Args:
        command: Its words; no shell reads them.
        lock: Descriptor of a lock that the command inherits and holds until it ends.
        variables: Added to the environment of this process.

    Returns:
        Its exit status, 128 + number if a signal ended it or this process.

    Raises:
        FileNotFoundError: There is no such command.
    """
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(f"{command[0]}: no such command, or not executable")
    process: subprocess.Popen[bytes] | None = None
    received: list[int] = []

    def forward(number: int, _: FrameType | None) -> None:
        received.append(number)
        if (
            process is not None and number != signal.SIGINT
        ):  # a terminal sends SIGINT to both
            process.send_signal(number)

    heeded = [n for n in ASKED if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, forward) for number in heeded}
    try:
        process = _start(command, lock, variables or {})
        if received:
            process.terminate()
        status = exit_status(process.wait())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + received[0] if received and status == 0 else status


def _start(
    command: tuple[str, ...], lock: int | None, variables: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        env=os.environ | variables | ({} if lock is None else describe_lock(lock)),
        pass_fds=() if lock is None else (lock,),
        preexec_fn=die_with_parent,
    )


@contextlib.contextmanager
def _lock(step: Step) -> Iterator[int]:
    """Hold the lock of a step, `.<output>.<step>.lock`; yield its descriptor."""
    path = step.stamp_path.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        limit = time.monotonic() + LOCK_WAIT_S
        while not _try_lock(descriptor):
            if time.monotonic() > limit:
                raise ValueError(
                    f"{step.target}: step {step.name} is being run by another"
                    " process; wait until it ends, or end it"
                )
            time.sleep(0.1)
        yield descriptor
    finally:
        os.close(descriptor)


def is_running(step: Step) -> bool:
    """Return whether a process runs the step now; nothing is made or changed."""
    try:
        descriptor = os.open(step.stamp_path.with_suffix(".lock"), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(
            descriptor, fcntl.LOCK_SH
        )  # a shared lock does for reading
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _set_aside(folder: Path) -> None:
    aside = folder.parent / ASIDE_DIR
    aside.mkdir(exist_ok=True)
    number = 1
    while (aside / f"{folder.name}.{number}").exists():
        number += 1
    folder.rename(aside / f"{folder.name}.{number}")
    logging.warning(
        "%s: was made with other inputs or options; it is now %s",
        folder,
        aside / f"{folder.name}.{number}",
    )
