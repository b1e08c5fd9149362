"""What people do by hand is planned as a scenario is, with every refusal, in the words of the command line."""

import re

import pytest

from harness import registry
from harness.byhand import LOOK_S, ORDERS_MAX, RATE_MAX, one_break, only_load, standing
from harness.errors import UsageError
from harness.faults.latency import Latency
from harness.model import Target
from sut.shop import ReferenceShop
from tests.examples import example
from tests.fake_declaration import DECLARATION

ALL = tuple(part.name for part in DECLARATION.components)
REFUSED = {
    ("pauze", "orders_db:primary", 60.0): "'pauze' is none of the faults; did you mean 'pause'?",
    ("pause", "orders_db:primary", None): "say how long: --for 60s",
    ("crash", "orders_db:primary", 60.0): "leave out --for",
    ("pause", "lb", 60.0): "where shoppers enter, which is never a target",
    ("pause", "cdn", 60.0): "cdn is no component of the shop",
    ("pause", "orders_db:boss", 60.0): "orders_db has no role 'boss'; it has: orders_db:primary, orders_db:standby",
    ("pause", "orders_db", 60.0): "has 2 instances; name one: orders_db#1",
    ("pause", "storefront#3", 60.0): "storefront has 2 instance(s)",
    ("pause", "db_route", 60.0): "db_route is not Pausable; it is: Answers",
    ("pause", "@old", 60.0): "@old is no component",
    ("pause", "storefront#1->orders_db", 60.0): "is no link of the shop",
    ("pause", "not a target", 60.0): "is no target; write component",
    ("latency", "storefront->db_route", 60.0): "missing required field",
}


@pytest.mark.parametrize(("kind", "target", "hold_s"), REFUSED)
def test_a_breakage_that_no_scenario_may_hold_is_refused(kind: str, target: str, hold_s: float | None) -> None:
    with pytest.raises(UsageError, match=re.escape(f"break {kind} {target}: ")) as refused:
        one_break(DECLARATION, kind, target, hold_s, ALL)
    assert REFUSED[kind, target, hold_s] in str(refused.value)


def test_nothing_can_be_added_to_a_shop_that_stands() -> None:
    declaration = ReferenceShop().declaration
    running = tuple(part.name for part in declaration.components)
    with pytest.raises(UsageError, match="a shop that stands has no room for it; write a scenario with this step"):
        one_break(declaration, "scale_out", "storefront#3", 60.0, running)


@pytest.mark.parametrize("kind", [kind for kind in registry.kinds("faults") if kind != "scale_out"])
def test_every_fault_can_be_one_breakage(kind: str) -> None:
    hold_s = 60.0 if registry.cls("faults", kind).held else None
    given, declaration = example(kind), ReferenceShop().declaration
    parameters = [f"{name}={value}" for name, value in given.items() if name != "target"]
    running = tuple(part.name for part in declaration.components)
    made = one_break(declaration, kind, given["target"], hold_s, running, parameters)
    (step,) = made.steps
    assert (step.id, step.kind, step.at_s, step.hold_s) == (kind, kind, 0.0, hold_s)
    assert made.scenario.load.baseline_s == LOOK_S


def test_parameters_are_read_as_in_a_scenario() -> None:
    typed = one_break(DECLARATION, "cut", "orders_db:primary", 60.0, ALL, ["way=in"])
    written = one_break(DECLARATION, "cut", "orders_db:primary", 60.0, ALL, ['way="in"'])
    assert typed.steps == written.steps
    slow = one_break(DECLARATION, "latency", "storefront->db_route", 60.0, ALL, ["ms=300"])
    latency: object = slow.steps[0].fault
    assert latency == Latency(target=Target.parse("storefront->db_route"), ms=300)
    for wrong, said in {
        "300": "write NAME=VALUE",
        "ms=fast": "Expected `int`",
        "msec=300": "unknown key; did you mean 'ms'",
        "ms=1\nb=2": "Expected `int` >= 50",
    }.items():
        with pytest.raises(UsageError, match=said):
            one_break(DECLARATION, "latency", "storefront->db_route", 60.0, ALL, [wrong])


def test_a_link_is_broken_only_where_its_proxy_stands() -> None:
    assert "proxy" not in standing(DECLARATION, [], ()).parts, "nobody pays for what nobody asked for"
    assert standing(DECLARATION, [], ()).proxied == ()
    stands = standing(DECLARATION, ["lb", "proxy"], ())
    assert [str(link) for link in stands.proxied] == ["storefront->db_route"]
    assert one_break(DECLARATION, "latency", "storefront->db_route", 60.0, stands.parts, ["ms=300"]).steps
    without = standing(DECLARATION, [], ()).parts
    with pytest.raises(
        UsageError, match="no proxy is in the path of storefront->db_route there; first type: windtunnel down"
    ):
        one_break(DECLARATION, "latency", "storefront->db_route", 60.0, without, ["ms=300"])


def test_what_does_not_run_is_not_broken() -> None:
    with pytest.raises(UsageError, match=r"storefront does not run there; running: etcd, orders_db$"):
        one_break(DECLARATION, "pause", "storefront#1", 60.0, ("etcd", "orders_db"))


def test_parts_come_with_what_they_need_in_the_declarations_order() -> None:
    assert standing(DECLARATION, ["orders_db"], ()).parts == ("orders_db", "etcd")
    assert standing(DECLARATION, ["etcd", "db_route"], ()).parts == ("db_route", "orders_db", "etcd")
    assert standing(DECLARATION, [], ()).parts == tuple(name for name in ALL if name != "proxy")


def test_a_part_or_a_defect_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="up cdn: no component of the shop made_up; it has: lb, storefront"):
        standing(DECLARATION, ["orders_db", "cdn"], ())
    with pytest.raises(UsageError, match="up: 'no_falover' is none of no_failover, oversell"):
        standing(DECLARATION, [], ("no_falover",))


def test_a_load_is_as_asked_for() -> None:
    made = only_load(DECLARATION, 100.0, 90.0)
    assert (made.orders_per_s, made.scenario.load.baseline_s, made.steps) == (100.0, 90.0, ())
    assert made.longest_s > 90


@pytest.mark.parametrize("rate", [0.0, -1.0, RATE_MAX + 1, float("nan"), float("inf")])
def test_a_rate_that_is_none_or_too_much_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match=r"--orders-per-s .*: expected more than 0, at most 2,000"):
        only_load(DECLARATION, rate, 60.0)


@pytest.mark.parametrize(("rate", "seconds", "use"), [(RATE_MAX, 1001.0, 1000), (300.0, 14400.0, 6666)])
def test_more_orders_than_can_be_counted_are_refused_with_the_time_to_use(rate: float, seconds: float, use: int) -> None:
    with pytest.raises(UsageError, match=f"at most 2,000,000 can be counted: --for {use}s$"):
        only_load(DECLARATION, rate, seconds)
    assert only_load(DECLARATION, rate, use).scenario.load.baseline_s * rate <= ORDERS_MAX
