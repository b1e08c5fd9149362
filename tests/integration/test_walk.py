"""The real load child with sessions, against a little server with bad manners: what is asked again, and what never is."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.demand import Arrivals, Load, Sessions
from harness.errors import ControlError
from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN, Ledger
from harness.load import requests
from harness.visits import ASSET, CART_PUT, PAGE, PAY, Visits, complete
from tests.integration.flights import awaited
from tests.integration.little_server import Server, half, reset
from tests.integration.loads import SECOND, Flight, flying, spec_for

pytestmark = pytest.mark.slow
LOAD = Load(
    arrivals=Arrivals(orders_per_s=1),
    warm_up_s=0,
    baseline_s=1,
    sessions=Sessions(per_s=20, checkout_ratio=1, think_s=0.1),
)


class Polite:
    """Answers each browser as a shop behind an edge; ``manners`` may answer instead. Counts paths, keeps cookies."""

    def __init__(self, manners: Callable[[str, int], object] = lambda _, __: None) -> None:
        self.seen, self.cookies, self._manners = Counter[str](), list[tuple[str, str]](), manners
        self.asked_s = 0.0

    def __call__(self, shop: Server, request: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer."""
        path = request.split()[1].decode()
        self.seen[path] += 1
        self.asked_s = time.monotonic()
        cookie = re.search(rb"Cookie: ([^\r]+)", request)
        self.cookies.append((path, cookie[1].decode() if cookie else ""))
        instead = self._manners(path, self.seen[path])
        if callable(instead):
            instead(shop, request, writer)
            return
        status, body = (
            instead if isinstance(instead, tuple) else ("201 Created" if path.startswith("/pay") else "200 OK", "")
        )
        body = body or '{"order_id":"o","digest":"d"}'
        head = "X-Served-By: cdn_a\r\nSet-Cookie: edge=a; Path=/\r\nSet-Cookie: old=x; Max-Age=0\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())


def walked(tmp_path: Path, reply: Polite, load: Load = LOAD, until: str = "/pay") -> tuple[Ledger, Visits]:
    """Let sessions come until ten requests, however slow the machine, were for such a path; give what they have written."""
    with Server(reply) as shop:
        spec = replace(
            spec_for(tmp_path, shop.url), load=load, shopper="tests.fakes:FakeVisitor", timeout_s=2.0, longest_s=60
        )
        with flying(replace(spec, requests=str(tmp_path / "sessions.jsonl"))) as flight:
            awaited(lambda: sum(path.startswith(until) for path in [*reply.seen]) >= 10, 30, f"ten requests for {until}")
            flight.stop_after((time.monotonic_ns() - spec.zero_ns - flight.begin_ns) / SECOND + 0.6)
            ledger, doubts = flight.ledger()
            visits, more = requests.read(tmp_path / "sessions.jsonl", ledger, flight.until_ns)
    assert doubts + more == ()
    assert complete(visits).tolist() == ledger.seq[ledger.sessions].tolist()
    return ledger, visits


def test_sessions_walk_to_their_order_and_keep_their_cookies(tmp_path: Path) -> None:
    shop = Polite()
    ledger, visits = walked(tmp_path, shop)
    through = np.unique(visits.session[visits.what == PAY])
    assert len(through) > 3
    assert (ledger.fate[through] == ACKNOWLEDGED).all()
    assert {ledger.order_id[session] for session in through.tolist()} == {"o"}
    assert not visits.bad.any()
    assert set(visits.edge.tolist()) == {"cdn_a"}
    assert max(shop.seen.values()) == 1
    assert {cookie for path, cookie in shop.cookies if path.startswith("/page")} == {""}
    assert {cookie for path, cookie in shop.cookies if path.startswith(("/asset", "/again", "/cart", "/pay"))} == {"edge=a"}


