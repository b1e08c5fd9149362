"""What loss, rate, delay and dns_gone take for a bite, what they refuse, and what they hand to their powers. Pure."""

from collections.abc import Callable
from typing import Any

import pytest

from harness import registry
from harness.errors import PlanError, ScenarioError
from harness.faultbook import example
from harness.model import REFUSED, SILENT, Break, Fault, Reading
from harness.plan import plan
from harness.planned import PlannedStep
from harness.scenario import Entry, parse
from sut.shop import ReferenceShop

LINK = "storefront#1->db_route"


def make(kind: str, **params: Any) -> Any:
    """Make a fault as a scenario does."""
    entry = Entry(id=kind, kind=kind, params={"target": LINK} | params)
    return registry.make("faults", entry, "made_up.toml", kind)


def read(*values: float | str | None) -> list[Reading]:
    """Give readings of these values."""
    return [Reading(at_ns=0, value=value) for value in values]


LOSS, RATE, DELAY = make("loss", percent=20), make("rate", kbytes_per_s=50), make("delay", ms=100, jitter_ms=20)
GONE = make("dns_gone", target="storefront#1")
WELL = {"loss": (0.0, 0.0, 0.01), "rate": (2000.0, 900.0, 2500.0), "delay": (0.2, 0.3, 40.0), "dns_gone": (1.0, 2.0, 3.0)}


@pytest.mark.parametrize(
    ("fault", "now", "bitten"),
    [
        (LOSS, 0.2, True),
        (LOSS, 0.05, True),
        (LOSS, 0.04, False),
        (LOSS, 0.0, False),
        (LOSS, SILENT, None),
        (RATE, 48.0, True),
        (RATE, 75.0, True),
        (RATE, 76.0, False),
        (RATE, 1.0, True),
        (RATE, SILENT, True),
        (RATE, REFUSED, None),
        (DELAY, 100.2, True),
        (DELAY, 80.0, True),
        (DELAY, 50.2, False),
        (DELAY, 0.2, False),
        (DELAY, SILENT, None),
        (GONE, SILENT, True),
        (GONE, REFUSED, True),
        (GONE, 5.0, False),
    ],
)
def test_what_is_a_bite(fault: Any, now: float | str, bitten: bool | None) -> None:
    """Seen well before; what a reading of now then means."""
    kind = type(fault).__name__.lower().replace("dnsgone", "dns_gone")
    assert fault.bitten(read(*WELL[kind]), read(now)[0]) is bitten


@pytest.mark.parametrize(
    ("fault", "before"), [(LOSS, (0.06, 0.2, 0.1)), (RATE, (99.0, 40.0)), (LOSS, (SILENT,)), (DELAY, (SILENT, None))]
)
def test_what_was_no_better_before_proves_nothing(fault: Any, before: tuple[float | str | None, ...]) -> None:
    """A link that lost as much, or was never twice as fast: what is seen now may be no work of ours."""
    assert fault.bitten(read(*before), read(0.2)[0]) is None


