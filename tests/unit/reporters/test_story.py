"""The run in three sentences claims nothing that was not seen."""

from dataclasses import replace

import pytest

from harness.events import Bitten, Closed, Event, Intended, Interrupted, NotBitten, Run
from harness.model import Judgement, Outcome
from harness.report import Report
from harness.reporters._story import story
from tests.sample_reports import T0, sample_report


def without(report: Report, *kinds: type[Event]) -> Report:
    """Give the same report with some records missing from its journal."""
    kept = tuple(event for event in report.history.events if not isinstance(event, kinds))
    return replace(report, history=replace(report.history, events=kept))


def test_a_pass_says_that_every_fault_was_seen() -> None:
    told = story(sample_report(Outcome.PASS))
    assert told.promised.startswith("When the orders database loses its primary")
    assert "kill on orders_db-1 (orders_db:primary) was seen to bite and to heal." in told.happened
    assert "13,500 orders; 11,500 were acknowledged. All 3 objectives were kept." in told.happened
    assert told.trust.startswith("Yes: every fault was seen to bite and to heal, and every objective had the evidence")


@pytest.mark.parametrize("missing", [Bitten, Closed])
def test_nothing_is_called_seen_without_its_record(missing: type[Event]) -> None:
    told = story(without(sample_report(Outcome.PASS), missing))
    assert "seen to bite and to heal" not in told.happened + told.trust


def test_an_impulse_that_was_unmasked_did_not_bite() -> None:
    report = sample_report(Outcome.PASS)
    unmasked = NotBitten(at_ns=T0 + 9, step="step1", because="it never died")
    told = story(replace(report, history=replace(report.history, events=(*report.history.events, unmasked))))
    assert "was not seen to bite" in told.happened


def test_a_failure_names_its_objectives() -> None:
    told = story(sample_report(Outcome.FAIL))
    assert "Of 3 objectives: 2 kept, 1 failed (rto)." in told.happened
    assert told.trust.startswith("Yes: the failure was seen with enough evidence.")


def test_an_inconclusive_run_is_not_to_be_relied_upon() -> None:
    told = story(sample_report(Outcome.INCONCLUSIVE))
    assert "was not seen to bite" in told.happened
    assert "3 inconclusive (rto, orders_lost, goodput)" in told.happened
    assert told.trust.startswith("Do not rely on this run")
    assert "2 doubts" in told.trust


def test_a_dirty_run_asks_to_be_mended() -> None:
    told = story(sample_report(Outcome.DIRTY))
    assert "but not to heal" in told.happened
    assert told.trust.startswith("Mend first.")


def test_a_run_without_fault_orders_or_objectives_says_so() -> None:
    report = without(sample_report(Outcome.PASS), Intended)
    told = story(replace(report, judgement=Judgement(outcome=Outcome.INCONCLUSIVE, verdicts=(), doubts=())))
    assert told.happened.startswith("No fault was injected.")
    assert told.happened.endswith("No objective was judged.")


def test_an_interruption_and_another_load_are_told() -> None:
    report = sample_report(Outcome.PASS)
    events = [replace(event, scale=0.5) if isinstance(event, Run) else event for event in report.history.events]
    stopped = Interrupted(at_ns=T0, by="SIGINT")
    told = story(replace(report, history=replace(report.history, events=(*events, stopped))))
    assert "stopped before its end (SIGINT)" in told.happened
    assert "at 50 per second (0.5 times the scenario's load)" in told.happened
