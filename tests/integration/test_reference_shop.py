"""The reference shop in its containers: started once, ordered from, its database broken twice, read back, removed."""

import fcntl
import http.client
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.audited import Charges
from harness.capabilities import Answers, Carries, Crashable, Killable, Linked, Relays, Replicated, Started
from harness.clock import MachineClock, pause
from harness.declaration import Component
from harness.drivers import driver
from harness.drivers.docker_client import RUN, client
from harness.events import EngineEvent, Gap
from harness.history import ACKNOWLEDGED
from harness.model import REFUSED, SILENT, Reading, Target
from harness.planned import Plan
from harness.shop import RunningShop, Site
from sut.declared import COMPONENTS
from sut.shop import ReferenceShop
from sut.shopper import OneCallShopper, digest
from tests.acceptance.engine import as_declared, docker, roles
from tests.integration.blows import soon
from tests.integration.visit import Visit

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PRIMARY = Target.parse("orders_db:primary")
REJOINED_WITHIN_S = 60.0
SHOP = ReferenceShop()


def looks(component: Component) -> list[tuple[type, str, tuple[object, ...]]]:
    """Give every look that a component's instances can be given: the sense, its question, what is asked for."""
    links = [link for link in SHOP.declaration.links if link.component == component.name]
    every: list[tuple[type, str, tuple[object, ...]]] = [
        (Answers, "answer_ms", ()),
        (Started, "started", ()),
        (Relays, "relayed", ()),
        (Replicated, "standbys", ()),
        (Replicated, "primary", ()),
        *((Linked, "heard_ms", (peer,)) for peer in (None, *(link.peer for link in links))),
        *((Carries, "carried_ms", (link.peer, 1000)) for link in links if link.proxy),
    ]
    return [one for one in every if one[0] in component.abilities]


class Night:
    """One running shop, what was acknowledged by it, and what the engine said of it."""

    def __init__(self, site: Site, shop: RunningShop) -> None:
        self.site, self.shop = site, shop
        self.shopper = OneCallShopper(site.id, 7)
        self.acknowledged: dict[str, str] = {}
        self.events: list[EngineEvent | Gap] = []

    def order(self, count: int) -> int:
        """Send so many orders, one after the other; give how many were acknowledged."""
        address = self.shop.entry.url.removeprefix("http://")
        before = len(self.acknowledged)
        for _ in range(count):
            seq = len(self.acknowledged)
            request = self.shopper.order(seq, last_piece=False)
            wire = http.client.HTTPConnection(address, timeout=8)
            try:
                wire.request(request.method, request.path, body=request.body, headers=dict(request.headers))
                response = wire.getresponse()
                answer = self.shopper.judge_order(request, response.status, response.read())
            except (OSError, http.client.HTTPException):
                continue  # what got no whole answer was not acknowledged
            finally:
                wire.close()
            if answer.fate == ACKNOWLEDGED:
                self.acknowledged[f"{self.site.id}:{seq}"] = answer.digest
        return len(self.acknowledged) - before

    def heard(self, action: str, instance: str, since: int = 0) -> bool:
        """Tell whether the engine itself said so, after so many events."""
        said = [one for one in self.events[since:] if isinstance(one, EngineEvent)]
        return any((one.action, one.instance) == (action, instance) for one in said)

    def started(self, instance: str) -> Reading:
        """Ask an instance since when its main process runs."""
        return cast("Started", self.shop.able(instance, Started)).started()

    def answers(self, instance: str) -> Reading:
        """Ask an instance whether it works."""
        return cast("Answers", self.shop.able(instance, Answers)).answer_ms()


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Start the shop; after the last test remove it and see that nothing is left."""
    folder: Path = tmp_path_factory.mktemp("run")
    site = Site(
        id=f"test-{uuid.uuid4().hex[:8]}",
        folder=folder,
        now_ns=MachineClock().now_ns,
        say=print,
        receive=lambda address: f"http://{address}",
    )
    parts = tuple(part.name for part in SHOP.declaration.components)
    scenario = SimpleNamespace(load=SimpleNamespace(logs_per_s=0.0, log_writes_per_s=0.0, last_pieces=0))
    plan = cast("Plan", SimpleNamespace(parts=parts, entry="lb", proxied=(), scenario=scenario, added=()))
    with (folder / "undo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # this run lives: no sweep may take its containers
        shop = SHOP.start(plan, site)
        one = Night(site, shop)
        forget = driver("docker").watch(site.id, one.events.append, site.now_ns)
        try:
            yield one
        finally:
            forget()
            shop.stop()
            shop.stop()  # twice is harmless
            label: dict[str, str | list[str] | bool] = {"label": f"{RUN}={site.id}"}
            assert client().containers.list(all=True, filters=label) == []
            assert client().networks.list(filters=label) == []
            assert client().volumes.list(filters=label) == []


def fetched(address: str, path: str) -> bytes:
    """Get a path that is there."""
    wire = http.client.HTTPConnection(address, timeout=8)
    try:
        wire.request("GET", path)
        response = wire.getresponse()
        assert response.status == 200, path
        return response.read()
    finally:
        wire.close()


def until(check: Callable[[], bool], within_s: float) -> float:
    """Wait until it is so; give the seconds that took."""
    now_ns = MachineClock().now_ns
    while not check():
        assert now_ns() / 1e9 < within_s, f"not so within {within_s} s"
        pause(0.1)
    return now_ns() / 1e9


def test_it_is_as_declared_and_each_part_answers(night: Night) -> None:
    assert night.shop.fingerprint() == ()
    assert len(night.shop.residence.things) == 14
    assert set(night.shop.versions) == {part.name for part in SHOP.declaration.components}
    assert all("unknown" not in version for version in night.shop.versions.values())
    for thing in night.shop.residence.things:
        value = night.answers(thing.name).value
        assert isinstance(value, float), f"{thing.name}: {value}"
        assert value < 500
    assert night.shop.locate(PRIMARY).instance == "orders_db-1"
    assert night.shop.locate(Target.parse("orders_db:standby")).instance == "orders_db-2"
    replicated = cast("Replicated", night.shop.able("orders_db-2", Replicated))
    # A node of a machine that others use, too, may be slow to say its role once.
    soon(lambda: (replicated.primary().value, replicated.standbys().value) == ("orders_db-1", 1.0), 10, "the roles")
    nodes = [f"windtunnel-{night.site.id}-orders_db-{number}" for number in (1, 2)]
    assert as_declared(roles(nodes)), "and so say the nodes to those who ask them by hand"


def test_every_sense_sees_without_the_engine(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Witnesses and probes ask the parts themselves: while they look, nobody calls the engine or starts its command."""

    def deaf(*_: object, **__: object) -> None:
        raise AssertionError("a sense asked the engine")

    engine = client()
    monkeypatch.setattr("requests.Session.send", deaf)
    monkeypatch.setattr("subprocess.Popen.__init__", deaf)
    monkeypatch.setattr("os.posix_spawn", deaf)
    for asked in (engine.ping, lambda: docker("version")):
        with pytest.raises(AssertionError, match="asked the engine"):
            asked()
    for component in SHOP.declaration.components:
        for sense, question, asked_for in looks(component):
            for name in night.shop.instances(component):
                reading = getattr(night.shop.able(name, sense), question)(*asked_for)
                assert reading.value not in (None, SILENT, REFUSED), f"{question} of {name}: {reading}"