def test_who_thinks_when_the_load_ends_goes_home(tmp_path: Path) -> None:
    load = replace(LOAD, sessions=Sessions(per_s=20, checkout_ratio=1, think_s=60))
    shop = Polite()
    ledger, visits = walked(tmp_path, shop, load, until="/asset")
    assert time.monotonic() - shop.asked_s < 8, "they came until the load ended"
    assert (ledger.fate[ledger.sessions] == REFUSED).all()
    assert (ledger.attempts[ledger.sessions] == 0).all()
    assert set(visits.what.tolist()) == {PAGE, ASSET}


@pytest.mark.parametrize("manners", [reset, half, ("503 Busy", "{}")])
def test_a_get_that_failed_is_asked_once_more(tmp_path: Path, manners: object) -> None:
    shop = Polite(lambda path, times: manners if times == 1 and path.startswith(("/page", "/asset")) else None)
    ledger, visits = walked(tmp_path, shop)
    asked = visits.what != CART_PUT
    assert not visits.bad.any()
    again = np.isin(visits.what, (PAGE, ASSET)) & (visits.nth < 9)
    assert (visits.attempts[again] == 2).all()
    assert (visits.attempts[~again & asked] == 1).all()
    assert max(shop.seen.values()) == 2
    assert (ledger.fate[np.unique(visits.session[visits.what == PAY])] == ACKNOWLEDGED).all()


def test_a_get_that_fails_twice_fails_its_session_which_goes_away(tmp_path: Path) -> None:
    shop = Polite(lambda path, _: reset if path.startswith("/asset") and path.endswith("/7") else None)
    ledger, visits = walked(tmp_path, shop, until="/asset")
    assert np.count_nonzero(visits.bad) == np.count_nonzero(ledger.sessions)
    assert set(visits.nth[visits.bad].tolist()) == {8}
    assert (visits.status[visits.bad] == 0).all()
    assert max(shop.seen.values()) == 2
    assert not any(path.startswith("/again") for path in shop.seen)
    assert (ledger.fate[ledger.sessions] == REFUSED).all()


@pytest.mark.parametrize(
    ("manners", "fate"), [(reset, UNKNOWN), (half, UNKNOWN), (("503 Busy", "{}"), UNKNOWN), (("409 No", "{}"), REFUSED)]
)
def test_an_order_is_never_asked_twice(tmp_path: Path, manners: object, fate: int) -> None:
    shop = Polite(lambda path, _: manners if path.startswith("/pay") else None)
    ledger, visits = walked(tmp_path, shop)
    paid = np.unique(visits.session[visits.what == PAY])
    assert len(paid) > 3
    assert (ledger.fate[paid] == fate).all()
    assert (ledger.attempts[paid] == 1).all()
    assert visits.bad[visits.what == PAY].all()
    assert max(times for path, times in shop.seen.items() if path.startswith("/pay")) == 1


@pytest.mark.parametrize(("age_s", "wrong"), [(0, ""), (60, "stale"), (-60, "stale")])
def test_a_shopper_is_told_when_it_asked(tmp_path: Path, age_s: int, wrong: str) -> None:
    """So that it can say how old that is which it is shown."""
    old = Polite(lambda *_: ("200 OK", str(int((time.time() - age_s) * 1000))))
    _, visits = walked(tmp_path, old, until="/page")
    assert set(visits.wrong[visits.what == PAGE].tolist()) == {wrong}


def test_a_wrong_body_is_taken_for_what_it_is_and_not_asked_again(tmp_path: Path) -> None:
    shop = Polite(lambda path, _: ("200 OK", "wrong") if path.startswith("/page") else None)
    _, visits = walked(tmp_path, shop, until="/page")
    assert set(visits.wrong.tolist()) == {"page"}
    assert set(visits.nth.tolist()) == {0}
    assert max(shop.seen.values()) == 1


def test_a_shopper_without_a_browser_is_named(tmp_path: Path) -> None:
    spec = replace(spec_for(tmp_path, "http://127.0.0.1:9"), load=LOAD, requests=str(tmp_path / "sessions.jsonl"))
    with pytest.raises(ControlError, match=r"tests.fakes:FakeShopper is no Visitor"):
        Flight(spec)
