"""The storefront's routes, called as a server would call them, with no database behind them."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.load.shopper import Request
from sut.services.batches import Batches
from sut.services.carriage import LIMIT_S
from sut.services.link import CallError, Link, Links, LostError, UnreachableError
from sut.services.orders import Answer
from sut.services.replies import BODY_MAX
from sut.services.settings import Settings
from sut.services.storefront import Storefront
from sut.services.way import Way
from sut.shopper import OneCallShopper
from tests.asgi import PAINTED, ask

SETTINGS = Settings(
    dsn="postgresql://shop@127.0.0.1:1/shop", route="localhost", signing_secret="s", port=8080, defects=frozenset()
)


def test_an_order_passes_key_and_lines_on_and_gives_the_answer_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    async def place(_self: Batches, key: str, lines: tuple[tuple[str, int], ...]) -> Answer:
        seen.append((key, lines))
        return 503, {"refused": "busy"}

    monkeypatch.setattr(Batches, "place", place)
    body = json.dumps({"lines": [{"sku": "B", "qty": 2}, {"sku": "A", "qty": 1}]}).encode()
    status, headers, answer = ask(Storefront(SETTINGS, PAINTED).app(), "POST", "/orders", body, {"Idempotency-Key": "r:1"})
    assert seen == [("r:1", (("A", 1), ("B", 2)))]
    assert (status, json.loads(answer)) == (503, {"refused": "busy"})
    assert headers["retry-after"] == "1"


def test_an_order_without_a_key_is_another_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []

    async def place(_self: Batches, key: str, _lines: tuple[tuple[str, int], ...]) -> Answer:
        keys.append(key)
        return 503, {"refused": "busy"}

    monkeypatch.setattr(Batches, "place", place)
    for _ in range(2):
        ask(Storefront(SETTINGS, PAINTED).app(), "POST", "/orders", b'{"reference":"r:1","lines":[{"sku":"A","qty":1}]}')
    assert len(set(keys)) == 2
    assert all(key.startswith("r:1~") for key in keys)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"lines":[{"sku":"A","qty":1}]}', {}),
        (b"?", {"Idempotency-Key": "k"}),
        (b" " * (BODY_MAX + 1), {"Idempotency-Key": "k"}),
    ],
)
def test_a_malformed_order_is_refused(body: bytes, headers: dict[str, str]) -> None:
    status, _, answer = ask(Storefront(SETTINGS, PAINTED).app(), "POST", "/orders", body, headers)
    assert status == 400
    assert json.loads(answer)["refused"].startswith("malformed")


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([{"sku": "A", "name": "a", "category": "C", "price_cents": 5, "qty": 0}], 200),
        ([], 404),
        (LostError("reset"), 503),
    ],
)
def test_a_product_is_shown_missing_or_not_to_be_had_now(rows: Any, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(*_arguments: object, limit_s: float) -> Any:
        assert limit_s <= 1.0
        if isinstance(rows, CallError):
            raise rows
        return rows

    monkeypatch.setattr(Links, "call", call)
    answered, _, body = ask(Storefront(SETTINGS, PAINTED).app(), "GET", "/products/A")
    assert answered == status
    if status == 200:
        assert json.loads(body) == {"sku": "A", "name": "a", "price_cents": 5, "in_stock": False}
    else:
        assert "refused" in json.loads(body)


ROW = {"sku": "A", "name": "a", "category": "C", "price_cents": 5, "qty": 2}
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVENT = {"shopper_id": 7, "at": AT, "kind": "viewed", "sku": "A", "since": AT, "in_all": 1, "last_order": None}


@pytest.mark.parametrize(
    ("path", "rows", "status", "called"),
    [
        ("/products?category=C&page=3", [ROW], 200, ("list", "C", 40)),
        ("/products?category=C", [ROW], 200, ("list", "C", 0)),
        ("/products?category=C&page=9", [], 404, ("list", "C", 160)),
        ("/products?category=C", LostError("reset"), 503, ("list", "C", 0)),
        ("/products", [ROW], 400, None),
        ("/products?category=C&page=0", [ROW], 400, None),
        ("/products?category=C&page=-1", [ROW], 400, None),
        ("/products?category=C&page=1001", [ROW], 400, None),
        ("/products?category=C&page=" + "9" * 5000, [ROW], 400, None),
        ("/products?category=C%00", [ROW], 400, None),
        ("/shoppers/7/events", [EVENT], 200, ("log", 7)),
        ("/shoppers/7/events", [], 404, ("log", 7)),
        ("/shoppers/7/events", LostError("reset"), 503, ("log", 7)),
        ("/shoppers/0/events", [EVENT], 404, None),
        ("/shoppers/2147483648/events", [EVENT], 404, None),
        ("/shoppers/seven/events", [EVENT], 404, None),
    ],
)
def test_pages_and_logs_are_shown_refused_or_not_to_be_had_now(
    path: str, rows: Any, status: int, called: tuple[object, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, ...]] = []

    async def call(_self: Links, kind: str, _statement: str, *arguments: object, limit_s: float) -> Any:
        assert limit_s <= 1.0
        seen.append((kind, *arguments))
        if isinstance(rows, CallError):
            raise rows
        return rows

    monkeypatch.setattr(Links, "call", call)
    answered, _, body = ask(Storefront(SETTINGS, PAINTED).app(), "GET", path)
    assert answered == status
    assert seen == ([called] if called else [])
    shopper = OneCallShopper("r", 1)
    fate = shopper.judge_read(Request(method="GET", path=path, headers={}, body=b""), status, body).fate
    assert fate == (REFUSED if status != 200 else ACKNOWLEDGED if "page=" in path or "/shoppers/" in path else UNKNOWN)


def test_a_name_that_is_no_sku_never_reaches_the_database() -> None:
    assert ask(Storefront(SETTINGS, PAINTED).app(), "GET", "/products/a\0b")[0] == 404


def test_health_needs_a_commit_and_names_the_start_of_the_process() -> None:
    front = Storefront(SETTINGS, PAINTED)
    status, _, body = ask(front.app(), "GET", "/health")
    assert status == 503
    front._pulse.good()
    status, _, body = ask(front.app(), "GET", "/health")
    assert status == 200
    assert json.loads(body)["started"] == front.started != Storefront(SETTINGS, PAINTED).started
    front._pulse.bad("57P01 gone")
    status, _, body = ask(front.app(), "GET", "/health")
    assert (status, json.loads(body)["why"]) == (503, "57P01 gone")


def test_a_call_that_gets_no_connection_counts_as_slower_than_the_limit() -> None:
    async def story() -> None:
        with pytest.raises(CallError):
            await Link(Way(SETTINGS.dsn)).call("nobody", "select 1")

    asyncio.run(story())
    lines = ask(Storefront(SETTINGS, PAINTED).app(), "GET", "/metrics")[2].decode().splitlines()
    assert 'storefront_db_call_seconds_bucket{class="nobody",le="0.2"} 0.0' in lines
    assert 'storefront_db_call_seconds_count{class="nobody"} 1.0' in lines


def test_failures_are_counted_from_zero_before_the_first_of_them() -> None:
    """A counter that appears together with its first failure never rises, so no alert would see it."""
    lines = ask(Storefront(SETTINGS, PAINTED).app(), "GET", "/metrics")[2].decode().splitlines()
    for status in (503, 504):
        assert any(line.startswith(f'storefront_orders_total{{status="{status}"}}') for line in lines)


def test_every_order_is_timed_whatever_its_answer() -> None:
    def timed() -> float:
        lines = ask(Storefront(SETTINGS, PAINTED).app(), "GET", "/metrics")[2].decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("storefront_order_seconds_count")))

    before = timed()
    ask(Storefront(SETTINGS, PAINTED).app(), "POST", "/orders", b"?")
    assert timed() == before + 1


def test_settings_come_from_the_environment() -> None:
    settings = Settings.read({"DSN": "x", "SIGNING_SECRET": "s", "DEFECTS": "oversell, no_idempotency,"})
    defects = frozenset({"oversell", "no_idempotency"})
    assert settings == Settings(dsn="x", route="localhost", signing_secret="s", port=8080, defects=defects)


@pytest.mark.parametrize(
    ("failure", "took_s", "told"),
    [
        (None, 0.0, "took_ms"),
        (LostError("closed"), 0.0, "refused"),
        (LostError("terminated"), LIMIT_S, "silent"),
        (UnreachableError("ConnectionRefusedError"), 0.0, "refused"),
        (UnreachableError("TimeoutError"), 0.0, "silent"),
    ],
)
def test_how_the_way_to_the_database_carries_is_told(
    failure: CallError | None, took_s: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is that nothing came as long as one waits; everything else ended before."""
    asked: list[object] = []

    async def call(_self: Link, _kind: str, _statement: str, size: int, limit_s: float) -> list[Any]:
        asked.append((size, limit_s))
        monkeypatch.setattr(time, "perf_counter", lambda: took_s)
        if failure is None:
            return []
        try:
            raise TimeoutError if told == "silent" and not took_s else ConnectionResetError
        except OSError:
            raise failure from None

    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    monkeypatch.setattr(Link, "call", call)
    status, _, body = ask(Storefront(SETTINGS, PAINTED).app(), "GET", "/carried/5000")
    assert asked == [(5000, LIMIT_S)]
    assert status == 200
    assert list(json.loads(body)) == [told]


@pytest.mark.parametrize("size", ["0", "-1", "1000001", "x", "1e3"])
def test_more_than_a_witness_needs_is_not_carried(size: str) -> None:
    assert ask(Storefront(SETTINGS, PAINTED).app(), "GET", f"/carried/{size}")[0] == 400
