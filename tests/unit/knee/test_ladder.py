"""A scenario made into a ladder: what is asked of every rung, what of the whole run, and what cannot be climbed."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.knee.ladder import asked_of, ladder
from harness.plan import plan
from harness.project import find
from harness.scenario import Scenario, load, parse
from tests.golden import ROOT

PEAK = load(ROOT / "scenarios" / "thousand_orders.toml")


def climbed(scenario: Scenario, *rates: int, try_s: float = 20) -> Scenario:
    return parse(ladder(scenario, rates, try_s), "made_up.toml")


def test_a_ladder_is_a_scenario_that_plans_and_offers_each_rate_for_as_long_as_a_try() -> None:
    made = climbed(PEAK, 400, 600)
    planned = plan(made, find(ROOT).shop().declaration)
    assert [(one.name, one.orders_per_s, one.for_s - one.ramp_s) for one in made.load.stages] == [
        ("at_400", 400, 20),
        ("after_400", 100, 4),
        ("at_600", 600, 20),
        ("after_600", 100, 4),
    ]
    assert made.load.logs_per_s == PEAK.load.logs_per_s, "what shoppers read is as it was"
    asked = {one.id: one.when for one in planned.objectives}
    assert asked["goodput_at_400"] == asked["browsing_at_400"] == "at_400"
    assert asked["order_latency_at_600"] == "at_600"
    assert asked["orders_lost"] == "all"


def test_a_steady_state_of_the_same_name_is_asked_too() -> None:
    """One is stricter than the other, and none may take the other's place."""
    loose = parse(PEAK.text + "\n[objectives.order_latency]\np95_max_ms = 1000\n", PEAK.file)
    asked = {one.id: one.params for one in climbed(loose, 400).objectives if one.kind == "order_latency"}
    assert {name: told["p95_max_ms"] for name, told in asked.items()} == {
        "order_latency_at_400": 1000,
        "steady_order_latency_at_400": 200,
    }


def test_what_a_short_stretch_cannot_show_or_is_no_question_of_speed_is_not_asked_of_it() -> None:
    """A throughput takes a minute, and a cost is no capacity."""
    ids = {one.id for one in asked_of(PEAK, 20)}
    assert ids == {"goodput", "order_latency", "browsed", "browsing", "looking_back", "ordering"}
    assert {one.id for one in asked_of(PEAK, 60)} == ids | {"throughput"}
    kinds = {one.kind for one in climbed(PEAK, 400).objectives}
    assert {"orders_lost", "oversold", "duplicated", "ghosts"} <= kinds, "read back afterwards"
    assert not {"cpu_per_order", "redundancy"} & kinds


@pytest.mark.parametrize("name", ["db_primary_lost", "midnight_spike", "db_frozen", "cdn_cut_unnoticed"])
def test_a_scenario_in_which_something_happens_is_no_ground_for_a_ladder(name: str) -> None:
    with pytest.raises(UsageError, match="where nothing is broken"):
        ladder(load(ROOT / "scenarios" / f"{name}.toml"), [100], 20)


def test_a_scenario_that_asks_for_nothing_in_time_is_none_either() -> None:
    lost = tuple(one for one in PEAK.objectives if one.kind == "orders_lost")
    with pytest.raises(UsageError, match="ask for goodput or order_latency"):
        asked_of(replace(PEAK, steady_state=(), objectives=lost), 20)


def test_every_scenario_of_the_house_without_faults_can_be_climbed() -> None:
    calm = [
        one for one in map(load, sorted(Path(ROOT / "scenarios").glob("*.toml"))) if not one.disturbed and not one.repeat
    ]
    climbable = [one for one in calm if one.load.sessions is None]
    assert {"calm", "thousand_orders"} <= {one.name for one in climbable}
    for one in climbable:
        climbed(one, 100, 150)
