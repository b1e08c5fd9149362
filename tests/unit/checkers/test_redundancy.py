"""``redundancy``: all standbys are back after the last disturbance, and stay."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.checkers.redundancy import Redundancy
from harness.demand import Stage
from harness.events import Acted, Healing, Intended, Located, Sample
from harness.history import History
from harness.model import Outcome
from tests.fake_declaration import DECLARATION
from tests.fake_runs import BEGIN_NS, S, a_history, a_plan, without

HEALED = next(a_history().all(Healing)).at_ns


def seeing(value: Callable[[float], float | None], history: History | None = None) -> History:
    """Make a run in which the probe saw ``value`` of the seconds since the last heal."""
    history = history or a_history()
    told = [
        replace(event, value=value((event.at_ns - HEALED) / S), why="asked for")
        if isinstance(event, Sample) and event.probe == "redundancy"
        else event
        for event in history.events
    ]
    return replace(history, events=tuple(told))


def test_whole_again_within_the_budget_passes() -> None:
    verdict = Redundancy(budget_s=5).check(a_history())
    assert (verdict.outcome, verdict.measured["restored_s"]) == (Outcome.PASS, 3)


def test_later_than_the_budget_fails() -> None:
    verdict = Redundancy(budget_s=5).check(seeing(lambda at_s: 0.0 if at_s < 8 else 1.0))
    assert (verdict.outcome, verdict.measured["restored_s"]) == (Outcome.FAIL, 8)


def test_the_end_of_a_stage_stops_no_watch() -> None:
    """What the load does is no disturbance that the data would have to get over, where steps act and where none does."""
    history = seeing(lambda at_s: 0.0 if at_s < 8 else 1.0)
    load = replace(history.scenario.load, stages=(Stage(name="rush", orders_per_s=200, for_s=35),))
    staged = replace(history, scenario=replace(history.scenario, load=load))
    assert max(one.at_ns for one in staged.disturbances) > HEALED + 8 * S
    verdict = Redundancy(budget_s=5).check(staged)
    assert (verdict.outcome, verdict.measured["restored_s"]) == (Outcome.FAIL, 8)
    idle = without(staged, Acted, Intended, Healing)
    assert [one.step for one in idle.breakages] == ["rush", "rush"]
    assert Redundancy(budget_s=5).check(idle).outcome is Outcome.FAIL


def test_never_whole_again_fails_and_says_for_how_long() -> None:
    verdict = Redundancy(budget_s=5).check(seeing(lambda _: 0.0))
    assert verdict.outcome is Outcome.FAIL
    assert "even when the watching ended" in verdict.because


def test_whole_again_and_then_not_any_more_fails() -> None:
    assert Redundancy(budget_s=5).check(seeing(lambda at_s: 1.0 if 2 < at_s < 10 else 0.0)).outcome is Outcome.FAIL


def test_still_short_when_the_watching_ends_before_the_budget_is_inconclusive() -> None:
    assert Redundancy(budget_s=60).check(seeing(lambda _: 0.0)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("blind", [(0, 6), (5, 11), (6, 100), (-100, 100)])
def test_a_time_nobody_could_see_is_inconclusive(blind: tuple[int, int]) -> None:
    history = seeing(lambda at_s: None if blind[0] <= at_s < blind[1] else 1.0)
    assert Redundancy(budget_s=20).check(history).outcome is Outcome.INCONCLUSIVE


def test_without_a_fault_it_must_be_whole_all_the_time() -> None:
    """No budget excuses what nobody broke, not for a second, not in the beginning."""
    calm = a_history(a_plan(calm=True))
    verdict = Redundancy(budget_s=600).check(calm)
    assert (verdict.outcome, "there all the time" in verdict.because) == (Outcome.PASS, True), verdict
    for gone, again in ((0, 3), (5, 6), (30, 600)):
        verdict = Redundancy(budget_s=600).check(seeing(away(gone, again), calm))
        assert (verdict.outcome, "nothing that was broken excuses that" in verdict.because) == (Outcome.FAIL, True), verdict


def away(gone_s: float, again_s: float) -> Callable[[float], float]:
    """Be without a standby from so many seconds into the load to so many."""
    begun_s = (BEGIN_NS - HEALED) / S
    return lambda at_s: 0.0 if gone_s <= at_s - begun_s < again_s else 1.0


@pytest.mark.parametrize(
    ("component", "target", "excused"),
    [
        ("orders_db", "orders_db:primary", True),
        ("storefront", "storefront#1", False),  # none of the database's business
        ("storefront", "storefront#1->orders_db", True),
        ("etcd", "etcd", True),  # the database needs it
    ],
)
def test_only_what_was_done_to_a_component_excuses_it(component: str, target: str, excused: bool) -> None:
    """Short of its standby from before the act until 3 s after the heal, as a lost primary makes it."""
    good = a_history()
    told = [replace(one, component=component, target=target) if isinstance(one, Located) else one for one in good.events]
    needing = tuple(replace(one, needs=("etcd",)) if one.standbys else one for one in DECLARATION.components)
    history = replace(good, events=tuple(told), declaration=replace(DECLARATION, components=needing))
    assert (Redundancy(budget_s=5).check(history).outcome is Outcome.PASS) is excused


def test_without_samples_or_without_anything_to_keep_it_is_inconclusive() -> None:
    assert Redundancy(budget_s=5).check(without(a_history(), Sample)).outcome is Outcome.INCONCLUSIVE
    bare = replace(DECLARATION, components=tuple(replace(part, standbys=0) for part in DECLARATION.components))
    assert Redundancy(budget_s=5).check(replace(a_history(), declaration=bare)).outcome is Outcome.INCONCLUSIVE
