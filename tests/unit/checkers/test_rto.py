"""``rto``: recovery after each disturbance, by the shop's own means."""

from dataclasses import replace

import pytest

from harness import events
from harness.checkers.rto import Rto
from harness.events import Event
from harness.history import History
from harness.model import Outcome, Verdict
from tests.fake_runs import STEP, S, Trouble, a_history, a_plan, act_ns, end_ns, without

ACT, END = act_ns(a_plan()), end_ns(a_plan())
HOLD_S = 25


def rto(*troubles: Trouble, budget_s: float = 15, contract_s: float | None = None) -> Verdict:
    return Rto(budget_s=budget_s, contract_s=contract_s).check(a_history(troubles=troubles))


def moved(history: History, kind: type[Event], at_ns: int) -> History:
    told = [replace(event, at_ns=at_ns) if isinstance(event, kind) else event for event in history.events]
    return replace(history, events=tuple(told))


def test_recovery_counts_from_the_act_to_the_end_of_the_last_outage() -> None:
    verdict = rto(Trouble(from_s=0, to_s=2), Trouble(from_s=6, to_s=9))
    assert verdict.outcome is Outcome.PASS
    assert verdict.measured["recovery_s"] == pytest.approx(9, abs=0.1)
    assert verdict.measured["outages"] == 2
    assert verdict.measured["outage_2_from_s"] == pytest.approx(6, abs=0.1)
    assert verdict.measured["orders_missed"] == pytest.approx(500, rel=0.1)


def test_phases_are_measured_from_the_act() -> None:
    measured = rto(Trouble(from_s=0, to_s=8)).measured
    assert measured["bitten_s"] == pytest.approx(0.2)
    assert (measured["no_primary_s"], measured["new_primary_s"]) == (0, 7)
    assert measured["first_order_s"] == pytest.approx(8, abs=0.1)
    assert measured["steady_s"] == measured["recovery_s"]


def test_orders_answered_late_are_counted_in_seconds() -> None:
    verdict = rto(Trouble(from_s=0, to_s=5, silent=True))
    assert verdict.measured["orders_missed"] == 0
    assert verdict.measured["order_seconds_late"] == pytest.approx(100 * 4 * 4 / 2, rel=0.1)


def test_no_outage_at_all_is_said() -> None:
    verdict = rto()
    assert (verdict.outcome, verdict.measured["recovery_s"]) == (Outcome.PASS, 0)
    assert "no outage was seen" in verdict.because


def test_over_the_budget_fails_and_says_what_is_known_of_the_contract() -> None:
    verdict = rto(Trouble(from_s=0, to_s=17), contract_s=900)
    assert verdict.outcome is Outcome.FAIL
    assert "17.0 s to take orders again" in verdict.because
    assert "The contract's 900 s were kept" in verdict.because


@pytest.mark.parametrize("silent", [False, True])
def test_still_out_when_we_heal_is_not_by_itself(silent: bool) -> None:
    verdict = rto(Trouble(from_s=0, to_s=HOLD_S + 1, silent=silent), contract_s=900)
    assert verdict.outcome is Outcome.FAIL
    assert "Not by itself" in verdict.because
    assert "undecided" in verdict.because


def test_still_out_until_the_very_end_is_censored_there() -> None:
    verdict = rto(Trouble(from_s=0, to_s=100))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.measured["recovery_s"] == HOLD_S


def test_our_heal_is_a_disturbance_with_the_same_budget() -> None:
    verdict = rto(Trouble(from_s=0, to_s=2), Trouble(from_s=HOLD_S, to_s=HOLD_S + 2), budget_s=1.5)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.measured["after_heal_s"] == pytest.approx(2, abs=0.1)
    assert "our heal" in verdict.because


def test_orders_in_flight_when_we_heal_are_put_down_to_the_heal() -> None:
    """An order due half a second before the thaw may be its victim: that is not "still out"."""
    verdict = rto(Trouble(from_s=0, to_s=8), Trouble(from_s=HOLD_S - 0.5, to_s=HOLD_S + 1))
    assert verdict.outcome is Outcome.PASS
    assert verdict.measured["recovery_s"] == pytest.approx(8, abs=0.1)
    assert verdict.measured["after_heal_s"] == pytest.approx(1, abs=0.1)


def test_quiet_for_too_short_a_time_at_the_end_is_inconclusive() -> None:
    verdict = rto(Trouble(from_s=HOLD_S, to_s=HOLD_S + 4))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "steady for only" in verdict.because


def test_so_few_orders_that_nobody_would_see_it_out_are_no_steadiness() -> None:
    """At 0.3 orders a second five seconds pass without a single one."""
    history = a_history()
    told = tuple(replace(one, scale=0.003) if isinstance(one, events.Run) else one for one in history.events)
    verdict = Rto(budget_s=40).check(replace(history, events=told))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "orders were due while it was steady" in verdict.because


def test_healed_before_the_budget_was_over_is_inconclusive() -> None:
    """An interrupted run: we healed after 5 s, so nobody knows whether the shop would have."""
    history = moved(a_history(troubles=[Trouble(from_s=0, to_s=6)]), events.Healing, ACT + 5 * S)
    verdict = Rto(budget_s=15).check(history)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "before the budget was over" in verdict.because


def test_an_outage_of_before_the_act_is_not_put_down_to_it() -> None:
    verdict = rto(Trouble(from_s=-4, to_s=20))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "already out" in verdict.because


@pytest.mark.parametrize(("budget_s", "outcome"), [(15, Outcome.PASS), (11, Outcome.FAIL)])
def test_an_act_that_comes_while_it_is_still_out_belongs_to_the_first(budget_s: float, outcome: Outcome) -> None:
    """Only a heal could have ended the outage; so it is one, counted from the first act."""
    history = a_history(troubles=[Trouble(from_s=0, to_s=12)])
    again = [
        replace(event, at_ns=ACT + 10 * S, step="step2")
        for event in history.events
        if isinstance(event, events.Intended) and event.step == STEP
    ]
    verdict = Rto(budget_s=budget_s).check(replace(history, events=(*history.events, *again)))
    assert verdict.outcome is outcome, verdict.because
    assert verdict.measured["recovery_s"] == pytest.approx(12, abs=0.1)
    assert "step2.recovery_s" not in verdict.measured


@pytest.mark.parametrize("kinds", [(events.Intended, events.Acted), (events.LoadStopped,), (events.LoadStarted,)])
def test_without_act_or_load_it_is_inconclusive(kinds: tuple[type[Event], ...]) -> None:
    assert Rto(budget_s=15).check(without(a_history(), *kinds)).outcome is Outcome.INCONCLUSIVE


def test_a_budget_too_short_to_see_it_broken_is_never_kept() -> None:
    """Five orders are due within it, and no five bad ones make an outage: nobody would see twice the budget either."""
    verdict = rto(Trouble(from_s=0, to_s=0.05), budget_s=0.05)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "Only 5.0 orders are due within the budget" in verdict.because
