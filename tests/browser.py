"""Chromium without a window, driven through a pipe (DevTools protocol)."""

import base64
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from tools import find_tool

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]
TIMEOUT_S = 120


class Browser:
    """A page in a browser; collects errors and messages of its console."""

    def __init__(self, *options):
        """Take further options of Chromium."""
        self._options = options
        self.errors, self.requests = [], []
        self._number, self._loaded, self._rest = 0, False, b""

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        path = find_tool("browser")
        words = [
            path,
            *OPTIONS,
            *self._options,
            f"--user-data-dir={self._profile.name}",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash", *words],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        os.set_blocking(self._read, False)
        self._session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()

    def call(self, method, **params):
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            for reply in self._receive():
                if reply.get("id") == self._number:
                    assert "error" not in reply, (method, reply)
                    return reply["result"]
        raise TimeoutError(method)

    def open(self, place: Path | str, width=1280, height=900, dark=False):
        """Load a file or an address and wait until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._loaded = False
        url = place if isinstance(place, str) else place.resolve().as_uri()
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + TIMEOUT_S
        while not self._loaded and time.monotonic() < deadline:
            list(self._receive())
        assert self._loaded, f"{place} does not load"

    def run(self, script):
        """Return the value of a script; a promise is awaited."""
        result = self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def save_picture(self, path: Path, clip=None):
        """Write the whole page, or a part of it, as PNG."""
        area = {"clip": {**clip, "scale": 1}} if clip else {}
        picture = self.call(
            "Page.captureScreenshot", captureBeyondViewport=True, **area
        )
        path.write_bytes(base64.b64decode(picture["data"]))

    def _receive(self):
        try:
            piece = os.read(self._read, 1 << 20)
        except BlockingIOError:
            time.sleep(0.01)
            return
        assert piece, "the browser has ended"
        *messages, self._rest = (self._rest + piece).split(b"\0")
        for message in map(json.loads, messages):
            self._note(message.get("method"), message.get("params", {}))
            yield message

    def _note(self, method, params):
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and params["type"] != "log":
            self.errors.append(params["args"])
        elif method == "Log.entryAdded":
            self.errors.append(params["entry"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
