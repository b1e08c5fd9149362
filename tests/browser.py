"""Headless Chromium by its own debugging pipe: a page opened as a reader would, with the network off. No driver needed."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LIMIT_S = 60.0
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe"
)


class Browser:
    """One browser with one page. ``complaints`` holds all that it logged: errors, warnings, refused loads."""

    def __init__(self, home: Path) -> None:
        """Start it with a profile of its own in ``home``."""
        found = shutil.which("chromium")
        if found is None:
            raise RuntimeError("no chromium on PATH; type: python3 harness/prepare.py --browser")
        theirs_in, self._write = _pipe()
        self._read, theirs_out = _pipe()
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" {FLAGS} "--user-data-dir=$1" 3<&{theirs_in} 4>&{theirs_out}', found, home],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number, self._session = b"", 0, ""
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        """Make its page, offline. Raises ``RuntimeError`` if the browser does not answer; it is ended then."""
        try:
            target = self._call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self._call(f"{domain}.enable")
            offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
            self._call("Network.emulateNetworkConditions", **offline)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        """Close its pipe, which ends it; kill it if it does not."""
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(LIMIT_S / 4)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(LIMIT_S / 4)

    def open(self, file: Path, width: int, *, dark: bool) -> None:
        """Open a file at a width in CSS pixels, light or dark, and wait until it is loaded."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=file.resolve().as_uri())
        self._until("Page.loadEventFired")

    def ask(self, expression: str) -> Any:
        """Evaluate an expression in the page and give its value."""
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, to: Path) -> None:
        """Take a picture of the whole page."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self._call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        to.write_bytes(base64.b64decode(shot["data"]))

    def _call(self, method: str, **params: Any) -> Mapping[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        answer = self._until(self._number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: Mapping[str, Any] = answer["result"]
        return result

    def _until(self, wanted: int | str) -> Mapping[str, Any]:
        """Read messages up to an answer (by number) or an event (by name), and keep the complaints on the way."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            message = self._message(deadline, wanted)
            self._listen(message)
            if wanted in (message.get("id"), message.get("method")):
                return message

    def _message(self, deadline: float, wanted: int | str) -> Mapping[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self._read, 1 << 20) if ready else b""
            if not chunk:
                raise RuntimeError(f"chromium did not answer {wanted!r} within {LIMIT_S:g} s, or ended")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: Mapping[str, Any] = json.loads(line)
        return message

    def _listen(self, message: Mapping[str, Any]) -> None:
        params = message.get("params", {})
        texts: Mapping[str, Sequence[str]] = {
            "Log.entryAdded": [params.get("entry", {}).get("text", "")],
            "Runtime.consoleAPICalled": [str(params.get("args"))],
            "Runtime.exceptionThrown": [str(params.get("exceptionDetails"))],
            "Network.loadingFailed": [f"load failed: {params.get('errorText')}"],
        }
        self.complaints += texts.get(message.get("method", ""), [])


def _pipe() -> tuple[int, int]:
    """A pipe whose ends have high numbers, so that the browser's own 3 and 4 are free."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]
