"""What must not run: it is refused with file, key and the value to use, and that helps."""

import re

import pytest

from harness import registry
from harness.errors import PlanError, ScenarioError, UsageError
from harness.outages import orders_to_see
from harness.plan import plan
from harness.planned import Plan
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO

GOOD = SCENARIO + OBJECTIVES + KILL
SECOND = "[[steps]]\nat_s = {at}\nhold_s = 25\n{id}kill = {{ target = 'orders_db:standby' }}\n"
KILLED = 'kill = { target = "orders_db:primary" }'
PAUSE = "pause = { target = 'storefront#1"


def planned(text: str, *, defects: tuple[str, ...] = (), rate: float | None = None, part: int = 1) -> Plan:
    return plan(parse(text, "made.toml"), DECLARATION, defects=defects, rate=rate, part=part)


def aimed_at(target: str) -> str:
    return GOOD.replace("orders_db:primary", target)


REFUSED = {
    "our heal would end the outage": (
        GOOD.replace("hold_s = 25", "hold_s = 20"),
        "steps.step1.hold_s",
        "our own heal would end the outage before the budget; write hold_s = 30 or more",
    ),
    "held without hold_s": (
        GOOD.replace("hold_s = 25\n", ""),
        "steps[1].hold_s",
        "kill is held until we heal it; say how long: hold_s = 60",
    ),
    "impulse with hold_s": (
        GOOD.replace("kill = {", "crash = {"),
        "steps[1].hold_s",
        "crash is an impulse, nothing is held; remove hold_s",
    ),
    "outside the blast radius": (
        GOOD.replace('["orders_db", "storefront"]', '["storefront"]'),
        "blast_radius",
        'steps[1].kill breaks orders_db; write blast_radius = ["storefront", "orders_db"]',
    ),
    "two at a time": (
        GOOD + SECOND.format(at=10, id=""),
        "steps.step2.at_s",
        "kill on orders_db:primary is held until 25 s; start at_s = 30 or later",
    ),
    "baseline without looks": (
        GOOD.replace("baseline_s = 12", "baseline_s = 5").replace("warm_up_s = 2", "warm_up_s = 20"),
        "load.baseline_s",
        "a witness looks 5 times before the fault; write baseline_s = 6 or more",
    ),
    "too few orders before the fault": (
        GOOD.replace("baseline_s = 12", "baseline_s = 7"),
        "load.baseline_s",
        "orders_lost counts the orders of the 10 s before the fault, here 9 s; write baseline_s = 8 or more",
    ),
    "too short for an objective": (
        SCENARIO + OBJECTIVES + "throughput = {}\n",
        "objectives.throughput",
        "needs 60 s of load, this run may end after 12 s; write baseline_s = 60 or more",
    ),
    "too short for an objective, though something is broken": (
        GOOD.replace("hold_s = 25", "hold_s = 25.3") + "[objectives.throughput]\n",
        "objectives.throughput",
        "needs 60 s of load, this run may end after 47.3 s; write baseline_s = 25 or more",
    ),
    "too few orders after the act": (
        GOOD.replace("orders_per_s = 100", "orders_per_s = 1.9").replace("hold_s = 25\nkill", "crash"),
        "recovery.stable_s",
        "19 orders may be due from the first act on, rto needs 20; write stable_s = 11 or more",
    ),
    "too few orders within the budget": (
        GOOD.replace("budget_s = 15", "budget_s = 0.05"),
        "objectives.rto.budget_s",
        "5 orders are due within the budget, 10 are needed to see an outage as long as that; write budget_s = 0.1 or more",
    ),
    "no time to recover": (
        GOOD.replace("give_up_s = 60", "give_up_s = 12"),
        "recovery.give_up_s",
        "no time to see stable_s; write give_up_s = 70 or more",
    ),
    "unknown component": (
        aimed_at("orders_bd"),
        "steps[1].kill.target",
        "orders_bd is no component of the shop made_up; it has: lb, storefront, prometheus, alertmanager, db_route, ",
    ),
    "a link is no instance": (
        aimed_at("orders_db:primary->orders_db"),
        "steps[1].kill.target",
        "kill breaks an instance, not a link; leave out ->orders_db",
    ),
    "no such link": (
        aimed_at("orders_db:primary->etcd"),
        "steps[1].kill.target",
        "orders_db:primary->etcd is no link of the shop made_up; it has: orders_db->orders_db, ",
    ),
    "no link at all for a toxic": (
        GOOD.replace(KILLED, "latency = { target = 'orders_db', ms = 300 }"),
        "steps[1].latency.target",
        "orders_db is no link that a proxy can carry; these are: storefront->db_route",
    ),
    "a link without a proxy": (
        GOOD.replace(KILLED, "latency = { target = 'orders_db->orders_db', ms = 300 }"),
        "steps[1].latency.target",
        "orders_db->orders_db is no link that a proxy can carry; these are: storefront->db_route",
    ),
    "a proxy carries all": (
        GOOD.replace(KILLED, "latency = { target = 'storefront#1->db_route', ms = 300 }"),
        "steps[1].latency.target",
        "storefront#1->db_route: a proxy carries the link for all of storefront; write storefront->db_route",
    ),
    "an alias is no component": (aimed_at("@old_primary"), "steps[1].kill.target", "is no component of the shop"),
    "the entry": (aimed_at("lb"), "steps[1].kill.target", "lb is where shoppers enter, which is never a target"),
    "unknown role": (
        aimed_at("orders_db:main"),
        "steps[1].kill.target",
        "orders_db has no role 'main'; it has: orders_db:primary, orders_db:standby",
    ),
    "no roles at all": (
        aimed_at("storefront:main"),
        "steps[1].kill.target",
        "storefront has no role 'main'; it has: none; write storefront",
    ),
    "no such instance": (
        aimed_at("storefront#3"),
        "steps[1].kill.target",
        "storefront#3: storefront has 2 instance(s), counted from 1",
    ),
    "one of several": (
        aimed_at("storefront"),
        "steps[1].kill.target",
        "storefront has 2 instances; name one: storefront#1",
    ),
    "unable": (
        aimed_at("etcd").replace('"orders_db", "storefront"', '"etcd"'),
        "steps[1].kill",
        "etcd is not Killable; it is: Answers",
    ),
    "two of one name": (
        GOOD + SECOND.format(at=60, id="id = 'step1'\n"),
        "steps",
        "two steps have the same id; give each its own",
    ),
    "two faults on one thing": (
        aimed_at("storefront#1") + SECOND.format(at=10, id="").replace("kill = { target = 'orders_db:standby", PAUSE),
        "steps.step2.at_s",
        "kill on storefront#1 is held until 25 s; start at_s = 30 or later",
    ),
    "a stretch of what looks at all": (
        GOOD.replace("oversold = {}", 'oversold = { when = "baseline" }'),
        "objectives.oversold.when",
        "oversold always judges the whole run; remove when",
    ),
    "a steady state of what looks at all": (
        GOOD.replace("[steady_state]", "[steady_state]\noversold = {}", 1),
        "steady_state.oversold",
        "always judges the whole run, so it cannot say how the shop was before; move it to [objectives]",
    ),
    "a stretch that never comes": (
        SCENARIO + OBJECTIVES + 'before = { kind = "goodput", min_ratio = 0.5, when = "steady" }\n',
        "objectives.before.when",
        "nothing is broken, so nothing is ever steady; remove when",
    ),
    "an alert that nothing could raise": (
        SCENARIO + OBJECTIVES + 'noticed = { kind = "alert", name = "OrdersDbNoPrimary", budget_s = 5 }\n',
        "objectives.noticed",
        "nothing is broken, so there is nothing to notice; leave it out",
    ),
    "an alert about no step": (
        GOOD.replace("oversold = {}", 'on = { kind = "alert", name = "OrdersDbNoPrimary", budget_s = 5, step = "stepp1" }'),
        "objectives.on.step",
        "'stepp1' is no step of this scenario: step1",
    ),
    "an alert that nobody declares": (
        GOOD.replace("oversold = {}", 'on = { kind = "alert", name = "NoPrimary", budget_s = 5 }'),
        "objectives.on.name",
        "'NoPrimary' is no alert of the shop made_up; it has: OrdersDbNoPrimary",
    ),
    "an rto beside stages": (
        GOOD.replace("warm_up_s", "stages = [{ name = 'rush', orders_per_s = 200, for_s = 9 }]\nwarm_up_s"),
        "objectives.rto",
        "rto sees outages by the usual rate, which stages change; ask back_after_heal, or leave the stages out",
    ),
    "a way back from a step or a stage": (
        GOOD.replace("warm_up_s", "stages = [{ name = 'rush', orders_per_s = 200, for_s = 9 }]\nwarm_up_s").replace(
            "rto = { budget_s = 15, contract_s = 900 }", "back_after_heal = { budget_s = 15 }"
        ),
        "objectives.back_after_heal",
        "nobody could tell what it came back from, a step or a stage; leave the stages out",
    ),
    "unknown stretch": (
        GOOD.replace("oversold = {}", 'oversold = { when = "never" }'),
        "objectives.oversold.when",
        "expected one of all, baseline, recovered, steady, found 'never'",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_must_not_run_is_refused_with_file_key_and_what_to_write(why: str) -> None:
    text, key, because = REFUSED[why]
    with pytest.raises(PlanError) as raised:
        planned(text)
    assert str(raised.value).startswith(f"made.toml: {key}: ")
    assert because in str(raised.value)
    assert raised.value.exit_code == 2


def test_two_instances_that_are_named_may_suffer_the_same_at_once() -> None:
    one, other = aimed_at("storefront#1"), SECOND.format(at=10, id="")
    both = planned(one + other.replace("orders_db:standby", "storefront#2"))
    assert [str(step.fault.target) for step in both.steps] == ["storefront#1", "storefront#2"]
    with pytest.raises(PlanError, match="is held until"):
        planned(one + other.replace("orders_db:standby", "storefront#1"))


@pytest.mark.parametrize(
    "why", [why for why, (_, _, because) in REFUSED.items() if re.search(r"(write|start) \w+ = ", because)]
)
def test_the_value_that_a_refusal_gives_helps(why: str) -> None:
    text, _, because = REFUSED[why]
    found = re.search(r"(?:write|start) (\w+) = (\[.*?\]|[\d.]+)", because)
    assert found is not None
    name, value = found.groups()
    inline = {"two at a time": "at_s = 10", "too few orders within the budget": "budget_s = 0.05"}
    old = inline.get(why) or next(line for line in text.splitlines() if line.startswith(f"{name} ="))
    planned(text.replace(old, f"{name} = {value}"))


@pytest.mark.parametrize("rate", [5, 33.3, 100, 300, 1234.5])
def test_a_budget_is_refused_just_where_the_judge_could_never_pass_it(rate: float) -> None:
    """The value that the refusal gives is one that the judge has enough orders for, at every rate."""
    tight = GOOD.replace("budget_s = 15", "budget_s = 0.01")
    with pytest.raises(PlanError, match="budget_s = ") as raised:
        planned(tight, rate=rate)
    found = re.search(r"write budget_s = ([\d.]+)", str(raised.value))
    assert found is not None
    least_s = float(found[1])
    assert rate * least_s >= orders_to_see(rate) > rate * (least_s - 0.1)
    planned(tight.replace("budget_s = 0.01", f"budget_s = {least_s:g}"), rate=rate)


@pytest.mark.parametrize("shelf", ["kill", "oversold", "goodput"])
def test_an_unknown_kind_is_refused_with_the_nearest(shelf: str) -> None:
    """Faults, objectives and the steady state alike."""
    with pytest.raises(ScenarioError, match=f"did you mean '{shelf}'"):
        planned(re.sub(rf"\b{shelf} =", f"{shelf[:-1]}X =", GOOD))


def test_an_unknown_kind_far_from_all_is_refused_with_all() -> None:
    with pytest.raises(ScenarioError, match=f"known: {', '.join(registry.kinds('faults'))}"):
        planned(GOOD.replace("kill =", "unplug_everything ="))


@pytest.mark.parametrize(("limit", "key"), [("0", "> 0"), ("1.1", "<= 1")])
def test_a_share_that_nothing_can_fall_short_of_or_reach_is_refused(limit: str, key: str) -> None:
    with pytest.raises(ScenarioError, match=rf"steady_state.less.*{key}"):
        planned(GOOD.replace("[steady_state]", f"[steady_state]\nless = {{ kind = 'goodput', min_ratio = {limit} }}"))


def test_an_unknown_defect_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="'no_failovr' is none of no_failover, oversell"):
        planned(GOOD, defects=("no_failovr",))
