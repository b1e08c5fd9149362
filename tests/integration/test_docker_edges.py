"""Steering and its two edges in their containers: started once, asked by every HTTP, and one edge after the other lost."""

import http.client
import re
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

import pytest

from harness.capabilities import Killable, Misconfigurable, Pausable, Wrong
from harness.clock import MachineClock, pause
from harness.drivers import driver
from harness.drivers.docker_client import NETWORK, client
from harness.model import Break
from harness.shop import RunningShop
from sut import images
from tests.integration.blows import standing

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PARTS = ("etcd", "orders_db", "db_route", "storefront", "lb", "cdn_a", "cdn_b", "steering")
EDGES = ("cdn_a", "cdn_b")
PRODUCT = "/products/SKU-00001"
NOW_NS = MachineClock().now_ns
NOTICED_S, STALE_NOTICED_S, BACK_S = 3.0, 12.0, 30.0


class Asked:
    """An answer: its status, who served it, its body, the cookie it set."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.body = response.status, response.read()
        self.served_by = response.headers.get_all("X-Served-By") or []
        self.cookie = (response.headers.get("Set-Cookie") or "").partition(";")[0]


class Door:
    """The shop, entered at steering or at any of its parts."""

    def __init__(self, shop: RunningShop) -> None:
        self.shop, self.entry = shop, shop.entry
        self.trust = ssl.create_default_context(cadata=self.entry.ca)
        self.at = {thing.name: str(thing.state["address"]) for thing in shop.residence.things}

    def ask(self, path: str, *, of: str = "", key: str | None = None, cookie: str = "") -> Asked:
        """GET a path, or place an order; of steering, else of a part itself. Raises ``OSError``, ``HTTPException``."""
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
                headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
                wire.request("POST", path, body='{"lines":[{"sku":"SKU-00001","qty":1}]}', headers=headers)
            return Asked(wire.getresponse())
        finally:
            wire.close()

    def reached(self) -> int:
        """Count what has reached the storefronts, by the word of the balancer."""
        return self.counted("lb", r'haproxy_backend_http_requests_total{proxy="storefronts"}')

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
        """Ask until steering sends us to this edge; give the cookie that keeps us there."""
        for _ in range(20):
            asked = self.ask(PRODUCT)
            if asked.served_by == [edge]:
                return asked.cookie
        raise AssertionError(f"steering never chose {edge}")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with standing(tmp_path_factory.mktemp("run"), PARTS, entry="steering") as shop:
        yield Door(shop)


def soon(true: Callable[[], object], within_s: float, what: str) -> float:
    """Wait until it is so; give the seconds that took."""
    begun_ns = NOW_NS()
    while not true():
        assert (NOW_NS() - begun_ns) / 1e9 < within_s, f"not within {within_s:g} s: {what}"
        pause(0.1)
    return (NOW_NS() - begun_ns) / 1e9


@contextmanager
def broken(door: Door, breaking: Break) -> Iterator[None]:
    """Break, and mend: until steering calls both edges well again."""
    breaking.act()
    try:
        yield
    finally:
        driver("docker").MENDERS[breaking.undo[0].verb](breaking.undo[0])
        soon(lambda: all(door.well(edge) for edge in EDGES), BACK_S, "both edges are well again")


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


def test_both_edges_pass_on_what_the_origin_says(door: Door) -> None:
    """Byte for byte, reads and orders, and each says that it did; so does what comes through steering."""
    origin, key = door.ask(PRODUCT, of="lb"), uuid.uuid4().hex
    placed = door.ask("/orders", of="lb", key=key)
    assert (origin.status, placed.status, origin.served_by) == (200, 201, [])
    for edge in EDGES:
        read, again = door.ask(PRODUCT, of=edge), door.ask("/orders", of=edge, key=key)
        assert (read.status, read.body, read.served_by) == (200, origin.body, [edge])
        assert (again.status, again.body, again.served_by) == (200, placed.body, [edge])
        assert door.ask("/orders", of=edge, key=uuid.uuid4().hex).status == 201
        kept = door.cookie(edge)
        assert {tuple(door.ask(PRODUCT, cookie=kept).served_by) for _ in range(5)} == {(edge,)}
        assert door.ask("/orders", key=uuid.uuid4().hex, cookie=kept).status == 201


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_keeps_what_it_may_and_nothing_else(edge: str, door: Door) -> None:
    before = door.reached()
    bodies = {door.ask(PRODUCT, of=edge).body for _ in range(5)}
    assert len(bodies) == 1
    assert door.reached() >= before + 5, "whatever does not say that it may be kept is asked for each time"
    assert len(moments(door, edge)) <= 2, "within a second the origin is asked once, or twice where that begins"
    assert len(moments(door, "lb")) == 10, "whereas its own answers differ"


def moments(door: Door, part: str) -> set[bytes]:
    """Ask ten times in a fifth of a second what the origin's moment is."""
    found = set[bytes]()
    for _ in range(10):
        found.add(door.ask("/now", of=part).body.split(b"\n")[0])
        pause(0.015)
    return found


