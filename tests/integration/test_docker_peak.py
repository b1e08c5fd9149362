"""The shop at its peak: what it keeps safe, whom it turns away, and what the kernel counts of its CPU time."""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from docker.models.containers import Container

from harness.capabilities import Pausable
from harness.clock import pause
from harness.drivers import docker
from harness.drivers.docker_client import client
from harness.mend import heal
from harness.model import Break, Target
from harness.shop import RunningShop, Thing
from harness.store import UNDO
from harness.undo import still_open
from sut.components import haproxy, lb, storefront
from tests.integration.blows import BITES_S, HEALS_S, Blow, breaks_and_dies, off, played, soon, standing
from tests.integration.counted import Count, acknowledged, asked, count, ordered
from tests.integration.rush import Told, get, post, rush

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PARTS = ("etcd", "orders_db", "db_route", "storefront", "lb")
FRONTS, NODES = ("storefront-1", "storefront-2"), ("orders_db-1", "orders_db-2")
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
BROWSE, BUY = get("/products/SKU-00001"), post("/orders", "{}")  # nothing is ordered by that, should it be served later
OTHERS_PER_S = 20  # commits beside: 14 a second have been seen of all others
COUNTING = 3  # and a count of ours is three
OWN = """
import asyncio, json, os, sys
from services.link import Link, UnreachableError
from services.settings import Settings
from services.way import Way

async def shown(link, name, tries=10):
    for _ in range(tries - 1):
        try:
            return (await link.call("trial", f"show {name}"))[0][0]
        except UnreachableError:
            await asyncio.sleep(0.1)
    return (await link.call("trial", f"show {name}"))[0][0]

async def say():
    link = Link(Way(Settings.read(os.environ).dsn))
    print(json.dumps({name: await shown(link, name) for name in sys.argv[1:]}))

asyncio.run(say())
"""  # how a connection is set that a storefront's own code opens in its own container, once a busy machine lets it in
BUSY_S = 0.9  # less than anybody waits in a queue, so that this was said at once


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """Start it, with no load; after the last test remove it."""
    with standing(tmp_path_factory.mktemp("run"), PARTS, added=(Target.parse("storefront#3"),)) as running:
        yield running


def address(shop: RunningShop) -> str:
    return shop.entry.url.removeprefix("http://")


def part(shop: RunningShop, name: str) -> Thing:
    return next(one for one in shop.residence.things if one.name == name)


def busy(told: list[Told]) -> int:
    """Count those who were refused at once, politely."""
    return sum(
        one.status == 503 and '"busy"' in one.body and one.retry_after == "1" and one.after_s < BUSY_S for one in told
    )


def test_what_is_acknowledged_is_on_disk_on_both_nodes_by_their_own_settings(shop: RunningShop, tmp_path: Path) -> None:
    """While orders come: fast, not faked."""
    with ThreadPoolExecutor() as pool:
        ledger = pool.submit(ordered, shop, tmp_path, 10)
        pause(2)
        for name in NODES:
            assert {setting: asked(shop, name, f"show {setting}")[0] for setting in SAFE} == SAFE
        for name in FRONTS:
            told = client().containers.get(part(shop, name).ref).exec_run(["python3", "-c", OWN, *SAFE])
            assert isinstance(told.output, bytes)
            assert told.exit_code == 0, told.output.decode()
            assert json.loads(told.output) == SAFE
        following = asked(shop, NODES[0], "select application_name, sync_state, state from pg_stat_replication")
        assert following == (NODES[1], "sync", "streaming")
        assert NODES[1] in str(asked(shop, NODES[0], "show synchronous_standby_names")[0])
        assert asked(shop, NODES[0], "select count(*) from pg_db_role_setting") == (0,), "nobody has settings of their own"
        assert not ledger.done(), "orders still came"
        assert acknowledged(ledger.result()) > 100


def test_postgresql_counts_as_many_orders_as_the_ledger(shop: RunningShop, tmp_path: Path) -> None:
    """It tells a second and more later; the storefronts, who batch them, count the same."""
    soon(lambda: count(shop).orders == count(shop).batched, 20, "nothing is under way")
    before, since = count(shop), time.monotonic()
    rows = acknowledged(ordered(shop, tmp_path, 4))
    looks = list[Count]()

    def inserted() -> bool:
        looks.append(count(shop))
        return looks[-1].orders - before.orders >= rows

    soon(inserted, 20, "each order was inserted")
    pause(1)
    after = count(shop)
    print(before, after)
    assert after.orders - before.orders == after.batched - before.batched == rows, "and none twice"
    assert (after.lines,) == asked(shop, NODES[0], "select count(*) from order_lines")
    batches = after.batches - before.batches
    assert batches < 0.8 * rows, "orders travel together"
    few = OTHERS_PER_S * (time.monotonic() - since) + COUNTING * (len(looks) + 2) + 20
    assert batches <= after.commits - before.commits < batches + few, "a batch is a commit; few others make any"


@contextmanager
def standing_still(shop: RunningShop) -> Iterator[None]:
    """Let both storefronts stand still, so that all rooms are full soon."""
    with ExitStack() as stack:
        for name in FRONTS:
            power = shop.able(name, Pausable)
            assert isinstance(power, Pausable)
            broken: Break = power.pause()
            broken.act()
            stack.callback(played, broken.undo)
        yield
    soon(lambda: served_by(shop) == len(FRONTS), HEALS_S, "both are given requests again")


