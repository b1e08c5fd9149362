"""``wrongly_charged``: an order costs what its products cost, whatever the shop says that it does."""

from dataclasses import replace

import pytest

from harness import events
from harness.audited import Charge, Charges
from harness.checkers.orders_lost import OrdersLost
from harness.checkers.wrongly_charged import WronglyCharged
from harness.history import ACKNOWLEDGED, UNKNOWN, History
from harness.model import Outcome, Verdict
from tests.fake_runs import a_history, a_plan, act_ns, with_audit, without


def charged(*wrong: Charge, orders: int | None = None, history: History | None = None) -> History:
    """Give a run whose audit found some orders that cost something else; ``orders`` is how many it compared."""
    history = history or a_history()
    assert history.audit is not None
    assert history.audit.primary is not None
    compared = len(history.audit.primary.key) if orders is None else orders
    return with_audit(history, replace(history.audit, charges=Charges(orders=compared, wrong=wrong)))


def cheap(number: int, charged_cents: int = 1) -> Charge:
    return Charge(key=f"run1:{number}", order_id=f"o{number}", right_cents=236, charged_cents=charged_cents)


def judged(history: History, most: int = 0) -> Verdict:
    return WronglyCharged(max=most).check(history)


def test_one_order_at_a_cent_fails_though_nothing_else_notices() -> None:
    """What was answered is what is stored, so no order is lost."""
    history = charged(cheap(7))
    verdict = judged(history)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith("1 order of ")
    assert verdict.examples == ("o7 (run1:7): 1 cents, its products cost 236",)
    assert (verdict.measured["wrongly_charged"], verdict.measured["too_little_cents"]) == (1, 235)
    assert OrdersLost().check(history).outcome is Outcome.PASS


@pytest.mark.parametrize("cents", [235, 237, 236])
def test_more_is_as_wrong_as_less_and_a_line_that_another_makes_up_for_too(cents: int) -> None:
    verdict = judged(charged(cheap(7, cents)))
    assert verdict.outcome is Outcome.FAIL
    assert (verdict.measured["too_little_cents"], verdict.measured["too_much_cents"]) == (cents == 235, cents == 237)


def test_as_many_as_are_allowed_pass_and_the_same_twice_is_one() -> None:
    assert judged(charged()).outcome is Outcome.PASS
    assert judged(charged(cheap(7), cheap(8)), 2).outcome is Outcome.PASS
    assert judged(charged(cheap(7), cheap(8)), 1).outcome is Outcome.FAIL
    assert judged(charged(cheap(7), cheap(7)), 1).outcome is Outcome.PASS


def test_what_was_not_compared_is_not_known_to_be_right() -> None:
    history = a_history()
    assert history.audit is not None
    nobody = judged(with_audit(history, replace(history.audit, charges=None)))
    assert (nobody.outcome, "did not hold" in nobody.because) == (Outcome.INCONCLUSIVE, True)
    some = judged(charged(orders=10))
    assert (some.outcome, "Only 10 of" in some.because) == (Outcome.INCONCLUSIVE, True)
    assert judged(charged(cheap(7), orders=10)).outcome is Outcome.FAIL
    assert judged(with_audit(history, None)).outcome is Outcome.INCONCLUSIVE


def test_orders_before_the_act_alone_prove_nothing() -> None:
    """Nobody could order any more after it: no wrong price was ever tried."""
    history, act = a_history(), act_ns(a_plan())
    fate = history.ledger.fate.copy()
    fate[(fate == ACKNOWLEDGED) & (history.ledger.done_ns >= act)] = UNKNOWN
    verdict = judged(replace(history, ledger=replace(history.ledger, fate=fate)))
    assert (verdict.outcome, verdict.evidence) == (Outcome.INCONCLUSIVE, 0)
    assert "after the last act" in verdict.because


def test_where_nobody_knows_when_the_act_was_nothing_is_proved() -> None:
    assert judged(without(a_history(), events.Intended, events.Acted)).evidence == 0


def test_without_a_fault_the_whole_run_is_evidence() -> None:
    assert judged(a_history(a_plan(calm=True))).outcome is Outcome.PASS