@pytest.mark.parametrize(
    ("kind", "params", "use"),
    [
        ("loss", {"percent": 2}, "write percent = 5"),
        ("loss", {"percent": 100}, "write percent = 50"),
        ("rate", {"kbytes_per_s": 1}, "write kbytes_per_s = 8"),
        ("rate", {"kbytes_per_s": 10_000}, "write kbytes_per_s = 1000"),
        ("rate", {"kbytes_per_s": 50, "target": "storefront#1"}, "only links have a rate; write target = "),
        ("delay", {"ms": 5}, "write ms = 20"),
        ("delay", {"ms": 5000}, "write ms = 1000"),
        ("delay", {"ms": 100, "jitter_ms": 80}, "write jitter_ms = 50"),
        ("delay", {"ms": 100, "jitter_ms": -1}, "write jitter_ms = 0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_write(kind: str, params: dict[str, Any], use: str) -> None:
    with pytest.raises(ScenarioError, match=use):
        make(kind, **params)


def planned(step: str) -> PlannedStep:
    """Plan one step on the reference shop."""
    text = f"""
format = 1
hypothesis = "It is planned."
blast_radius = ["storefront", "etcd", "db_route"]
seed = 7
load = {{ arrivals = {{ orders_per_s = 10 }}, warm_up_s = 0, baseline_s = 30 }}
objectives = {{ orders_lost = {{ max = 0 }} }}
[[steps]]
at_s = 0
{step}
"""
    return plan(parse(text, "made_up.toml"), ReferenceShop().declaration).steps[0]


def test_chance_follows_from_the_scenarios_seed() -> None:
    """Unless the fault has one of its own."""
    taken = {kind: planned(f"hold_s = 60\n{example(kind).step.splitlines()[-1]}").fault for kind in ("loss", "delay")}
    assert [getattr(fault, "seed", None) for fault in taken.values()] == [7, 7]
    own = planned(f'hold_s = 60\nloss = {{ target = "{LINK}", percent = 20, seed = 3 }}').fault
    assert getattr(own, "seed", None) == 3


@pytest.mark.parametrize(
    ("step", "because"),
    [
        (f'hold_s = 3601\ndelay = {{ target = "{LINK}", ms = 100 }}', "ends by itself; write hold_s = 3600 or less"),
        (f'hold_s = 60\ndns_gone = {{ target = "{LINK}" }}', "breaks an instance, not a link; leave out ->db_route"),
        ('hold_s = 60\ndns_gone = { target = "etcd" }', "etcd is not Unnameable"),
    ],
)
def test_what_cannot_be_is_refused_by_the_plan(step: str, because: str) -> None:
    with pytest.raises(PlanError, match=because):
        planned(step)


CUT = f'hold_s = 60\ncut = {{ target = "{LINK}" }}'


@pytest.mark.parametrize(
    "other",
    [
        'hold_s = 9\npause = { target = "storefront#1" }',
        'hold_s = 9\npause = { target = "db_route" }',
        f'hold_s = 9\nrate = {{ target = "{LINK}", kbytes_per_s = 50 }}',
    ],
)
def test_a_link_is_not_broken_together_with_one_of_its_ends(other: str) -> None:
    """Nobody could tell whose work it is that nothing comes across; one after the other is another matter."""
    for first, second in ((CUT, other), (other, CUT)):
        with pytest.raises(PlanError, match=r"is held until \d+ s; start at_s = "):
            planned(f"{first}\n[[steps]]\nat_s = 5\n{second}")
        planned(f"{first}\n[[steps]]\nat_s = 65\n{second}")


@pytest.mark.parametrize("target", ["storefront#2", "etcd", "storefront#1->cache"])
def test_a_link_may_be_broken_while_something_else_is(target: str) -> None:
    planned(f'{CUT}\n[[steps]]\nat_s = 5\nhold_s = 9\nrefuse = {{ target = "{target}" }}')


class Hand:
    """A power and a sense that note what they were asked for."""

    def __init__(self) -> None:
        self.asked: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            self.asked = (name, *arguments)
            return Break(undo=(), act=lambda: None)

        return noted


@pytest.mark.parametrize(
    ("fault", "power", "sense"),
    [
        (LOSS, ("lose", "db_route", "both", 20, 0), ("lost_ratio", "db_route", 100)),
        (make("loss", percent=50, way="in", seed=3), ("lose", "db_route", "in", 50, 3), ("lost_ratio", "db_route", 40)),
        (RATE, ("throttle", "db_route", "both", 50), ("kbytes_per_s", "db_route")),
        (DELAY, ("delay", "db_route", 100, 20, 0), ("round_trip_ms", "db_route")),
        (GONE, ("unname",), ("lookup_ms",)),
    ],
)
def test_what_powers_and_senses_are_asked_for(fault: Fault, power: tuple[Any, ...], sense: tuple[Any, ...]) -> None:
    hand = Hand()
    fault.prepare(hand)
    assert hand.asked == power
    fault.look(hand)
    assert hand.asked == sense
