"""The shelves before a cache: never old, fetched once at a time, and nobody waits for a cache that is ill."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as NoConnectionError

from sut.services import cache as caches
from sut.services import shelves
from sut.services.cache import Cache
from sut.services.link import CallError, Links, LostError
from sut.services.metrics import CACHE_READS, CACHE_UP
from sut.services.shelves import EVER_MS, Shelves
from sut.services.shown import KEPT_MS, SHOWN_MS, Product, Shown, key, read, written

ROW = {"sku": "A", "name": "a", "category": "C", "price_cents": 5, "qty": 2}
PRODUCT = Product(sku="A", name="a", category="C", price_cents=5, qty=2)


class Slow(Links):
    """Stands for the database; each call takes a moment."""

    def __init__(self, error: CallError | None = None) -> None:
        self.calls = 0
        self._error = error

    async def call(self, kind: str, statement: str, *arguments: object, limit_s: float) -> list[Any]:
        """Give the row, or fail."""
        del kind, statement, arguments, limit_s
        self.calls += 1
        await asyncio.sleep(0.02)
        if self._error:
            raise self._error
        return [ROW]


class Kept:
    """Stands for a cache."""

    def __init__(self, **kept: bytes) -> None:
        self.kept = dict(kept)

    async def get(self, name: str) -> bytes | None:
        """Give it."""
        return self.kept.get(name)

    async def keep(self, name: str, text: bytes, for_ms: int) -> None:
        """Keep it."""
        assert for_ms == KEPT_MS
        self.kept[name] = text


def many(shelf: Shelves, count: int = 50) -> list[Any]:
    """Let so many look at the same product at the same time."""

    async def story() -> list[Any]:
        return await asyncio.gather(*(shelf.product("A") for _ in range(count)), return_exceptions=True)

    return asyncio.run(asyncio.wait_for(story(), 10))


def test_without_a_cache_everybody_asks_the_database() -> None:
    database = Slow()
    assert {shown.products for shown in many(Shelves(database), 3)} == {(PRODUCT,)}
    assert database.calls == 3


def test_of_many_who_look_at_once_one_asks_and_what_he_got_is_kept() -> None:
    database, cache = Slow(), Kept()
    shelf = Shelves(database, cache)
    assert {shown.products for shown in many(shelf)} == {(PRODUCT,)}
    assert database.calls == 1
    many(shelf)
    assert database.calls == 1
    assert read(cache.kept["product:A"]).products == (PRODUCT,)


def test_in_the_bad_shop_all_who_look_at_once_ask() -> None:
    database, cache = Slow(), Kept()
    shelf = Shelves(database, cache, {"no_single_flight"})
    many(shelf)
    assert database.calls == 50
    many(shelf)
    assert database.calls == 50, "it is kept all the same"


def test_a_failure_is_everybody_s_and_is_not_kept() -> None:
    database, cache = Slow(LostError("x")), Kept()
    shelf = Shelves(database, cache)
    assert all(isinstance(error, LostError) for error in many(shelf))
    assert cache.kept == {}
    many(shelf)
    assert database.calls == 2


def test_who_goes_away_takes_nobody_along() -> None:
    database = Slow()
    shelf = Shelves(database, Kept())

    async def story() -> Shown:
        first = asyncio.create_task(shelf.product("A"))
        await asyncio.sleep(0.005)
        second = asyncio.create_task(shelf.product("A"))
        await asyncio.sleep(0.005)
        first.cancel()
        return await second

    assert asyncio.run(asyncio.wait_for(story(), 10)).products == (PRODUCT,)
    assert database.calls == 1


@pytest.mark.parametrize(("age_ms", "calls"), [(0, 0), (KEPT_MS + 1, 1), (-60_000, 1)])
def test_what_is_too_old_or_of_another_day_is_as_good_as_nothing(age_ms: int, calls: int) -> None:
    database, kept = Slow(), written(Shown(products=(PRODUCT,), as_of_ms=shelves.now_ms() - age_ms))
    assert many(Shelves(database, Kept(**{"product:A": kept})), 1)[0].products == (PRODUCT,)
    assert database.calls == calls


@given(age_ms=st.integers(-EVER_MS, EVER_MS))
def test_whoever_keeps_it_on_the_way_shows_nothing_that_is_too_old(age_ms: int) -> None:
    left_s = Shown(products=(), as_of_ms=0).left_s(age_ms)
    assert left_s >= 0
    if left_s:  # an edge that counts whole seconds keeps it for less than one more
        assert abs(age_ms) + (left_s + 1) * 1_000 <= SHOWN_MS


@pytest.mark.parametrize(("age_ms", "left_s"), [(0, 2), (600, 2), (601, 1), (KEPT_MS, 1), (1_600, 1), (1_601, 0), (-601, 1)])
def test_what_is_fresh_may_be_kept_for_a_while(age_ms: int, left_s: int) -> None:
    assert Shown(products=(), as_of_ms=0).left_s(age_ms) == left_s


def test_the_bad_shop_believes_the_cache_for_ever() -> None:
    old, database = written(Shown(products=(PRODUCT,), as_of_ms=shelves.now_ms() - 60_000)), Slow()
    many(Shelves(database, Kept(**{"product:A": old}), {"stock_from_cache"}), 1)
    assert database.calls == 0


@pytest.mark.parametrize(("error", "cents"), [(None, 1), (LostError("gone"), 1)])
def test_a_bad_shop_charges_what_the_cache_says(error: CallError | None, cents: int) -> None:
    """Within the time for which it is shown; afterwards what the database says, or nobody knows."""

    def shown(age_ms: int) -> int | None:
        poison = Product(sku="A", name="a bargain", category="C", price_cents=cents, qty=1)
        kept = written(Shown(products=(poison,), as_of_ms=shelves.now_ms() - age_ms))
        return asyncio.run(Shelves(Slow(error), Kept(**{"product:A": kept})).shown_cents("A"))

    assert shown(0) == cents
    assert shown(KEPT_MS + 1000) == (None if error else 5)


@pytest.mark.parametrize("kept", [b"?", b"{}", b"[1]", b'{"products": [{"sku": 1}], "as_of_ms": 9}'])
def test_so_is_what_is_no_product(kept: bytes) -> None:
    database = Slow()
    assert many(Shelves(database, Kept(**{"product:A": kept})), 1)[0].products == (PRODUCT,)
    assert database.calls == 1


def test_pages_of_a_category_have_names_of_their_own() -> None:
    assert len({key("list", "C", 0), key("list", "C", 20), key("list", "D", 0), key("product", "C")}) == 4


class Client:
    """Stands for the client of the cache's maker; ``story`` is what comes of each call."""

    def __init__(self, story: Callable[[], Awaitable[Any]]) -> None:
        self.calls = 0
        self._story = story

    async def get(self, _name: str = "") -> Any:
        """Answer, or do not."""
        self.calls += 1
        return await self._story()

    async def set(self, _name: str, _text: bytes, *, px: int) -> Any:
        """Answer, or do not."""
        assert px == 7
        return await self.get()

    ping = get


