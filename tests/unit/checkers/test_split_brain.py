"""Two who commit: whatever the stretch in which they do, it is found; and what nobody saw is never taken for well."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.split_brain import SplitBrain
from harness.events import Event, Parts, Sample
from harness.history import History
from harness.model import Outcome
from tests.fake_monitoring import PRIMARY, STANDBY
from tests.fake_runs import a_history, a_plan, act_ns, also, sealed, without

S = 1_000_000_000
MADE = a_plan()
ACT_NS = act_ns(MADE)


def saying(on: str, from_s: float, to_s: float, value: float | str | None) -> History:
    """Give a good run in which one instance says something else for a while, in seconds from the act."""
    history, why = a_history(MADE), None if value is not None else "no route"
    since, until = ACT_NS + round(from_s * S), ACT_NS + round(to_s * S)
    told = list[Event]()
    for event in history.events:
        if isinstance(event, Sample) and (event.probe, event.on) == ("writes", on) and since <= event.at_ns < until:
            told.append(replace(event, value=value, why=why))
        else:
            told.append(event)
    return replace(history, events=sealed(told))


def test_a_failover_is_no_split() -> None:
    verdict = SplitBrain().check(a_history(MADE))
    assert verdict.outcome is Outcome.PASS, verdict.because
    assert verdict.measured["commits.orders_db-2"] > 40


@given(from_s=st.floats(min_value=8, max_value=30), lasts_s=st.floats(min_value=1.1, max_value=6))
def test_two_who_commit_are_found_whenever_it_is(from_s: float, lasts_s: float) -> None:
    verdict = SplitBrain().check(saying(PRIMARY, from_s, from_s + lasts_s, 2.0))
    assert verdict.outcome is Outcome.FAIL, verdict.because
    assert verdict.measured["overlap_s"] == pytest.approx(lasts_s, abs=1.1)
    assert "both committed" in verdict.because
    assert verdict.examples


def test_one_commit_that_returned_after_the_other_s_first_is_found() -> None:
    """A single one of the old primary, in the midst of the new one's."""
    assert SplitBrain().check(saying(PRIMARY, 15, 15.5, 700.0)).outcome is Outcome.FAIL


@pytest.mark.parametrize("value", ["warned", "refused", "silent", 1000.1])
def test_what_is_no_commit_within_a_second_is_none(value: float | str) -> None:
    assert SplitBrain().check(saying(PRIMARY, 10, 20, value)).outcome is Outcome.PASS


def test_commits_with_a_refusal_in_between_do_not_join() -> None:
    """The old primary commits once before and once after: what lies between is not taken for one stretch."""
    history = saying(STANDBY, 9, 12, "refused")
    one = Sample(at_ns=ACT_NS + 10 * S, probe="writes", on=PRIMARY, value=2.0)
    assert SplitBrain().check(also(history, one)).outcome is Outcome.PASS


@pytest.mark.parametrize("on", [PRIMARY, STANDBY])
def test_a_second_in_which_nobody_saw_is_not_proved(on: str) -> None:
    verdict = SplitBrain().check(saying(on, 20, 21.5, None))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert f"Nobody saw for 2.0 s whether {on} commits" in verdict.because


def test_a_split_that_was_seen_is_proved_though_much_was_not() -> None:
    history = saying(PRIMARY, 10, 14, 2.0)
    gaps = [e for e in history.events if not (isinstance(e, Sample) and e.probe == "writes" and e.at_ns > ACT_NS + 20 * S)]
    assert SplitBrain().check(replace(history, events=sealed(gaps))).outcome is Outcome.FAIL


def test_one_alone_proves_nothing() -> None:
    kept = [e for e in a_history(MADE).events if not (isinstance(e, Sample) and e.on == STANDBY)]
    verdict = SplitBrain().check(replace(a_history(MADE), events=sealed(kept)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "Fewer than two instances" in verdict.because


def test_without_the_parts_list_all_are_of_one_component() -> None:
    assert SplitBrain().check(without(saying(PRIMARY, 10, 14, 2.0), Parts)).outcome is Outcome.FAIL
