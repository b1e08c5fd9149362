"""One load of one page in a real browser: a context of its own, so that no cache, connection or cookie is left from before.

The cache is cold because it is new; it is not switched off, for then a browser asks for everything with ``no-cache``, which
no shopper's does. What the page shows is heard from a script in a world of its own, which the page cannot reach.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from harness.browser.chromium import Chromium, GoneError
from harness.clock import monotonic_ns
from harness.errors import ControlError
from harness.model import noun
from harness.views import BLIND, BROKEN, CRASHED, NO_PICTURE, PATIENCE_NS, STATUS, UNDECODED, UNPAINTED, UNREACHED

WIDTH, HEIGHT, SHOT_SCALE = 1280, 900, 0.5
CALL_S, SHOT_S = 5.0, 3.0
SERVED_BY = "x-served-by"
WORLD, TOLD = "windtunnel", "windtunnelTold"
EYES = f"""(() => {{
const say = word => {TOLD}(JSON.stringify(word));
new PerformanceObserver(list =>
  list.getEntriesByName('first-contentful-paint').forEach(one => say({{painted: one.startTime}}))
).observe({{type: 'paint', buffered: true}});
document.addEventListener('DOMContentLoaded', () => {{
  const size = one => {{ const box = one.getBoundingClientRect(); return box.width * box.height; }};
  const [largest] = [...document.images].sort((one, other) => size(other) - size(one));
  if (!largest) say({{none: true}});
  else largest.decode().then(() => say({{decoded: performance.now()}}), () => say({{broken: true}}));
}});
}})()"""
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
CONTROL = "data:text/html," + quote(f'<p>words</p><img width=99 height=99 src="data:image/png;base64,{DOT}">')


@noun
class Cookie:
    """A cookie that the browser comes with; ``secure`` where it is for https alone."""

    name: str
    value: str
    url: str


@noun
class Seen:
    """What became of a load; see ``Views``. Times in us since the navigation began, None where it never came to that."""

    status: int = 0
    painted_us: int | None = None
    decoded_us: int | None = None
    served: str = ""
    error: str = ""


class Page:
    """A blank page in a fresh context, prepared for one load; ``close`` it. Raises ``GoneError``, ``ControlError``."""

    def __init__(self, browser: Chromium, cookie: Cookie | None = None) -> None:
        self._browser = browser
        self._context = str(self._call("Target.createBrowserContext")["browserContextId"])
        window = {"url": "about:blank", "browserContextId": self._context, "width": WIDTH, "height": HEIGHT}
        target = self._call("Target.createTarget", **window)["targetId"]
        self._session = str(self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        for domain in ("Page", "Network", "Runtime", "Inspector"):
            self._tell(f"{domain}.enable")
        if cookie is not None:
            given = {"name": cookie.name, "value": cookie.value, "url": cookie.url}
            self._call("Storage.setCookies", cookies=[given], browserContextId=self._context)
        self._tell("Runtime.addBinding", name=TOLD, executionContextName=WORLD)
        self._tell("Page.addScriptToEvaluateOnNewDocument", source=EYES, worldName=WORLD)

    def load(self, url: str) -> Seen:
        """Go there, and give what came of it within the patience of a shopper. Raises ``GoneError``."""
        watch = _Watch(self._browser.send("Page.navigate", self._session, url=url), self._session)
        deadline_ns = monotonic_ns() + PATIENCE_NS
        while not watch.over and (message := self._browser.message(deadline_ns)) is not None:
            watch.hear(message)
        return watch.seen()

    def shot(self) -> bytes:
        """Give a picture of what stands there, as PNG, at half its size; empty where it cannot be taken."""
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": SHOT_SCALE}
        try:
            taken = self._browser.call("Page.captureScreenshot", self._session, SHOT_S, format="png", clip=clip)
        except GoneError:
            raise
        except ControlError:
            return b""
        return base64.b64decode(taken["data"])

    def close(self) -> None:
        """Forget it and all that it has kept."""
        self._call("Target.disposeBrowserContext", browserContextId=self._context)
        self._browser.forget()

    def _call(self, method: str, **params: Any) -> Mapping[str, Any]:
        return self._browser.call(method, "", CALL_S, **params)

    def _tell(self, method: str, **params: Any) -> None:
        self._browser.call(method, self._session, CALL_S, **params)


class _Watch:
    """Hears what the browser says of one load."""

    def __init__(self, number: int, session: str) -> None:
        self._number, self._session = number, session
        self._status, self._served = 0, ""
        self._said: dict[str, Any] = {}
        self._failed = self._crashed = False

    @property
    def over(self) -> bool:
        """Whether nothing more can come that matters."""
        ill = self._crashed or self._failed or self._status not in (0, 200)
        picture = self._said.keys() & {"decoded", "none", "broken"}
        return ill or ("painted" in self._said and bool(picture))

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take in an answer or an event."""
        if message.get("id") == self._number:
            self._failed = "error" in message or bool(message["result"].get("errorText"))
        if message.get("sessionId") != self._session:
            return
        params = message.get("params", {})
        match message.get("method"):
            case "Network.responseReceived" if params["type"] == "Document" and not self._status:
                headers = {name.lower(): str(value) for name, value in params["response"]["headers"].items()}
                self._status, self._served = int(params["response"]["status"]), headers.get(SERVED_BY, "")
            case "Runtime.bindingCalled" if params["name"] == TOLD:
                self._said |= json.loads(params["payload"])
            case "Inspector.targetCrashed":
                self._crashed = True

    def seen(self) -> Seen:
        """Say what was seen by now. What a browser paints in place of a page that did not come is not the shop's."""
        painted, decoded = self._us("painted"), self._us("decoded")
        if self._crashed:
            return Seen(error=CRASHED)
        if self._failed or self._status == 0:
            return Seen(error=UNREACHED)
        if self._status != 200:
            return Seen(status=self._status, served=self._served, error=STATUS)
        lacks = {
            UNPAINTED: painted is None,
            NO_PICTURE: "none" in self._said,
            BROKEN: "broken" in self._said,
            UNDECODED: decoded is None,
        }
        error = next((word for word, applies in lacks.items() if applies), "")
        return Seen(status=self._status, painted_us=painted, decoded_us=decoded, served=self._served, error=error)

    def _us(self, what: str) -> int | None:
        return round(1e3 * self._said[what]) if what in self._said else None


def sees(browser: Chromium) -> bool:
    """Say whether the browser itself paints and decodes, by a page that comes from nowhere. Raises ``GoneError``."""
    try:
        page = Page(browser)
        seen = page.load(CONTROL)
        page.close()
    except GoneError:
        raise
    except ControlError:
        return False
    return not seen.error


def checked(browser: Chromium, seen: Seen) -> Seen:
    """Give what was seen, unless the browser itself no longer sees anything: that says nothing of the shop."""
    if seen.error in (UNREACHED, UNPAINTED, UNDECODED) and not sees(browser):
        return Seen(error=BLIND)
    return seen
