"""The judge: windows, doubts applied, the worst outcome wins, the same bytes each time."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from harness import events
from harness.history import UNKNOWN, Checker, History, Window
from harness.judge import HEALED, encode, judge, window_of
from harness.model import Doubt, Judgement, Outcome, Verdict, noun
from harness.planned import Objective, Plan
from tests.fake_runs import STEP, S, Trouble, a_history, a_plan, act_ns, also, end_ns, with_audit, without

PLAN = a_plan()
ACT, END = act_ns(PLAN), end_ns(PLAN)


def verdict(judgement: Judgement, objective: str) -> Verdict:
    return next(one for one in judgement.verdicts if one.objective == objective)


@noun
class Asked(Checker):
    """A checker that answers as it is told."""

    windowed: ClassVar[bool] = True

    outcome: Outcome | None = None

    def check(self, history: History) -> Verdict:
        """Say what was asked for; without an outcome, crash."""
        if self.outcome is None:
            raise ZeroDivisionError(f"a bug, after {len(history.events)} records")
        return Verdict(objective="", outcome=self.outcome, because="As asked.", measured={}, limit={}, evidence=0, needed=1)


@noun
class AskedOfTime(Asked):
    """The same, of time."""

    timing: ClassVar[bool] = True


def asking(checker: Asked, when: str = "all") -> Plan:
    return replace(PLAN, objectives=(Objective(id="asked", kind="asked", when=when, checker=checker),))


@pytest.mark.parametrize("calm", [False, True])
def test_a_good_run_passes_everything(calm: bool) -> None:
    plan = a_plan(calm=calm)
    judgement = judge(plan, a_history(plan))
    assert judgement.outcome is Outcome.PASS
    assert {one.outcome for one in judgement.verdicts} == {Outcome.PASS}
    assert [one.objective for one in judgement.verdicts] == [*(one.id for one in plan.objectives), HEALED]


def test_no_failover_fails_rto_and_nothing_else() -> None:
    judgement = judge(PLAN, a_history(troubles=[Trouble(from_s=0, to_s=25.5)]))
    assert judgement.outcome is Outcome.FAIL
    assert [one.objective for one in judgement.verdicts if one.outcome is not Outcome.PASS] == ["rto"]


def test_lost_orders_fail() -> None:
    assert verdict(judge(PLAN, a_history(lost=3)), "orders_lost").outcome is Outcome.FAIL


def test_not_steady_before_fails() -> None:
    judgement = judge(PLAN, a_history(troubles=[Trouble(from_s=-6, to_s=-5), Trouble(from_s=0, to_s=4)]))
    assert verdict(judgement, "before.goodput").outcome is Outcome.FAIL
    assert verdict(judgement, "after.goodput").outcome is Outcome.PASS


def test_orders_in_flight_at_the_act_are_not_put_down_to_the_baseline() -> None:
    judgement = judge(PLAN, a_history(troubles=[Trouble(from_s=-0.3, to_s=8)]))
    assert judgement.outcome is Outcome.PASS


def test_the_recovered_stretch_begins_after_the_last_outage_and_disturbance() -> None:
    assert window_of("all", a_history()) == Window(start_ns=1 * S, end_ns=END)
    assert window_of("recovered", a_history()) == Window(start_ns=ACT + 25 * S + 1, end_ns=END)
    later = window_of("recovered", a_history(troubles=[Trouble(from_s=25, to_s=26.5)]))
    assert isinstance(later, Window)
    assert later.start_ns == pytest.approx(ACT + 26.5 * S, abs=0.1 * S)


def test_a_shop_that_does_not_come_back_is_judged_by_its_last_seconds() -> None:
    history = a_history(troubles=[Trouble(from_s=0, to_s=100)])
    assert window_of("recovered", history) == Window(start_ns=END - 10 * S, end_ns=END)
    assert verdict(judge(PLAN, history), "after.goodput").outcome is Outcome.FAIL


@pytest.mark.parametrize("when", ["recovered", "baseline", "all", "whenever"])
def test_a_stretch_that_is_not_known_is_inconclusive(when: str) -> None:
    history = without(a_history(), events.LoadStopped, events.Phase, events.Intended)
    assert judge(asking(Asked(outcome=Outcome.FAIL), when), history).verdicts[0].outcome is Outcome.INCONCLUSIVE


def test_a_check_that_crashes_is_inconclusive_and_says_so() -> None:
    said = judge(asking(Asked()), a_history()).verdicts[0]
    assert said.outcome is Outcome.INCONCLUSIVE
    assert "ZeroDivisionError: a bug" in said.because


def test_a_pass_without_evidence_is_inconclusive() -> None:
    said = judge(asking(Asked(outcome=Outcome.PASS)), a_history()).verdicts[0]
    assert said.outcome is Outcome.INCONCLUSIVE
    assert "without enough evidence" in said.because


@pytest.mark.parametrize(
    ("checker", "doubt", "expected"),
    [
        (Asked, Doubt(because="late", voids=frozenset({Outcome.FAIL})), Outcome.INCONCLUSIVE),
        (Asked, Doubt(because="late", voids=frozenset({Outcome.PASS})), Outcome.FAIL),
        (Asked, Doubt(because="late", voids=frozenset({Outcome.FAIL}), timing_only=True), Outcome.FAIL),
        (AskedOfTime, Doubt(because="late", voids=frozenset({Outcome.FAIL}), timing_only=True), Outcome.INCONCLUSIVE),
        (Asked, Doubt(because="late", voids=frozenset({Outcome.FAIL}), reaction_only=True), Outcome.FAIL),
    ],
)
def test_a_doubt_voids_what_it_says(checker: type[Asked], doubt: Doubt, expected: Outcome) -> None:
    said = judge(asking(checker(outcome=Outcome.FAIL)), replace(a_history(), integrity=(doubt,))).verdicts[0]
    assert said.outcome is expected
    assert said.because.startswith("As asked.")
    assert ("late" in said.because) == (expected is Outcome.INCONCLUSIVE)


def test_a_generator_stopped_for_three_seconds_fakes_no_failure_and_hides_no_loss() -> None:
    history = a_history(troubles=[Trouble(from_s=0, to_s=20)], lost=5)
    ledger = history.ledger
    stopped = (ledger.intended_ns >= ACT - 8 * S) & (ledger.intended_ns < ACT - 5 * S)
    sent = ledger.sent_ns.copy()
    sent[stopped] = ACT - 5 * S
    judgement = judge(PLAN, replace(history, ledger=replace(ledger, sent_ns=sent)))
    assert verdict(judgement, "rto").outcome is Outcome.INCONCLUSIVE
    assert verdict(judgement, "orders_lost").outcome is Outcome.FAIL


@pytest.mark.parametrize(("when", "outcome"), [("baseline", Outcome.FAIL), ("recovered", Outcome.INCONCLUSIVE)])
def test_lateness_voids_a_fail_only_where_it_was(when: str, outcome: Outcome) -> None:
    """After the act every order was sent 50 ms late; before it the generator was on time."""
    history = a_history()
    ledger = history.ledger
    sent = np.where(ledger.intended_ns > ACT, ledger.intended_ns + 50_000_000, ledger.sent_ns)
    spoilt = replace(history, ledger=replace(ledger, sent_ns=sent, done_ns=np.maximum(ledger.done_ns, sent + 1)))
    found = verdict(judge(asking(AskedOfTime(outcome=Outcome.FAIL), when), spoilt), "asked")
    assert found.outcome is outcome, found
    assert ("the generator was late" in found.because) == (outcome is Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("how", "outcome"),
    [("sent late", Outcome.INCONCLUSIVE), ("no record", Outcome.INCONCLUSIVE), ("the shop", Outcome.FAIL)],
)
def test_a_few_orders_that_we_spoilt_ourselves_make_no_outage(how: str, outcome: Outcome) -> None:
    """So few that of the run as a whole there is no doubt, 20 s after the act: without the shop's part in it no FAIL."""
    history = a_history()
    ledger = history.ledger
    hit = (ledger.intended_ns >= ACT + 20 * S) & (ledger.intended_ns < ACT + 20 * S + S // 5)
    assert 0 < np.count_nonzero(hit) < 0.005 * len(ledger)
    spoilt = {
        "sent late": replace(
            ledger,
            sent_ns=np.where(hit, ledger.intended_ns + 2 * S, ledger.sent_ns),
            done_ns=np.where(hit, ledger.intended_ns + 2 * S + 1, ledger.done_ns),
        ),
        "no record": replace(ledger, recorded=ledger.recorded & ~hit, fate=np.where(hit, UNKNOWN, ledger.fate)),
        "the shop": replace(ledger, done_ns=np.where(hit, ledger.intended_ns + 2 * S, ledger.done_ns)),
    }[how]
    found = verdict(judge(PLAN, replace(history, ledger=spoilt)), "rto")
    assert found.measured["recovery_s"] == pytest.approx(20.2, abs=0.1)
    assert found.outcome is outcome, found.because


@pytest.mark.parametrize(("when", "outcome"), [("baseline", Outcome.INCONCLUSIVE), ("recovered", Outcome.FAIL)])
def test_a_busy_machine_voids_a_fail_only_where_it_was_busy(when: str, outcome: Outcome) -> None:
    """For a few seconds of the baseline others had half of it; on average of the run they had little."""
    history = a_history()
    seen = tuple(
        replace(one, value=0.5)
        if isinstance(one, events.Sample) and one.probe == "foreign_cpu" and ACT - 5 * S <= one.at_ns < ACT - S
        else one
        for one in history.events
    )
    assert judge(PLAN, replace(history, events=seen)).outcome is Outcome.PASS
    found = verdict(judge(asking(AskedOfTime(outcome=Outcome.FAIL), when), replace(history, events=seen)), "asked")
    assert found.outcome is outcome, found


def test_an_interrupted_run_fails_where_that_is_proved_and_is_else_inconclusive() -> None:
    stop = events.Interrupted(at_ns=END, by="SIGTERM")
    assert judge(PLAN, also(a_history(), stop)).outcome is Outcome.INCONCLUSIVE
    failed = judge(PLAN, also(a_history(lost=1), stop))
    assert failed.outcome is Outcome.FAIL
    assert {one.outcome for one in failed.verdicts} == {Outcome.FAIL, Outcome.INCONCLUSIVE}


def test_an_unbitten_fault_is_inconclusive_but_still_loses_orders() -> None:
    assert judge(PLAN, without(a_history(), events.Bitten)).outcome is Outcome.INCONCLUSIVE
    assert judge(PLAN, without(a_history(lost=1), events.Bitten)).outcome is Outcome.FAIL


def test_a_fault_not_seen_healed_is_dirty_and_says_how_to_mend_it() -> None:
    unhealed = events.NotHealed(at_ns=END, step=STEP, because="it is silent", mend="windtunnel heal run1")
    judgement = judge(PLAN, also(without(a_history(), events.Closed), unhealed))
    assert judgement.outcome is Outcome.DIRTY
    assert "windtunnel heal run1" in verdict(judgement, HEALED).because


def test_what_is_not_as_declared_is_dirty() -> None:
    residue = events.Fingerprint(at_ns=END + 13 * S, residue=("orders_db-1: paused",))
    judgement = judge(PLAN, also(a_history(), residue))
    assert judgement.outcome is Outcome.DIRTY
    assert verdict(judgement, HEALED).examples == ("orders_db-1: paused",)


@pytest.mark.parametrize("kind", [events.Closed, events.Fingerprint])
def test_healed_without_evidence_is_inconclusive(kind: type[events.Event]) -> None:
    assert verdict(judge(PLAN, without(a_history(), kind)), HEALED).outcome is Outcome.INCONCLUSIVE


def test_a_fingerprint_of_before_the_heal_is_none() -> None:
    early = events.Fingerprint(at_ns=ACT, residue=())
    history = also(without(a_history(), events.Fingerprint), early)
    assert verdict(judge(PLAN, history), HEALED).outcome is Outcome.INCONCLUSIVE


def test_the_word_is_the_same_byte_for_byte_and_is_plain_json() -> None:
    history = a_history(troubles=[Trouble(from_s=0, to_s=100)])
    written = encode(judge(PLAN, history))
    assert written == encode(judge(a_plan(), a_history(troubles=[Trouble(from_s=0, to_s=100)])))
    word = json.loads(written)
    assert word["outcome"] == "FAIL"
    after = next(one for one in word["verdicts"] if one["objective"] == "after.order_latency")
    assert after["measured"]["p95_ms"] == "inf"


def test_a_history_with_nothing_in_it_is_inconclusive() -> None:
    judgement = judge(PLAN, with_audit(replace(a_history(), events=()), None))
    assert judgement.outcome is Outcome.INCONCLUSIVE
    assert {one.outcome for one in judgement.verdicts} == {Outcome.INCONCLUSIVE}
