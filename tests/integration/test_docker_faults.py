"""Every fault on the reference shop, without load: it is seen to bite only between act and undo, and by another path.

One shop for all of them; what must be shown of a fault on a whole run is in the acceptance. Of a kill and of a pause the
engine's own events are asserted too, each with that of its undo.
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from harness.clock import MachineClock
from harness.drivers import docker_network, driver, toxiproxy
from harness.drivers.docker_client import INSTANCE, client, labelled
from harness.mend import heal
from harness.model import SILENT
from harness.shop import RunningShop
from harness.store import UNDO
from harness.undo import still_open
from sut.components.ask import look, query
from tests.acceptance.engine import Ear, in_this_order
from tests.integration.blows import BITES_S, HEALS_S, Blow, breaks_and_dies, off, played, soon, standing
from tests.integration.held import ALWAYS, DELAYED, EVENTS, HELD, LINK, VERBS
from tests.integration.thoroughly import thoroughly

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PARTS = ("etcd", "orders_db", "db_route", "toxiproxy", "storefront", "lb", "cdn_a", "cdn_b")


@pytest.fixture(scope="module")
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """Start it, with no load; after the last test remove it."""
    with standing(tmp_path_factory.mktemp("run"), PARTS, (LINK,)) as running:
        yield running


def the_engine_told(ear: Ear, blow: Blow, heard: int) -> None:
    """Wait until the engine has told of an act and its undo, in this order, after so many events of the instance."""

    def told() -> bool:
        return in_this_order(ear.of(blow.shop.residence.run, blow.instance)[heard:], EVENTS.get(blow.kind, ()))

    soon(told, BITES_S, f"the engine's events of {blow.kind}")


@pytest.mark.parametrize("what", thoroughly(HELD, ALWAYS))
def test_it_bites_only_between_act_and_undo(
    what: str, ear: Ear, shop: RunningShop, record_property: Callable[[str, object], None]
) -> None:
    """Prepared, nothing has happened; acted, it is seen; mended, it is over; mended twice, nothing more happens."""
    blow = Blow(shop, what)
    blow.well()
    heard = len(ear.of(shop.residence.run, blow.instance))
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    assert blow.bites() is False, "to prepare is not to act"
    assert not off(shop)
    breaking.act()
    try:
        record_property("bitten_s", f"{soon(blow.bites, BITES_S, 'bitten'):.2f}")
        assert off(shop) == HELD[what][1]
        seen = sorted(one.residue.what for one in driver("docker").observed(shop.residence.run))
        assert ", ".join(seen) == HELD[what][1], "by labels alone"
    finally:
        played(breaking.undo)
    played(breaking.undo)
    healed_s = soon(lambda: blow.bites() is False and isinstance(blow.look().value, float), HEALS_S, "healed")
    record_property("healed_s", f"{healed_s:.2f}")
    assert not off(shop)
    the_engine_told(ear, blow, heard)
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")


@pytest.mark.parametrize("what", thoroughly(dict.fromkeys([*HELD, *VERBS.values()]), [*VERBS.values()]))
def test_an_act_that_does_nothing_is_not_seen_to_bite(what: str, shop: RunningShop) -> None:
    blow = Blow(shop, what)
    blow.well()
    blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    assert [blow.bites() for _ in range(5)] == [False] * 5


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_killed_harness_leaves_is_mended_from_its_undo_log(
    verb: str, ear: Ear, shop: RunningShop, tmp_path: Path
) -> None:
    """And from what is seen, where the undo log is lost too."""
    blow = Blow(shop, VERBS[verb])
    for kept in (True, False):
        blow.well()
        heard = len(ear.of(shop.residence.run, blow.instance))
        breaks_and_dies(blow, tmp_path / UNDO)
        soon(blow.bites, BITES_S, "bitten")
        (opened,) = still_open(tmp_path / UNDO)
        assert verb in [undo.verb for undo in opened.undo]
        if not kept:
            (tmp_path / UNDO).unlink()
        assert heal(tmp_path, shop.residence, lambda *_: None, late_acts=False) == ()
        assert still_open(tmp_path / UNDO) == ()
        soon(lambda: blow.bites() is False, HEALS_S, "healed")
        the_engine_told(ear, blow, heard)
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")


def test_a_network_that_cannot_be_looked_into_hides_nothing_of_the_others(shop: RunningShop) -> None:
    """Its container has ended since the engine was asked, or its process is another's by now: neither is taken for well."""
    blow = Blow(shop, "cut storefront#1->db_route")
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    breaking.act()
    try:
        there = labelled(shop.residence.run)
        for one in there:  # no process has the one number, and every machine's first one has the other
            one.attrs["State"]["Pid"] = {"etcd": 2**22 - 1, "lb": 1}.get(one.labels[INSTANCE], one.attrs["State"]["Pid"])
        found = {container.labels[INSTANCE]: seen for container, seen in docker_network.tables(there)}
    finally:
        played(breaking.undo)
    for name in ("etcd", "lb"):
        assert "is not its own" in str(found.pop(name))
    assert found.pop("storefront-1") == ("windtunnel_cut",)
    others = ("orders_db-1", "orders_db-2", "db_route", "toxiproxy", "storefront-2", "cdn_a", "cdn_b")
    assert found == dict.fromkeys(others, ())


