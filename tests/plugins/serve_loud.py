"""A server process whose model hears loud frames, and waits while a file exists.

python serve_loud.py HOLD OPTIONS... runs `hamzaban serve` with these options.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Server:
    """A running server.

    Attributes:
        port: Its port.
        folder: A folder of its own, with temporary files in tmp/.
        hold: While this file exists, the model waits.
    """

    def __init__(self, folder, *options, model=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.hold = folder, folder / "hold"
        (folder / "tmp").mkdir()
        command = [sys.executable, __file__, str(self.hold)]
        if model is not None:
            command = [sys.executable, "-m", "hamzaban", "serve", str(model)]
        paths = [str(HERE.parents[1] / "plugins"), str(HERE), str(HERE.parent)]
        self._log = open(folder / "log", "wb")  # noqa: SIM115 (stays open)
        self.process = subprocess.Popen(
            [*command, "--port", "0", *map(str, options)],
            stderr=self._log,
            stdout=self._log,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "TMPDIR": str(folder / "tmp"),
            },
        )
        wait_until(lambda: "serving http" in self.log() or self.process.poll())
        found = re.search(r"serving http://127\.0\.0\.1:(\d+)", self.log())
        assert found, self.log()
        self.port = int(found[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hold.unlink(missing_ok=True)
        self.process.kill()
        self.process.wait()
        self._log.close()

    def log(self):
        return (self.folder / "log").read_text("utf-8", "replace")

    def temporary_files(self):
        """Return the files in TMPDIR, but for the one that ONNX Runtime keeps."""
        return [p.name for p in (self.folder / "tmp").iterdir() if p.name != ".ses"]

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def get(self, path, **headers):
        return self.ask("GET", path, None, headers)

    def ask(self, method, path, body, headers):
        """Return status, headers and text."""
        connection = self.connect()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        found = response.status, response.headers, response.read().decode()
        connection.close()
        return found

    def post(self, data, query="", field="file", **headers):
        """Send a file; return status, headers and text."""
        body, kind = make_form(data, field)
        return self.ask("POST", f"/transcribe{query}", body, {**kind, **headers})

    def metric(self, line):
        """Return the value of a line of the metrics, 0 if there is none."""
        text = self.get("/metrics")[2]
        found = re.search(rf"^hamzaban_{re.escape(line)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0


def make_form(data, field="file", name="../../etc/$(id) secret.wav"):
    """Return a form with a file, and its header."""
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; '
        f'filename="{name}"\r\n\r\n'
    )
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


def error_of(answer):
    """Return status and message of an answer, which is one line of JSON."""
    status, _, text = answer
    found = json.loads(text)
    assert list(found) == ["error"]
    assert "\n" not in text.strip()
    return status, found["error"]


def wait_until(is_true, wait_s=120):
    deadline = time.monotonic() + wait_s
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def _main(hold, words):
    import test_transcribe_run as loud

    from hamzaban.cli import main
    from hamzaban.transcribe import loading

    class Holding(loud.LoudFrames):
        def emit(self, waveforms):
            while Path(hold).exists():
                time.sleep(0.02)
            return super().emit(waveforms)

    def load(_model, _search, options):
        decoder = loud.GreedySearch().build(Holding.tokenizer, loud.SearchFiles())
        return loud.Transcriber(Holding(), decoder, options)

    loading.load_transcriber = load
    return main(["serve", "loud", *words])


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], sys.argv[2:]))