async def hangs() -> Any:
    await asyncio.sleep(60)


async def refuses() -> Any:
    raise NoConnectionError("no")


@pytest.mark.parametrize("ill", [hangs, refuses])
def test_an_ill_cache_costs_one_short_wait_a_second(
    ill: Callable[[], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "REST_S", 0.3)
    client = Client(ill)
    cache = Cache("198.18.0.9:6379", client)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for _ in range(100):
            assert await cache.get("A") is None
            await cache.keep("A", b"x", 7)
        assert client.calls == 1
        assert loop.time() - begun < 1
        assert CACHE_UP._value.get() == 0
        await asyncio.sleep(0.35)
        await asyncio.gather(*(cache.get("A") for _ in range(20)))
        assert client.calls == 2, "one of them tries"
        client._story = well
        await asyncio.sleep(0.35)
        assert await cache.get("A") == b"v"
        assert await cache.get("A") == b"v"
        assert CACHE_UP._value.get() == 1

    asyncio.run(asyncio.wait_for(story(), 20))


async def well() -> Any:
    return b"v"


def test_every_read_is_counted_by_what_came_of_it() -> None:
    def counted() -> dict[str, float]:
        (family,) = CACHE_READS.collect()
        return {one.labels["result"]: one.value for one in family.samples if one.name.endswith("_total")}

    before = counted()
    cache = Cache("198.18.0.9:6379", Client(refuses))
    asyncio.run(cache.get("A"))
    asyncio.run(cache.get("A"))
    asyncio.run(Cache("198.18.0.9:6379", Client(well)).get("A"))
    assert {name: value - before[name] for name, value in counted().items()} == {
        "hit": 1,
        "miss": 0,
        "failed": 1,
        "skipped": 1,
    }


def test_whether_it_answers_is_asked_also_while_it_rests() -> None:
    cache = Cache("198.18.0.9:6379", Client(refuses))
    assert [asyncio.run(cache.answers()) for _ in range(2)] == [False, False]
    assert asyncio.run(Cache("198.18.0.9:6379", Client(well)).answers())