@pytest.mark.parametrize("version", ["1.1", "2", "3"])
def test_every_http_is_answered(version: str, door: Door) -> None:
    """By a client that believes the run's own authority and nobody else."""
    (steering,) = [thing for thing in door.shop.residence.things if thing.name == "steering"]
    network = client().containers.get(steering.ref).labels[NETWORK]
    only = "-only" if version == "3" else ""
    ask = f"curl -sS -m 5 --http{version}{only} -o /dev/null -w '%{{http_version}} %{{http_code}}'"
    ask += f" --cacert /tmp/ca.pem https://{door.at['steering']}:8443{PRODUCT}"
    said = client(30).containers.run(
        images.tag("tools"),
        ["sh", "-c", f'printf %s "$1" > /tmp/ca.pem && {ask}', "sh", door.entry.ca],
        network=network,
        remove=True,
    )
    assert said.decode() == f"{version} 200"


def test_nobody_else_is_believed(door: Door) -> None:
    strangers = http.client.HTTPSConnection(urlsplit(door.entry.url).netloc, context=ssl.create_default_context(), timeout=5)
    with pytest.raises(ssl.SSLCertVerificationError):
        strangers.request("GET", PRODUCT)


@pytest.mark.parametrize("edge", EDGES)
def test_no_shopper_notices_a_killed_edge(edge: str, door: Door) -> None:
    power = door.shop.able(edge, Killable)
    assert isinstance(power, Killable)
    kept = door.cookie(edge)
    with Trickle(door) as trickle:
        with broken(door, power.kill()):
            assert door.ask(PRODUCT, cookie=kept).status == 200
            noticed_s = soon(lambda: not door.well(edge), NOTICED_S, f"{edge} is left")
            pause(1)
            meanwhile = len(trickle.asked)
            pause(1)
            assert edge not in trickle.asked[meanwhile:]
        soon(lambda: edge in trickle.asked[meanwhile:], BACK_S, f"{edge} gets shoppers again")
    print(f"{edge} killed: noticed after {noticed_s:.1f} s; {len(trickle.asked)} asked, slowest {trickle.slowest_s:.2f} s")
    assert trickle.failed == []
    assert len(trickle.asked) > 50
    assert trickle.slowest_s < 1.5


@pytest.mark.parametrize("edge", EDGES)
def test_a_silent_edge_costs_a_shopper_two_seconds_at_most(edge: str, door: Door) -> None:
    power = door.shop.able(edge, Pausable)
    assert isinstance(power, Pausable)
    kept = door.cookie(edge)
    with Trickle(door) as trickle, broken(door, power.pause()):
        assert door.ask(PRODUCT, cookie=kept).status == 200
        soon(lambda: not door.well(edge), NOTICED_S, f"{edge} is left")
        pause(1)
    print(f"{edge} paused: {len(trickle.asked)} asked, slowest {trickle.slowest_s:.2f} s")
    assert trickle.failed == []
    assert trickle.slowest_s < 2.5


@pytest.mark.parametrize("how", ["status", "body", "stale", "truncated", "slow"])
@pytest.mark.parametrize("edge", EDGES)
def test_steering_leaves_an_edge_that_answers_wrongly(edge: str, how: Wrong, door: Door) -> None:
    """By the answer itself: what the edge says of its own health stays good."""
    power = door.shop.able(edge, Misconfigurable)
    assert isinstance(power, Misconfigurable)
    amount = {"status": 503, "truncated": 500, "slow": 3000}.get(how, 0)
    with broken(door, power.misanswer(how, amount)):
        soon(lambda: not door.well(edge), STALE_NOTICED_S if how == "stale" else NOTICED_S, f"{edge} is left")
        assert {tuple(door.ask(PRODUCT).served_by) for _ in range(5)} == {tuple(one for one in EDGES if one != edge)}
        wire = http.client.HTTPConnection(door.at[edge], 8081, timeout=2)
        wire.request("GET", "/health")
        assert wire.getresponse().status == 200
        wire.close()


@pytest.mark.parametrize("edge", EDGES)
def test_an_order_is_sent_once_and_a_read_again(edge: str, door: Door) -> None:
    """An edge that dies with a request in its hands: the read is repeated on the other one, the order is not."""
    slow, lost = door.shop.able(edge, Misconfigurable), door.shop.able(edge, Killable)
    assert isinstance(slow, Misconfigurable)
    assert isinstance(lost, Killable)
    kept, before = door.cookie(edge), door.reached()
    answers = dict[str, Asked]()
    slow.misanswer("slow", 3000).act()  # a fresh start mends it
    pause(0.3)
    asking = [
        threading.Thread(target=lambda: answers.update(read=door.ask(PRODUCT, cookie=kept))),
        threading.Thread(target=lambda: answers.update(order=door.ask("/orders", key=uuid.uuid4().hex, cookie=kept))),
    ]
    for one in asking:
        one.start()
    pause(0.5)
    assert all(one.is_alive() for one in asking), "the edge holds both"
    with broken(door, lost.kill()):
        for one in asking:
            one.join()
    assert (answers["read"].status, answers["order"].status) == (200, 502)
    assert door.reached() == before + 1, "the read, by the other edge; the order reached nobody"
