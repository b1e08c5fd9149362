"""The cache on Docker: lost, frozen, cut off, flushed and poisoned, and what browsing shoppers notice of it."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import cast
from urllib.request import Request, urlopen

import pytest

from harness.capabilities import Pausable
from harness.clock import MachineClock
from harness.model import REFUSED, SILENT
from harness.shop import RunningShop
from sut.components.cache import POISONED, WRONG_CENTS
from sut.services.shown import KEPT_MS
from tests.integration.blows import BITES_S, HEALS_S, Blow, off, played, soon, standing

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PARTS = ("etcd", "orders_db", "db_route", "cache", "storefront", "lb")
HELD = {"pause cache": "paused", "refuse storefront#1->cache": "loses packets (windtunnel_refuse)"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """Start it, with no load; after the last test remove it."""
    with standing(tmp_path_factory.mktemp("run"), PARTS) as running:
        yield running


@pytest.mark.parametrize("what", HELD)
def test_what_is_held_bites_only_between_act_and_undo(
    what: str, shop: RunningShop, record_property: Callable[[str, object], None]
) -> None:
    blow = Blow(shop, what)
    blow.well()
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    assert blow.bites() is False, "to prepare is not to act"
    breaking.act()
    try:
        record_property("bitten_s", f"{soon(blow.bites, BITES_S, 'bitten'):.2f}")
        assert off(shop) == HELD[what]
    finally:
        played(breaking.undo)
    healed_s = soon(lambda: blow.bites() is False and isinstance(blow.look().value, float), HEALS_S, "healed")
    record_property("healed_s", f"{healed_s:.2f}")
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")


@pytest.mark.parametrize("what", ["cache_flush cache", "cache_poison cache"])
def test_an_impulse_bites_at_once_and_the_shop_gets_over_it(
    what: str, shop: RunningShop, record_property: Callable[[str, object], None]
) -> None:
    """Prepared, nothing has happened; acted, it is seen; nothing is left for us to mend."""
    blow = Blow(shop, what)
    soon(lambda: blow.look().value not in (None, SILENT, REFUSED), HEALS_S, f"{blow.instance} is well")
    blow.before = [blow.look() for _ in range(5)]
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    assert blow.bites() is False, "to prepare is not to act"
    assert breaking.undo == ()
    breaking.act()
    record_property("bitten_s", f"{soon(blow.bites, BITES_S, 'bitten'):.2f}")
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")


def test_a_poisoned_price_is_shown_for_a_moment_and_never_charged(shop: RunningShop) -> None:
    """A storefront that has just asked the database may keep the right price after us: strike until one order was caught."""
    blow = Blow(shop, "cache_poison cache")
    soon(lambda: blow.look().value not in (None, SILENT, REFUSED, WRONG_CENTS), HEALS_S, "the right price, at first")
    right = blow.look().value

    def ordered_while_shown() -> bool:
        blow.fault.prepare(shop.able(blow.instance, blow.fault.needs)).act()
        before = blow.look().value
        assert charged(shop) == right
        return before == WRONG_CENTS == blow.look().value

    soon(ordered_while_shown, HEALS_S, "an order while the wrong price was shown")
    soon(lambda: blow.look().value == right, 2 * KEPT_MS / 1000, "the right price again")


def charged(shop: RunningShop) -> float:
    """Order one piece of a poisoned product; give what it cost."""
    body = json.dumps({"lines": [{"sku": POISONED[0], "qty": 1}]}).encode()
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    with urlopen(Request(f"{shop.entry.url}/orders", body, headers, method="POST"), timeout=8) as answer:  # noqa: S310 -- our own shop
        return float(json.loads(answer.read())["amount_cents"])


def test_a_frozen_cache_costs_those_who_look_next_to_nothing(shop: RunningShop) -> None:
    breaking = cast("Pausable", shop.able("cache", Pausable)).pause()
    breaking.act()
    try:
        now_ns, begun_ns = MachineClock().now_ns, MachineClock().now_ns()
        for n in range(100):
            with urlopen(f"{shop.entry.url}/p/SKU-{n % 50 + 1:05d}", timeout=8) as answer:  # noqa: S310 -- the shop's own
                assert answer.status == 200
        assert (now_ns() - begun_ns) / 1e9 < 4, "each would wait 0.05 s and more, if the cache were asked each time"
    finally:
        played(breaking.undo)
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")
