"""A process that has imported ESPnet; `hamzaban` on PATH makes it fork for each verb.

A recipe calls `hamzaban` thirty times, and importing ESPnet costs 10 to 20 s of CPU.
Here each call is a fork of one warm process, with the working folder, environment and
standard streams of the caller. Everything else is real: run.sh, asr.sh, run-stage,
run-jobs and the verbs.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 300.0  # long, since the machine may be busy
# What the verbs of stages 1 to 10 import.
MODULES = (
    *("hamzaban.asr.task", "hamzaban.pretrain.task", "hamzaban.decode.search_run"),
    *("hamzaban.decode.beam", "hamzaban.audio.stage", "hamzaban.lm.leaks"),
    *("hamzaban.score.files", "hamzaban.text", "torch._dynamo", "matplotlib.pyplot"),
    *("torch.utils.tensorboard", "sentencepiece", "soundfile", "av", "yaml"),
)
CLIENT = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect(sys.argv[1])
    call = {"cwd": os.getcwd(), "env": dict(os.environ), "words": sys.argv[2:]}
    data = json.dumps(call).encode()
    socket.send_fds(link, [len(data).to_bytes(8, "big")], [0, 1, 2])
    link.sendall(data)
    status = link.recv(16)
sys.exit(int(status) if status else 137)
"""


@contextmanager
def warm_process() -> Iterator[Path]:
    """Start the process; return a folder with a command `hamzaban`, for PATH."""
    with tempfile.TemporaryDirectory(prefix="warm") as folder:  # short: a socket's path
        place = Path(folder) / "socket"
        client = Path(folder) / "client.py"
        client.write_text(CLIENT, encoding="utf-8")
        words = shlex.join([sys.executable, "-IS", str(client), str(place)])
        command = Path(folder) / "bin" / "hamzaban"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
        ours = {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
        server = subprocess.Popen(
            [sys.executable, __file__, str(place)],
            env=os.environ | ours,
            start_new_session=True,
        )
        try:
            _wait_for(place, server)
            yield command.parent
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait_for(place: Path, server: "subprocess.Popen[bytes]") -> None:
    limit = time.monotonic() + START_S
    while not place.exists():
        assert server.poll() is None, "the warm process has ended"
        assert time.monotonic() < limit, f"not warm after {START_S} s"
        time.sleep(0.05)


def serve(place: str) -> None:
    """Import, then fork for each call until killed."""
    import importlib

    from hamzaban import compat
    from hamzaban.processes import die_with_parent

    die_with_parent(signal.SIGKILL)
    with compat.fast_imports():
        for name in MODULES:
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps children
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}.new")
        listener.listen(64)
        Path(f"{place}.new").rename(place)
        while True:
            link, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(link)
            link.close()


def _answer(link: socket.socket) -> None:
    """Run a call in this fork, and end it."""
    from hamzaban.processes import die_with_parent

    die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(link, 8, 3)
    with link.makefile("rb") as stream:
        call = json.loads(stream.read(int.from_bytes(head, "big")))
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["env"])
    status = 1
    try:
        from hamzaban.cli import main

        status = main(call["words"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        link.sendall(str(status).encode())
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
