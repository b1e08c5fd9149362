"""Steering and its two edges in their containers: started once, asked by every HTTP, and one edge after the other lost."""

import http.client
import ssl
import subprocess
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from urllib.parse import urlsplit

import pytest

from harness.capabilities import Killable, Misconfigurable, Pausable, Wrong
from harness.clock import pause
from harness.drivers.docker_client import NETWORK, client
from harness.drivers.docker_commands import commanding
from sut import images
from sut.components import cdn_a
from tests.integration.blows import standing
from tests.integration.door import BACK_S, EDGES, NOTICED_S, PRODUCT, Asked, Door, Trickle, broken, soon
from tests.integration.thoroughly import thoroughly

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.alone]
PARTS = ("etcd", "orders_db", "db_route", "storefront", "lb", "cdn_a", "cdn_b", "steering")
PAGE = "/p/SKU-00001"
STALE_NOTICED_S = 12.0


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with standing(tmp_path_factory.mktemp("run"), PARTS, entry="steering") as shop:
        yield Door(shop)


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


def test_what_is_for_monitoring_and_witnesses_is_not_for_shoppers(door: Door) -> None:
    for path in ("/metrics", "/trial/rate", "/carried/1000"):
        assert (door.ask(path, of="storefront-1").status, door.ask(path, of="lb").status) == (200, 404)


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_keeps_what_it_may_and_nothing_else(edge: str, door: Door) -> None:
    before = door.reached()
    assert len({door.ask(PRODUCT, of=edge).body for _ in range(5)}) == 1
    assert door.reached() == before + 5, "what is private is asked for each time"
    pages = [door.ask(PAGE, of=edge) for _ in range(5)]
    assert {page.status for page in pages} == {200}
    assert len({page.body for page in pages}) == 1
    assert door.reached() == before + 6, "a page is asked for once"
    assert pages[-1].digest == f"sha-256=:{b64encode(sha256(pages[-1].body).digest()).decode()}:"
    assert len(moments(door, edge)) <= 2, "within a second the origin is asked once, or twice where that begins"
    assert len(moments(door, "lb")) == 10, "whereas its own answers differ"


def moments(door: Door, part: str) -> set[bytes]:
    """Ask ten times in a fifth of a second what the origin's moment is."""
    found = set[bytes]()
    for _ in range(10):
        found.add(door.ask("/now", of=part).body.split(b"\n")[0])
        pause(0.015)
    return found


def mixed_up(door: Door, edge: str) -> bool:
    """Say whether one shopper is shown the page of another, through one edge."""
    cookies = {str(shopper): door.login(shopper, of=edge) for shopper in (17, 18)}
    shown = {shopper: door.ask("/account", of=edge, cookie=cookie) for shopper, cookie in cookies.items()}
    assert {one.status for one in shown.values()} == {200}
    return any(one.shopper != shopper for shopper, one in shown.items())


@pytest.mark.parametrize("edge", EDGES)
def test_nobody_is_shown_another_s_page(edge: str, door: Door) -> None:
    assert not mixed_up(door, edge)


def test_an_edge_that_caches_cookies_is_seen_to_show_another_s_page(door: Door) -> None:
    """The defect of that name, loaded as its configurations by which it answers wrongly are."""
    (thing,) = [thing for thing in door.shop.residence.things if thing.name == "cdn_a"]
    container, bad = client().containers.get(thing.ref), cdn_a.settings("cdn_a", door.at["lb"], defects={"caches_cookies"})
    live = "/run/edge/live.conf"
    load = ["sh", "-c", f'printf %s "$1" > {live} && nginx -e stderr -c {live} -s reload', "sh", bad]
    with broken(door, commanding(container, load, "")):
        soon(lambda: mixed_up(door, "cdn_a"), 5, "18 is shown the page of 17")
    soon(lambda: not mixed_up(door, "cdn_a"), 15, "what it has kept is kept no longer")


def ordered(door: Door, edge: str, orders: int, *, keyed: bool) -> set[int]:
    """Order so often through one edge, with a key each or, which the shop refuses, without; give what was answered."""
    return {door.ask("/orders", of=edge, key=uuid.uuid4().hex if keyed else "").status for _ in range(orders)}