def test_what_was_acknowledged_is_on_both_nodes(night: Night) -> None:
    assert night.order(20) == 20
    audit = night.shop.audit()
    assert audit.missing == {}
    assert [dict(zip(node.key, node.digest, strict=True)) for node in audit.nodes] == [night.acknowledged] * 2
    assert len(audit.stock) == audit.skus > 1000
    assert all(level.initial - level.final == level.sold for level in audit.stock)
    assert audit.charges == Charges(orders=len(night.acknowledged), wrong=())


def test_a_shopper_fills_a_cart_confirms_and_pays_and_no_other_session_sees_it(night: Night) -> None:
    one, other = Visit(night.shop.entry.url, 17), Visit(night.shop.entry.url, 17)
    assert one.ask("PUT", "/cart/SKU-00002", {"qty": 2})[0] == 200
    assert one.ask("PUT", "/cart/SKU-00001", {"qty": 3})[0] == 200
    lines = [{"sku": "SKU-00001", "qty": 1}, {"sku": "SKU-00002", "qty": 2}]
    for _ in range(2):  # as often as it is said
        assert one.ask("PUT", "/cart/SKU-00001", {"qty": 1}) == (200, {"shopper": 17, "lines": lines})
    assert one.ask("PUT", "/cart/SKU-00003", {"qty": 1})[1]["lines"] == [*lines, {"sku": "SKU-00003", "qty": 1}]
    assert one.ask("PUT", "/cart/SKU-00003", {"qty": 0})[1]["lines"] == lines
    assert one.ask("PUT", "/cart/SKU-NONE", {"qty": 1})[0] == 404
    assert other.ask("GET", "/cart") == (200, {"shopper": 17, "lines": []})

    status, confirmed = one.ask("POST", "/checkout")
    prices = [one.ask("GET", f"/products/{line['sku']}")[1]["price_cents"] for line in lines]
    assert (status, [line["price_cents"] for line in confirmed["lines"]]) == (200, prices)
    assert one.ask("PUT", "/cart/SKU-00002", {"qty": 4})[0] == 200  # on the way to the till
    key, paid = f"{night.site.id}:journey", {"confirmation": confirmed["confirmation"]}
    assert other.ask("POST", "/pay", paid, key)[0] == 400
    status, order = one.ask("POST", "/pay", paid, key)
    assert (status, order["amount_cents"]) == (201, prices[0] + 2 * prices[1])
    assert one.ask("POST", "/pay", paid, key) == (200, order)
    assert one.ask("GET", "/cart")[1]["lines"] == [{"sku": "SKU-00002", "qty": 4}]
    night.acknowledged[key] = digest([("SKU-00001", 1), ("SKU-00002", 2)], order["amount_cents"])

    for n in range(5):
        assert other.ask("PUT", f"/cart/SKU-0010{n}", {"qty": 1})[0] == 200
    assert other.ask("PUT", "/cart/SKU-00001", {"qty": 1}) == (409, {"refused": "cart_full"})


