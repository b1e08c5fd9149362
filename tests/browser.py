"""Headless Chromium as the reports' reader: a page opened at a width, light or dark, with the network off."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.browser.chromium import LIMIT_S, Chromium
from harness.clock import S, monotonic_ns


class Browser:
    """One browser with one page. ``complaints`` holds all that it logged: errors, warnings, refused loads."""

    def __init__(self, home: Path) -> None:
        """Start it with a profile of its own in ``home``."""
        self._browser, self._session = Chromium(home), ""
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        """Make its page, offline. Raises ``ControlError`` if the browser does not answer; it is ended then."""
        try:
            target = self._call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self._call(f"{domain}.enable")
            offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
            self._call("Network.emulateNetworkConditions", **offline)
        except BaseException:
            self._browser.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._browser.end()

    def open(self, file: Path, width: int, *, dark: bool) -> None:
        """Open a file at a width in CSS pixels, light or dark, and wait until it is loaded."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._hear()
        self._call("Page.navigate", url=file.resolve().as_uri())
        self._hear("Page.loadEventFired")

    def ask(self, expression: str) -> Any:
        """Evaluate an expression in the page and give its value."""
        value = self._call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")
        self._hear()
        return value

    def screenshot(self, to: Path) -> None:
        """Take a picture of the whole page."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self._call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        to.write_bytes(base64.b64decode(shot["data"]))

    def _call(self, method: str, **params: Any) -> Mapping[str, Any]:
        return self._browser.call(method, self._session, **params)

    def _hear(self, until: str = "") -> None:
        """Hear what has come, up to an event where one is named, and keep the complaints."""
        deadline_ns = monotonic_ns() + int(LIMIT_S * S) if until else 0
        while (message := self._browser.message(deadline_ns)) is not None:
            self._listen(message)
            if until and message.get("method") == until:
                return
        if until:
            raise RuntimeError(f"no {until} within {LIMIT_S:g} s")

    def _listen(self, message: Mapping[str, Any]) -> None:
        params = message.get("params", {})
        texts: Mapping[str, Sequence[str]] = {
            "Log.entryAdded": [params.get("entry", {}).get("text", "")],
            "Runtime.consoleAPICalled": [str(params.get("args"))],
            "Runtime.exceptionThrown": [str(params.get("exceptionDetails"))],
            "Network.loadingFailed": [f"load failed: {params.get('errorText')}"],
        }
        self.complaints += texts.get(message.get("method", ""), [])