def test_an_edge_opens_a_connection_of_its_own_only_for_an_order_that_nobody_knows_again(door: Door) -> None:
    """Varnish, that is, which sends again what broke; nginx never sends an order again."""
    opened = dict[tuple[str, bool], int]()
    for edge, keyed in [(edge, keyed) for edge in EDGES for keyed in (True, False)]:
        before = door.counted("lb", 'haproxy_frontend_connections_total{proxy="shoppers"}')
        assert ordered(door, edge, 30, keyed=keyed) == {201 if keyed else 400}
        opened[edge, keyed] = door.counted("lb", 'haproxy_frontend_connections_total{proxy="shoppers"}') - before
    print(opened)
    assert {which for which, count in opened.items() if count >= 30} == {("cdn_b", False)}
    assert {which for which, count in opened.items() if count < 10} == set(opened) - {("cdn_b", False)}


@contextmanager
def few_ports(door: Door, edge: str, ports: int) -> Iterator[None]:
    """Leave an edge so few ports for the connections that it opens."""
    (ref,) = [thing.ref for thing in door.shop.residence.things if thing.name == edge]
    enter = ["nsenter", "--net", "--target", str(client().containers.get(ref).attrs["State"]["Pid"]), "sh", "-c"]

    def leave(first: int, last: int) -> None:
        subprocess.run([*enter, f"echo {first} {last} > /proc/sys/net/ipv4/ip_local_port_range"], check=True)

    leave(40000, 40000 + ports - 1)
    try:
        yield
    finally:
        leave(32768, 60999)


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_does_not_run_out_of_ports(edge: str, door: Door) -> None:
    """However many connections it has used once: a minute of a peak's orders is more than there are ports."""
    with few_ports(door, edge, 100):
        for _ in range(3):
            assert ordered(door, edge, 60, keyed=False) == {400}
            pause(1.2)


@pytest.mark.parametrize("version", ["1.1", "2", "3"])
def test_every_http_is_answered(version: str, door: Door) -> None:
    """By a client that believes the run's own authority and nobody else."""
    (steering,) = [thing for thing in door.shop.residence.things if thing.name == "steering"]
    network = client().containers.get(steering.ref).labels[NETWORK]
    only = "-only" if version == "3" else ""
    ask = f"curl -sS -m 5 --http{version}{only} -o /dev/null -w '%{{http_version}} %{{http_code}}\\n'"
    ask += f" --cacert /tmp/ca.pem https://{door.at['steering']}:8443{PRODUCT}"
    said = client(30).containers.run(
        images.tag("tools"),
        ["sh", "-c", f'printf %s "$1" > /tmp/ca.pem && {ask}', "sh", door.entry.ca],
        network=network,
        remove=True,
    )
    assert said.decode() == f"{version} 200\n"


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
@pytest.mark.parametrize("edge", thoroughly(EDGES, ["cdn_a"]))
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
def test_what_may_be_sent_twice_is_sent_again_and_nothing_else(edge: str, door: Door) -> None:
    """An edge that dies with requests in its hands: a read and an order with a key go to the other one, no other order."""
    slow, lost = door.shop.able(edge, Misconfigurable), door.shop.able(edge, Killable)
    assert isinstance(slow, Misconfigurable)
    assert isinstance(lost, Killable)
    kept, before = door.cookie(edge), door.reached()
    answers = dict[str, Asked]()
    slow.misanswer("slow", 3000).act()  # a fresh start mends it
    pause(0.3)
    asking = [
        threading.Thread(target=lambda: answers.update(read=door.ask(PRODUCT, cookie=kept))),
        threading.Thread(target=lambda: answers.update(keyed=door.ask("/orders", key=uuid.uuid4().hex, cookie=kept))),
        threading.Thread(target=lambda: answers.update(order=door.ask("/orders", key="", cookie=kept))),
    ]
    for one in asking:
        one.start()
    pause(0.5)
    assert all(one.is_alive() for one in asking), "the edge holds them all"
    with broken(door, lost.kill()):
        for one in asking:
            one.join()
    assert [answers[one].status for one in ("read", "keyed", "order")] == [200, 201, 502]
    assert door.reached() == before + 2, "two of them, by the other edge; the order without a key reached nobody"
