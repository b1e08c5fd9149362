"""The shop as it is entered by a test: at steering over TLS, or at any of its parts; and one thing broken meanwhile."""

import http.client
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

from harness.clock import MachineClock, pause
from harness.drivers import driver
from harness.model import Break
from harness.shop import RunningShop
from sut.services.identity import password

EDGES = ("cdn_a", "cdn_b")
PRODUCT = "/products/SKU-00001"
NOW_NS = MachineClock().now_ns
BACK_S, NOTICED_S = 30.0, 3.0


class Asked:
    """An answer: its status, who served it, its body, the cookie it set."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.body = response.status, response.read()
        self.served_by = response.headers.get_all("X-Served-By") or []
        self.digest, self.shopper = response.headers.get("Repr-Digest"), response.headers.get("X-Shopper")
        self.cookie = (response.headers.get("Set-Cookie") or "").partition(";")[0]


class Door:
    """The shop, entered at steering or at any of its parts."""

    def __init__(self, shop: RunningShop) -> None:
        self.shop, self.entry = shop, shop.entry
        self.trust = ssl.create_default_context(cadata=self.entry.ca)
        self.at = {thing.name: str(thing.state["address"]) for thing in shop.residence.things}

    def ask(self, path: str, *, of: str = "", key: str | None = None, cookie: str = "") -> Asked:
        """GET a path, or place an order, under a key or, if that is empty, without; of steering, else of a part itself.

        Raises ``OSError``, ``HTTPException``.
        """
        steering = urlsplit(self.entry.url).netloc
        wire = (
            http.client.HTTPConnection(self.at[of], 8080, timeout=10)
            if of
            else http.client.HTTPSConnection(steering, context=self.trust, timeout=10)
        )
        headers = {"Cookie": cookie} if cookie else {}
        try:
            if key is None:
                wire.request("GET", path, headers=headers)
            else:
                headers |= {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
                wire.request("POST", path, body='{"lines":[{"sku":"SKU-00001","qty":1}]}', headers=headers)
            return Asked(wire.getresponse())
        finally:
            wire.close()

    def login(self, shopper: int, *, of: str) -> str:
        """Log a shopper in through one part; give the cookie of that session."""
        wire = http.client.HTTPConnection(self.at[of], 8080, timeout=10)
        said = json.dumps({"shopper": shopper, "password": password(shopper)})
        wire.request("POST", "/login", body=said, headers={"Content-Type": "application/json"})
        cookie = Asked(wire.getresponse()).cookie
        wire.close()
        assert cookie.startswith("sid=")
        return cookie

    def reached(self) -> int:
        """Count what has reached the storefronts, by the word of the balancer."""
        ways = ("ordering", "browsing")
        return sum(self.counted("lb", f'haproxy_backend_http_requests_total{{proxy="{way}"}}') for way in ways)

    def well(self, edge: str) -> bool:
        """Say whether steering calls an edge well."""
        return self.counted("steering", f'haproxy_server_status{{proxy="edges",server="{edge}",state="UP"}}') == 1

    def counted(self, part: str, name: str) -> int:
        """Read one number of a HAProxy's own."""
        wire = http.client.HTTPConnection(self.at[part], 8404, timeout=5)
        wire.request("GET", "/metrics")
        match = re.search(rf"^{re.escape(name)} (\d+)$", wire.getresponse().read().decode(), re.MULTILINE)
        wire.close()
        assert match, name
        return int(match[1])

    def cookie(self, edge: str) -> str:
        """Ask until steering sends us to this edge, however seldom; give the cookie that keeps us there."""
        asked = list[Asked]()

        def chosen() -> bool:
            asked.append(self.ask(PRODUCT))
            return asked[-1].served_by == [edge]

        soon(chosen, BACK_S, f"steering chooses {edge}")
        return asked[-1].cookie


def soon(true: Callable[[], object], within_s: float, what: str) -> float:
    """Wait until it is so; give the seconds that took."""
    begun_ns = NOW_NS()
    while not true():
        assert (NOW_NS() - begun_ns) / 1e9 < within_s, f"not within {within_s:g} s: {what}"
        pause(0.1)
    return (NOW_NS() - begun_ns) / 1e9


@contextmanager
def broken(door: Door, breaking: Break) -> Iterator[None]:
    """Break, and mend: until steering has called both edges well for so long that it must have noticed."""
    breaking.act()
    try:
        yield
    finally:
        driver("docker").MENDERS[breaking.undo[0].verb](breaking.undo[0])
        well_since_ns = NOW_NS()

        def long_enough() -> bool:
            nonlocal well_since_ns
            if not all(door.well(edge) for edge in EDGES):
                well_since_ns = NOW_NS()
            return NOW_NS() - well_since_ns > NOTICED_S * 1e9

        soon(long_enough, BACK_S, "both edges are well again")


class Trickle:
    """One shopper after the other, each new to the shop, until it is over: what became of them."""

    def __init__(self, door: Door) -> None:
        self.asked, self.failed, self.slowest_s = list[str](), list[str](), 0.0
        self._door, self._over = door, threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._walk)
        self._thread.start()
        pause(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _walk(self) -> None:
        while not self._over.is_set():
            begun_ns = NOW_NS()
            try:
                asked = self._door.ask(PRODUCT)
                self.asked += asked.served_by
                if asked.status != 200:
                    self.failed.append(f"{asked.status} {asked.body[:80]!r}")
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            self.slowest_s = max(self.slowest_s, (NOW_NS() - begun_ns) / 1e9)
            pause(0.02)
