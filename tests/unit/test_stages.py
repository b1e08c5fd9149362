"""Stages of the load, from the scenario to the verdict: a surge is an act, its end a heal, and each a stretch of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import dryrun, explain
from harness.checkers.back_after_heal import BackAfterHeal
from harness.checkers.goodput import Goodput
from harness.errors import PlanError, ScenarioError
from harness.events import LoadStopped
from harness.evidence import arrivals_needed
from harness.history import Window
from harness.judge import judge, window_of
from harness.model import Outcome
from harness.plan import plan
from harness.planned import Objective, load_s, stretches
from harness.report import Report
from harness.reporters import html
from harness.scenario import parse
from tests.fake_runs import BEGIN_NS, SCENARIO, S, Trouble, a_history, a_plan, act_ns, sealed

SURGE = '{ name = "sale", orders_per_s = 300, ramp_s = 1, for_s = 11 }'
PLAN = a_plan(surge=SURGE)
SALE = Window(start_ns=act_ns(PLAN), end_ns=act_ns(PLAN) + 11 * S)


def asked(text: str) -> None:
    """Plan the made-up scenario with these stages."""
    a_plan(surge=text)


@pytest.mark.parametrize(
    ("stages", "key"),
    [
        ('{ name = "Sale", orders_per_s = 1, for_s = 1 }', "name"),
        ('{ name = "all", orders_per_s = 1, for_s = 1 }', "name"),
        (SURGE.replace("300", "0"), "orders_per_s"),
        (SURGE.replace("11", "0"), "for_s"),
        (SURGE.replace("ramp_s = 1", "ramp_s = 12"), "ramp_s"),
        (f"{SURGE}, {SURGE}", "name"),
        (SURGE.replace("ramp_s", "ramp"), "ramp"),
    ],
)
def test_a_stage_that_cannot_be_is_refused_by_its_key(stages: str, key: str) -> None:
    with pytest.raises(ScenarioError, match=rf"load\.stages\S*{key}"):
        asked(stages)


def test_the_plan_tells_its_stages_and_lasts_as_long() -> None:
    scenario = PLAN.scenario
    assert "sale: 300 orders/s within 1 s, until T+" in dryrun.told(PLAN)
    assert load_s(scenario) == scenario.load.warm_up_s + scenario.load.baseline_s + 11 + scenario.recovery.give_up_s
    usual = scenario.load.arrivals.orders_per_s
    assert stretches(scenario)["sale"].times * usual == pytest.approx((300 * 10 + (300 + usual) / 2) / 11)
    whole = stretches(scenario)["all"]
    assert whole.times * whole.seconds * usual == pytest.approx(usual * (whole.seconds - 11) + 300 * 10 + (300 + usual) / 2)
    assert any("sale: 300 orders/s for 11 s" in line for line in explain._scenario(scenario))


def test_an_objective_may_look_at_a_stage_and_at_no_other() -> None:
    text = PLAN.scenario.text.replace("[objectives]", '[objectives]\ngoodput = { min_ratio = 0.9, when = "sale" }')
    made = plan(parse(text, "made_up.toml"), PLAN.declaration)
    assert [one.when for one in made.objectives if one.id == "goodput"] == ["sale"]
    with pytest.raises(PlanError, match=r"expected one of .*, sale, found 'sales'"):
        plan(parse(text.replace('"sale" }\n', '"sales" }\n', 1), "made_up.toml"), PLAN.declaration)


def test_a_shop_that_bears_the_surge_passes() -> None:
    found = judge(PLAN, a_history(PLAN))
    assert found.outcome is Outcome.PASS, found
    assert found.doubts == ()
    assert {verdict.objective for verdict in found.verdicts} >= {"before.goodput", "after.goodput"}


def test_a_stage_is_a_stretch_with_its_own_number_of_orders() -> None:
    history = a_history(PLAN)
    assert window_of("sale", history) == SALE
    usual = PLAN.scenario.load.arrivals.orders_per_s
    assert history.due(SALE) == pytest.approx(300 * 10 + (300 + usual) / 2)
    assert history.due(Window(start_ns=BEGIN_NS, end_ns=BEGIN_NS + 4 * S)) == pytest.approx(4 * usual)
    assert int(np.count_nonzero(history.cohort(SALE))) == pytest.approx(history.due(SALE), rel=0.05)
    assert arrivals_needed(history, SALE) > 0.85 * history.due(SALE)


def test_what_shoppers_suffer_in_a_stage_is_judged_there_and_nowhere_else() -> None:
    suffering = a_history(PLAN, [Trouble(from_s=3, to_s=5)])
    look = Goodput(min_ratio=0.999)
    judged = judge(
        replace(PLAN, objectives=tuple(Objective(id=w, kind="goodput", when=w, checker=look) for w in ("baseline", "sale"))),
        suffering,
    )
    assert [verdict.outcome for verdict in judged.verdicts[:2]] == [Outcome.PASS, Outcome.FAIL]


@pytest.mark.parametrize(("to_s", "outcome"), [(13, Outcome.PASS), (16, Outcome.FAIL)])
def test_the_end_of_a_stage_counts_as_our_heal(to_s: float, outcome: Outcome) -> None:
    """Out from the third second of the sale to 2 s, or 5 s, after its end."""
    verdict = BackAfterHeal(budget_s=3).check(a_history(PLAN, [Trouble(from_s=3, to_s=to_s)]))
    assert verdict.outcome is outcome, verdict
    assert verdict.measured["after_heal_s"] == pytest.approx(to_s - 11, abs=0.2)
    assert "after the stage sale" in verdict.because.lower()


def test_a_load_that_ended_in_a_stage_has_not_had_it() -> None:
    history = a_history(PLAN)
    early = [
        replace(event, until_ns=SALE.start_ns + 5 * S) if isinstance(event, LoadStopped) else event
        for event in history.events
    ]
    cut = replace(history, events=sealed(early))
    assert [(one.step, one.heal) for one in cut.disturbances] == [("sale", False)]
    assert window_of("sale", cut) == "The journal does not say when 'sale' began and ended."


def test_the_report_marks_a_stage_from_its_beginning_to_its_end() -> None:
    history = a_history(PLAN)
    report = Report(plan=PLAN, history=history, judgement=judge(PLAN, history), logs={}, folder=Path("run1"))
    page = html.render(report)
    assert "sale from 0 to 11 s." in page
    assert page.count(">sale</text>") == 2, "over the orders and over their latency"


def test_a_scenario_without_stages_has_none() -> None:
    assert parse(SCENARIO + "[objectives]\n", "made_up.toml").load.stages == ()