def test_a_link_that_is_cut_one_way_lets_the_other_way_pass(shop: RunningShop) -> None:
    """Nothing enters the standby; the storefronts, which are not its peers, still reach everything."""
    blow = Blow(shop, "cut orders_db:standby->orders_db", way="in")
    blow.well()
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    breaking.act()
    try:
        soon(lambda: blow.look().value == SILENT, BITES_S, "silent")
        other = Blow(shop, "cut storefront#1->db_route")
        other.well()
    finally:
        played(breaking.undo)
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")


@pytest.mark.parametrize(
    ("link", "ill"),
    [
        ("cut cdn_a->lb", "edge_status cdn_a"),
        ("cut cdn_b->lb", "pause cdn_b"),
        ("cut storefront#1->db_route", "pause storefront#1"),
        ("dns_gone storefront#2", "kill storefront#2"),
        ("rate storefront#1->db_route", "pause db_route"),
    ],
)
def test_what_is_ill_itself_is_no_broken_link(link: str, ill: str, shop: RunningShop) -> None:
    """A link to which nothing was done is not seen to suffer because one of its ends does."""
    blow, other = Blow(shop, link), Blow(shop, ill)
    blow.well()
    other.well()
    breaking = other.fault.prepare(shop.able(other.instance, other.fault.needs))
    breaking.act()
    try:
        soon(other.bites, BITES_S, "the other bites")
        assert True not in [blow.bites() for _ in range(8)]
    finally:
        played(breaking.undo)
    soon(lambda: isinstance(blow.look().value, float), HEALS_S, "the link is seen to work again")
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")


def test_a_toxic_that_somebody_takes_off_behind_our_back_is_seen_to_be_gone(shop: RunningShop) -> None:
    """What is held is looked at: a link that is well again half-way has not been held."""
    blow = Blow(shop, f"latency {LINK}")
    blow.well()
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    breaking.act()
    try:
        soon(blow.bites, BITES_S, "bitten")
    finally:
        played(breaking.undo)
    soon(lambda: blow.bites() is False, BITES_S, "well again, though nobody has healed it")


def test_where_a_toxic_cannot_be_taken_off_the_proxy_is_started_anew(
    shop: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither deleting it nor closing the link helps; the shop finds its way back to the database by itself."""
    blow = Blow(shop, f"bandwidth {LINK}")
    blow.well()
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    breaking.act()
    for way in ("_take_off", "_take_off_closed"):
        monkeypatch.setattr(toxiproxy, way, lambda _: None)
    begun_ns = MachineClock().now_ns()
    try:
        soon(blow.bites, BITES_S, "bitten")
    finally:
        played(breaking.undo)
    assert (MachineClock().now_ns() - begun_ns) / 1e9 < 15.0
    assert not off(shop)
    soon(lambda: blow.bites() is False, HEALS_S, "healed")
    soon(lambda: not shop.fingerprint(), HEALS_S, "the whole shop is as declared")


def test_a_delay_is_over_at_once_when_its_helper_dies(shop: RunningShop) -> None:
    """What it leaves holds nothing back, and is seen and taken away all the same."""
    blow = Blow(shop, "delay storefront#1->db_route")
    blow.well()
    breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
    breaking.act()
    try:
        soon(blow.bites, BITES_S, "bitten")
        (helper,) = (undo.on for undo in breaking.undo if undo.verb == "remove")
        client().containers.get(helper).kill()
        assert blow.bites() is False
        assert off(shop) == DELAYED
    finally:
        played(breaking.undo)
    assert not off(shop)


def test_a_database_off_its_network_is_silent_also_where_the_kernel_gives_up_first(shop: RunningShop) -> None:
    """It asks for 3 s who has an address, and then ends the attempts to connect that wait for the answer."""
    nobody = ip_address(str(shop.residence.things[0].state["address"])) + 100
    words = f"host={nobody} port=5432 user=nobody dbname=none sslmode=disable gssencmode=disable"
    now_ns, took_s = MachineClock().now_ns, list[float]()
    for _ in range(20):  # one after the other for longer than the kernel asks: one of them sees it give up
        begun_ns = now_ns()
        assert look(now_ns, 0.3, lambda deadline: query(words, "select 1", deadline)[0][0]).value == SILENT
        took_s.append((now_ns() - begun_ns) / 1e9)
    assert min(took_s) < 0.29, "the kernel never gave up first: this has shown nothing"
