"""``alert``: what counts as noticed, and what only looks like it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.checkers.alert import Alert
from harness.events import Alerted, Closed, Event, Intended, Located
from harness.history import History
from harness.model import Outcome, Verdict
from tests.fake_monitoring import NO_PRIMARY, WATCHDOG
from tests.fake_runs import STEP, S, a_history, a_plan, act_ns, also, sealed, without

ACT = act_ns(a_plan())
HEAL = ACT + 25 * S
ABOUT = {"alertname": NO_PRIMARY, "component": "orders_db", "severity": "page"}


def judged(history: History, budget_s: float = 15.0, contract_s: float | None = None) -> Verdict:
    return Alert(name=NO_PRIMARY, budget_s=budget_s, contract_s=contract_s).check(history)


def told(at_ns: int, state: str = "firing", **labels: str) -> Alerted:
    """Give one receipt of the alert."""
    return Alerted(at_ns=at_ns, name=NO_PRIMARY, state=state, labels=ABOUT | labels, playbook="Wait.")


def kept(history: History, keep: Callable[[Event], bool]) -> History:
    """Give the history with only some of its records."""
    return replace(history, events=sealed(event for event in history.events if keep(event)))


def silent(history: History) -> History:
    """Give the history as if the alert had never come; the watchdog did."""
    return kept(history, lambda event: not (isinstance(event, Alerted) and event.name == NO_PRIMARY))


def unwatched(history: History, from_ns: int, to_ns: int) -> History:
    """Give the history as if nothing at all had been received for a while."""
    return kept(history, lambda event: not (isinstance(event, Alerted) and from_ns <= event.at_ns < to_ns))


def test_the_right_alert_in_time_that_clears_passes() -> None:
    verdict = judged(a_history(), contract_s=300)
    assert verdict.outcome is Outcome.PASS
    assert verdict.measured["mttd_s"] == 5.0
    assert verdict.measured["cleared_s"] == 0.0
    assert verdict.limit == {"budget_s": 15.0, "contract_s": 300.0}


def test_one_that_is_late_fails_and_says_by_how_much() -> None:
    verdict = judged(a_history(), budget_s=4.9)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == f"{NO_PRIMARY} reached us only 5.0 s after the act; the budget is 4.9 s."


def test_one_that_never_comes_fails_while_the_watchdog_arrives() -> None:
    verdict = judged(silent(a_history()))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == f"{NO_PRIMARY} did not reach us; the budget is 15 s."


@pytest.mark.parametrize("spoil", [silent, lambda history: history])
def test_without_the_watchdog_nothing_is_proved(spoil: Callable[[History], History]) -> None:
    """The receiver unplugged, Alertmanager or the one before it dead: at the act, afterwards, before, or always."""
    end = HEAL + 40 * S
    for from_ns, to_ns in ((ACT - 2 * S, ACT + 20 * S), (0, ACT - S), (0, end)):
        assert judged(unwatched(spoil(a_history()), from_ns, to_ns)).outcome is Outcome.INCONCLUSIVE, (from_ns, to_ns)


def test_one_that_was_firing_before_is_no_detection() -> None:
    """While the load ran, though it cleared; or since before the load, and never cleared."""
    for early in ((told(ACT - 5 * S), told(ACT - 2 * S, "resolved")), (told(0),)):
        verdict = judged(also(a_history(), *early))
        assert verdict.outcome is Outcome.FAIL
        assert "was firing before anything was broken" in verdict.because


def test_one_that_fired_while_the_shop_came_up_and_cleared_is_forgotten() -> None:
    assert judged(also(a_history(), told(0), told(S // 2, "resolved"))).outcome is Outcome.PASS


@pytest.mark.parametrize("labels", [{"component": "storefront"}, {"instance": "orders_db-2"}, {"component": ""}])
def test_one_about_something_else_is_no_detection(labels: dict[str, str]) -> None:
    verdict = judged(also(silent(a_history()), told(ACT + 3 * S, **labels)))
    assert verdict.outcome is Outcome.FAIL
    assert "did not reach us about what was hit, but about" in verdict.because


def test_one_that_names_the_instance_that_was_hit_is() -> None:
    history = also(silent(a_history()), told(ACT + 3 * S, instance="orders_db-1"))
    history = also(history, told(HEAL + 2 * S, "resolved", instance="orders_db-1"))
    verdict = judged(history)
    assert verdict.outcome is Outcome.PASS
    assert verdict.measured["mttd_s"] == 3.0


def test_one_that_does_not_clear_fails_or_could_not_be_seen_to() -> None:
    """30 s after the heal are granted; the load of this run ends before that."""
    stays = kept(a_history(), lambda event: not (isinstance(event, Alerted) and event.state == "resolved"))
    assert judged(stays).outcome is Outcome.INCONCLUSIVE
    healed_early = replace(
        stays, events=tuple(replace(e, at_ns=ACT + 6 * S) if isinstance(e, Closed) else e for e in stays.events)
    )
    verdict = judged(healed_early)
    assert verdict.outcome is Outcome.FAIL
    assert "had not cleared 30 s after the heal" in verdict.because


def test_one_that_fires_again_after_it_cleared_has_not_cleared() -> None:
    assert judged(also(a_history(), told(HEAL + 3 * S))).outcome is not Outcome.PASS


def test_without_an_act_there_was_nothing_to_notice() -> None:
    for gone in ((Intended,), (Located,)):
        assert judged(without(a_history(), *gone)).outcome is Outcome.INCONCLUSIVE


def test_of_several_steps_the_one_named_counts() -> None:
    assert Alert(name=NO_PRIMARY, budget_s=15, step=STEP).check(a_history()).outcome is Outcome.PASS
    assert Alert(name=NO_PRIMARY, budget_s=15, step="other").check(a_history()).outcome is Outcome.INCONCLUSIVE


def test_the_watchdog_is_the_evidence() -> None:
    verdict = judged(a_history())
    beats = [one for one in a_history().all(Alerted) if one.name == WATCHDOG][:-1]  # the last comes after the load
    assert verdict.evidence == len(beats)


@pytest.mark.parametrize(("playbook", "outcome"), [("", Outcome.FAIL), (" \n", Outcome.FAIL), (None, Outcome.INCONCLUSIVE)])
def test_one_without_a_playbook_tells_nobody_what_to_do(playbook: str | None, outcome: Outcome) -> None:
    """Of a run stored before playbooks were kept, it is not known."""
    bare = [replace(e, playbook=playbook) if isinstance(e, Alerted) else e for e in a_history().events]
    verdict = judged(replace(a_history(), events=tuple(bare)))
    assert verdict.outcome is outcome
    assert "playbook" in verdict.because


def test_the_contract_is_a_limit_too() -> None:
    verdict = judged(a_history(), contract_s=4)
    assert verdict.outcome is Outcome.FAIL
    assert "the budget is 4 s" in verdict.because


def test_one_that_clears_too_late_fails() -> None:
    """However long the run waited for it."""
    early = tuple(replace(e, at_ns=ACT + 6 * S) if isinstance(e, Closed) else e for e in a_history().events)
    history = replace(a_history(), events=early)
    late = kept(history, lambda event: not (isinstance(event, Alerted) and event.state == "resolved"))
    verdict = judged(also(late, told(ACT + 36 * S + S // 2, "resolved")))
    assert verdict.outcome is Outcome.FAIL
    assert "had not cleared 30 s after the heal" in verdict.because


def test_monitoring_that_died_after_it_fired_says_nothing_of_what_came_then() -> None:
    """Whoever sent it lets it expire by itself, which looks like cleared."""
    verdict = judged(unwatched(a_history(), ACT + 10 * S, HEAL + 60 * S))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    expired = also(unwatched(a_history(), ACT + 10 * S, HEAL + 60 * S), told(ACT + 14 * S, "resolved"))
    assert judged(expired).outcome is Outcome.INCONCLUSIVE


def test_what_comes_after_our_heal_may_be_the_heal_s() -> None:
    late = also(silent(a_history()), told(HEAL + 2 * S), told(HEAL + 4 * S, "resolved"))
    verdict = judged(late, budget_s=29)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "a heal, another act or the load's end came before" in verdict.because


def and_another_act(history: History, at_ns: int) -> History:
    """Give the history as if something else had been done too."""
    (first,) = history.all(Intended)
    return also(history, replace(first, at_ns=at_ns, step="other"))


def test_an_act_in_between_does_not_hide_that_it_cleared_after_the_heal() -> None:
    verdict = judged(and_another_act(a_history(), ACT + 10 * S))
    assert verdict.outcome is Outcome.PASS, verdict.because
    assert judged(and_another_act(a_history(), ACT + 2 * S)).outcome is Outcome.INCONCLUSIVE, "it may have fired for that"


def test_one_that_stays_after_an_act_in_between_may_stay_for_that_one() -> None:
    early = tuple(replace(e, at_ns=ACT + 6 * S) if isinstance(e, Closed) else e for e in a_history().events)
    stays = kept(
        replace(a_history(), events=early), lambda event: not (isinstance(event, Alerted) and event.state == "resolved")
    )
    assert judged(stays).outcome is Outcome.FAIL
    assert judged(and_another_act(stays, ACT + 5 * S + S // 2)).outcome is Outcome.INCONCLUSIVE
    late = also(stays, told(ACT + 36 * S + S // 2, "resolved"))
    assert judged(and_another_act(late, ACT + 5 * S + S // 2)).outcome is Outcome.INCONCLUSIVE


def test_what_comes_after_an_act_that_follows_the_heal_is_not_put_down_to_the_first() -> None:
    again = and_another_act(also(a_history(), told(HEAL + 4 * S)), HEAL + 3 * S)
    assert judged(again).outcome is Outcome.PASS