def test_both_storefronts_show_the_same_pages_and_pictures(night: Night) -> None:
    shown = []
    for front in night.shop.instances(next(one for one in COMPONENTS if one.name == "storefront")):
        address = next(one.state["address"] for one in night.shop.residence.things if one.name == front)
        home = fetched(f"{address}:8080", "/")
        hrefs = sorted(set(re.findall(rb'"(/a/[^"]+)"', home)))
        shown.append([home, *(fetched(f"{address}:8080", href.decode()) for href in hrefs)])
        assert b'data-sku="SKU-00001"' in fetched(f"{address}:8080", "/p/SKU-00001")
        assert fetched(f"{address}:8080", "/c/CAT-01?page=1").count(b"data-price-cents") == 20
    assert shown[0] == shown[1]
    assert len(shown[0]) >= 5


def test_logs_hold_what_the_parts_said_and_no_password(night: Night, tmp_path: Path) -> None:
    night.shop.collect(tmp_path / "logs")
    logs = {path.stem: path.read_text() for path in (tmp_path / "logs").iterdir()}
    assert set(logs) == {thing.name for thing in night.shop.residence.things}
    assert "leader" in logs["orders_db-1"]
    assert len(night.shop.secrets) == 5
    assert not any(secret in text for secret in night.shop.secrets for text in logs.values())


def test_a_crashed_storefront_process_is_there_again(night: Night) -> None:
    before, heard = night.started("storefront-1").value, len(night.events)
    cast("Crashable", night.shop.able("storefront-1", Crashable)).crash().act()
    until(lambda: night.started("storefront-1").value not in (before, SILENT, REFUSED, None), 15)
    until(lambda: night.heard("die", "storefront-1", heard), 5)
    assert night.order(5) >= 4


def test_a_crashed_postmaster_is_there_again_and_follows(night: Night) -> None:
    primary = night.shop.locate(PRIMARY).instance
    before, heard = night.started(primary).value, len(night.events)
    cast("Crashable", night.shop.able(primary, Crashable)).crash().act()
    until(lambda: night.heard("exec_die", primary, heard), 5)  # the command that killed it; its container lives on
    until(lambda: night.order(1) == 1, 20)
    until(lambda: night.started(primary).value not in (before, SILENT, REFUSED, None), 30)
    until(lambda: night.shop.fingerprint() == (), REJOINED_WITHIN_S)


def test_a_lost_primary_is_replaced_and_rejoins_when_it_is_back(night: Night) -> None:
    lost = night.shop.locate(PRIMARY).instance
    broken, heard = cast("Killable", night.shop.able(lost, Killable)).kill(), len(night.events)
    broken.act()
    assert night.answers(lost).value in (SILENT, REFUSED)
    recovered_s = until(lambda: night.order(1) == 1, 45)
    print(f"orders were taken again after {recovered_s:.1f} s")
    until(lambda: night.heard("kill", lost, heard), 5)
    replacing = night.shop.locate(PRIMARY).instance
    assert replacing != lost
    assert {residue.on for residue in night.shop.fingerprint()} >= {lost}

    heard = len(night.events)
    driver("docker").MENDERS["start"](broken.undo[0])
    until(lambda: night.heard("start", lost, heard), 5)
    rejoined_s = until(lambda: night.shop.fingerprint() == (), REJOINED_WITHIN_S)
    print(f"{lost} followed again after {rejoined_s:.1f} s")
    audit = night.shop.audit()
    assert audit.missing == {}
    assert {node.node: node.role for node in audit.nodes} == {replacing: "primary", lost: "standby"}
    for node in audit.nodes:
        assert night.acknowledged.items() <= dict(zip(node.key, node.digest, strict=True)).items()
