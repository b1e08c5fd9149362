"""A storefront that can be added: which one, which share of the orders it serves, and that it says so when it goes."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn

from harness.clock import MachineClock
from harness.errors import PlanError
from harness.faults.scale_out import ScaleOut
from harness.model import Reading, Target
from harness.plan import plan
from harness.scenario import parse
from sut.components import haproxy
from sut.components.lb import Lb
from sut.components.spare import Joining, Spare
from sut.services import storefront
from sut.services.settings import Settings
from sut.services.storefront import Server, Storefront
from sut.shop import ReferenceShop
from tests.asgi import PAINTED, ask

SCENARIO = """
format = 1
hypothesis = "One more is there."
blast_radius = ["storefront", "etcd", "db_route"]
load = {{ arrivals = {{ orders_per_s = 10 }}, warm_up_s = 0, baseline_s = 30 }}
objectives = {{ orders_lost = {{ max = 0 }} }}
[[steps]]
at_s = 0
hold_s = 20
scale_out = {{ target = "{}" }}
"""
REFUSED = {
    "storefront#2": "storefront#2 is nothing that can be added; write storefront#3",
    "storefront#4": "storefront#4 is nothing that can be added; write storefront#3",
    "storefront": "storefront is nothing that can be added; write storefront#3",
    "etcd#2": "the shop has no room for more of etcd",
}
TOLD = """\
# TYPE haproxy_server_http_responses_total counter
haproxy_server_http_responses_total{{proxy="ordering",server="storefront-1",code="2xx"}} {}
haproxy_server_http_responses_total{{proxy="ordering",server="storefront-3",code="2xx"}} {}
haproxy_server_http_responses_total{{proxy="ordering",server="storefront-3",code="5xx"}} 77
haproxy_server_http_responses_total{{proxy="browsing",server="storefront-3",code="2xx"}} 900
haproxy_server_status{{proxy="ordering",server="storefront-1",state="UP"}} 1
haproxy_server_status{{proxy="ordering",server="storefront-3",state="UP"}} {}
haproxy_server_status{{proxy="browsing",server="storefront-3",state="UP"}} 1
"""
LOOKS = [  # what each of the two has served, and whether the balancer calls the added one up
    ((100, 0, 0), 0.0),
    ((100, 0, 0), 0.0),
    ((130, 10, 1), 0.25),
    ((130, 10, 1), "nobody was served an order since the last look"),
    ((150, 10, 1), 0.0),
    ((9, 3, 1), "the balancer has begun to count again"),
    ((12, 6, 0), 0.5),
    ((12, 6, 0), 0.0),
]


def test_the_next_number_can_be_added() -> None:
    made = plan(parse(SCENARIO.format("storefront#3"), "made_up.toml"), ReferenceShop().declaration)
    assert made.added == (Target.parse("storefront#3"),)
    assert "storefront" in made.parts


@pytest.mark.parametrize("target", REFUSED)
def test_nothing_else_can_be(target: str) -> None:
    with pytest.raises(PlanError, match=REFUSED[target]):
        plan(parse(SCENARIO.format(target), "made_up.toml"), ReferenceShop().declaration)


def test_its_share_is_of_the_orders_since_the_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([look for look, _ in LOOKS])
    monkeypatch.setattr(haproxy, "answers", lambda *_: TOLD.format(*next(counts)).encode())
    ground = SimpleNamespace(now_ns=MachineClock().now_ns)
    part = cast("Joining", SimpleNamespace(instance="storefront-3", ground=ground))
    spare = Spare(part, cast("Lb", SimpleNamespace(address="127.0.0.1")))
    for _, meant in LOOKS:
        seen = spare.share_ratio()
        if isinstance(meant, float):
            assert seen.value == meant
        else:
            assert seen.value is None
            assert str(meant) in str(seen.why)


def test_it_bites_when_one_that_served_nothing_serves() -> None:
    fault, none, some = (
        ScaleOut(target=Target.parse("storefront#3")),
        Reading(at_ns=0, value=0.0),
        Reading(at_ns=0, value=0.25),
    )
    assert [fault.bitten([none], one) for one in (none, some)] == [False, True]
    assert fault.bitten([some], some) is None, "who had its part before, was there"


def test_whoever_is_asked_to_go_says_so_before_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storefront, "LEAVES_S", 0.05)
    settings = Settings(
        dsn="postgresql://shop@127.0.0.1:1/shop", route="localhost", signing_secret="s", port=8080, defects=frozenset()
    )
    shop = Storefront(settings, PAINTED)
    server = Server(uvicorn.Config(shop.app()), shop.leave)

    def health() -> tuple[int, Any]:
        status, _, body = ask(shop.app(), "GET", "/health")
        return status, json.loads(body)["why"]

    monkeypatch.setattr(type(shop._pulse), "well", True)
    assert health()[0] == 200

    async def asked_to_go() -> bool:
        server.handle_exit(15, None)
        await asyncio.sleep(0)
        at_once = server.should_exit
        await asyncio.sleep(0.2)
        return at_once

    assert asyncio.run(asked_to_go()) is False, "it serves on for a while"
    assert server.should_exit
    assert health() == (503, "asked to go")
