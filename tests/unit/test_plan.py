"""The plan: all that a run will do is decided before it starts."""

from dataclasses import replace

from harness.dryrun import told
from harness.faults.kill import Kill
from harness.model import Target
from harness.plan import plan
from harness.planned import Plan, load_s
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO

GOOD = SCENARIO + OBJECTIVES + KILL
KILLED = 'kill = { target = "orders_db:primary" }'


def planned(text: str, *, defects: tuple[str, ...] = (), rate: float | None = None, part: int = 1) -> Plan:
    return plan(parse(text, "made.toml"), DECLARATION, defects=defects, rate=rate, part=part)


def test_a_good_scenario_is_planned_whole() -> None:
    """Each kind became an object; the steady state is asked before and after."""
    made = planned(GOOD, defects=("oversell",))
    (step,) = made.steps
    assert isinstance(step.fault, Kill)
    assert step.fault.target == Target.parse("orders_db:primary")
    assert (step.id, step.kind, step.at_s, step.hold_s) == ("step1", "kill", 0, 25)
    assert [one.id for one in made.objectives][:4] == [
        "before.goodput", "after.goodput", "before.order_latency", "after.order_latency",
    ]  # fmt: skip
    assert {one.when for one in made.objectives[4:]} == {"all"}
    assert made.probes == ("foreign_cpu", "health", "redundancy", "role")
    assert made.defects == ("oversell",)
    assert load_s(made.scenario) == 2 + 12 + 25 + 60 + 30 < made.longest_s


def test_without_steps_the_steady_state_is_asked_once() -> None:
    made = planned(SCENARIO + OBJECTIVES)
    assert [one.id for one in made.objectives if "goodput" in one.id] == ["before.goodput"]
    assert load_s(made.scenario) == 14


def test_only_what_is_needed_is_started() -> None:
    """The entry, the targets, and what those need, in the declaration's order."""
    parts = DECLARATION.components
    alone = replace(parts[0], name="search", needs=())
    made = plan(parse(GOOD, "made.toml"), replace(DECLARATION, components=(*parts, alone)))
    assert made.parts == ("lb", "storefront", "db_route", "orders_db", "etcd")


def test_a_proxy_is_in_the_path_only_of_the_links_that_are_broken_by_it() -> None:
    slow = planned(GOOD.replace(KILLED, "latency = { target = 'storefront->db_route', ms = 300 }"))
    assert [str(link) for link in slow.proxied] == ["storefront->db_route"]
    assert "proxy" in slow.parts
    shown = told(slow)
    assert "proxied links   storefront->db_route through proxy" in shown
    assert "/proxies/storefront->db_route/toxics" in shown
    killed = planned(GOOD)
    assert killed.proxied == ()
    assert "proxy" not in killed.parts
    assert "proxied" not in told(killed)


def test_the_rate_scales_the_run() -> None:
    made = planned(GOOD, rate=25)
    assert (made.scale, made.orders_per_s) == (0.25, 25)


def test_each_run_of_a_series_has_its_own_seed_and_phase() -> None:
    """The same part is always the same run; phases differ by less than a second."""
    series = GOOD + '[repeat]\nruns = 3\nvary = "phase"\n'
    made = [planned(series, part=part) for part in (1, 2, 3)]
    assert [one.scenario.seed for one in made] == [7, 8, 9]
    times = [one.steps[0].at_s for one in made]
    assert len(set(times)) == 3
    assert all(0 <= at_s < 1 for at_s in times)
    assert planned(series, part=2) == made[1]
    assert planned(series.replace('"phase"', '"nothing"'), part=2).steps[0].at_s == 0