def served_by(shop: RunningShop) -> int:
    """Ask the balancer how many storefronts it gives requests to."""
    with urlopen(f"http://{part(shop, 'lb').state['address']}:{haproxy.OWN_PORT}/metrics", timeout=5) as page:
        told = re.search(r'(?m)^haproxy_backend_active_servers\{proxy="ordering"\} (\d+)', page.read().decode())
    return int(told[1]) if told else 0


@pytest.mark.parametrize(("kind", "room"), [(BUY, lb.ORDERS), (BROWSE, lb.BROWSING)], ids=["orders", "browsing"])
def test_who_would_have_to_wait_too_long_is_told_so_at_once(kind: str, room: lb.Room, shop: RunningShop) -> None:
    most, beyond = len(FRONTS) * room.each + room.waiting, 200
    with standing_still(shop):
        told = rush(address(shop), kind, most + beyond, 9)
    print(Counter((one.status, one.body[:40]) for one in told))
    assert beyond - 20 <= busy(told) <= beyond + 20
    assert {one.status for one in told} <= {503, 504}, "nobody is left without an answer"
    soon(lambda: rush(address(shop), BUY, 1, 5)[0].status == 400, HEALS_S, "orders are looked at again")


def test_browsing_yields_while_orders_wait(shop: RunningShop) -> None:
    """There would be room for it. Orders wait for a second at the most, so more of them come all the time."""
    with standing_still(shop), ThreadPoolExecutor() as pool:
        for _ in range(6):
            pool.submit(rush, address(shop), BUY, len(FRONTS) * lb.ORDERS.each + lb.YIELDS, 9)
            pause(0.5)
            if yields := busy(rush(address(shop), BROWSE, 5, BUSY_S)) == 5:
                break
    assert yields, "nobody who browses was refused while orders waited"
    soon(lambda: rush(address(shop), BROWSE, 1, 5)[0].status == 200, HEALS_S, "products are shown again")


def test_one_more_storefront_is_given_its_part_and_goes_without_a_loss(shop: RunningShop, tmp_path: Path) -> None:
    """Asked to go, it says so first, and serves whoever comes meanwhile: all that was ordered is acknowledged."""
    with ThreadPoolExecutor() as pool:
        blow = Blow(shop, "scale_out storefront#3")
        ledger = pool.submit(ordered, shop, tmp_path, 20)
        soon(lambda: blow.look().value == 0.0, HEALS_S, "the balancer gives it nothing")
        blow.before = [blow.look()]
        breaking = blow.fault.prepare(shop.able(blow.instance, blow.fault.needs))
        assert not off(shop), "to prepare is not to act"
        breaking.act()
        try:
            soon(blow.bites, BITES_S, "it is given orders")
            assert off(shop) == "was added"
            assert [one.residue.what for one in docker.observed(shop.residence.run)] == ["was added"]
            pause(1)
            assert 0.2 <= float(blow.look().value or 0) <= 0.5
        finally:
            played(breaking.undo)
        played(breaking.undo)
        soon(lambda: blow.look().value == 0.0, HEALS_S, "it is given nothing")
        assert not off(shop)
        assert not ledger.done(), "orders still came"
        rows = ledger.result()
    assert acknowledged(rows) == np.count_nonzero(rows.orders) > 1_000


def test_what_a_killed_harness_has_added_is_taken_away_again(shop: RunningShop, tmp_path: Path) -> None:
    """From its undo log, and from what is seen, where that is lost too."""
    for kept in (True, False):
        blow = Blow(shop, "scale_out storefront#3")
        breaks_and_dies(blow, tmp_path / UNDO)
        assert off(shop) == "was added"
        (opened,) = still_open(tmp_path / UNDO)
        assert [undo.verb for undo in opened.undo] == ["retire"]
        if not kept:
            (tmp_path / UNDO).unlink()
        assert heal(tmp_path, shop.residence, lambda *_: None, late_acts=False) == ()
        assert still_open(tmp_path / UNDO) == ()
        assert not off(shop)


def test_the_kernel_counts_for_how_long_a_part_was_short_of_cpu(shop: RunningShop) -> None:
    """A quota that is used up is counted; so is that there is none."""
    starved, free = part(shop, "storefront-1"), part(shop, "storefront-2")
    both = replace(shop.residence, things=(starved, free))
    client().containers.get(starved.ref).update(cpu_period=100_000, cpu_quota=1_000)
    try:
        before = docker.throttled_s(both)
        for one in both.things:
            rush(f"{one.state['address']}:{storefront.PORT}", BROWSE, 40, 2)
        after = docker.throttled_s(both)
    finally:
        client().containers.get(starved.ref).update(cpu_period=100_000, cpu_quota=-1)
    print(before, after)
    assert after[starved.name] - before[starved.name] > 0.3
    assert after[free.name] == before[free.name] == 0


def test_a_confined_shop_stays_on_its_cores_also_once_it_is_started_again(shop: RunningShop) -> None:
    """By the kernel's own word of the main process."""
    last = max(os.sched_getaffinity(0))
    thing = part(shop, "storefront-1")
    container = client().containers.get(thing.ref)
    assert last not in cores(container) or len(cores(container)) > 1
    docker.confine(shop.residence, {last})
    assert [cores(client().containers.get(one.ref)) for one in shop.residence.things] == [{last}] * len(
        shop.residence.things
    )
    container.kill()
    container.start()
    assert cores(container) == {last}


def cores(container: Container) -> set[int]:
    """Ask the kernel on which cores a container's main process may run."""
    container.reload()
    return os.sched_getaffinity(int(container.attrs["State"]["Pid"]))
