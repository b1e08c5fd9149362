"""``answered``: taken or refused, but soon and clearly."""

from dataclasses import replace

import numpy as np

from harness.checkers.answered import Answered
from harness.history import REFUSED
from harness.model import Outcome, Verdict
from tests.fake_runs import Trouble, a_history, a_plan, end_ns

CALM = a_plan(calm=True)


def judged(*troubles: Trouble, min_ratio: float = 0.99) -> Verdict:
    return Answered(min_ratio=min_ratio).check(a_history(CALM, troubles))


def test_a_refusal_is_an_answer() -> None:
    verdict = judged(Trouble(from_s=-20, to_s=-10))
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.measured["refused"] > 100
    assert verdict.measured["ratio"] == 1.0


def test_a_connection_that_was_refused_told_nobody_anything() -> None:
    history = a_history(CALM, [Trouble(from_s=-20, to_s=-10)])
    silent = replace(history.ledger, status=np.where(np.equal(history.ledger.fate, REFUSED), 0, history.ledger.status))
    verdict = Answered(min_ratio=0.99).check(replace(history, ledger=silent))
    assert verdict.outcome is Outcome.FAIL, verdict
    assert verdict.measured["refused"] == 0


def test_silence_is_none_and_neither_is_what_comes_too_late() -> None:
    for silent in (Trouble(from_s=-20, to_s=-5, silent=True), Trouble(from_s=-20, to_s=-17, silent=True)):
        assert judged(silent).outcome is Outcome.FAIL
    assert judged(Trouble(from_s=-20, to_s=-17, silent=True), min_ratio=0.9).outcome is Outcome.PASS


def test_too_few_orders_say_nothing() -> None:
    history = a_history(CALM, ())
    far = history.within(type(history.window)(start_ns=end_ns(CALM) - 1, end_ns=end_ns(CALM)))
    assert Answered(min_ratio=0.5).check(far).outcome is Outcome.INCONCLUSIVE


def test_who_could_serve_everybody_has_not_shown_what_it_tells_the_others() -> None:
    """A rush that is none proves nothing of a rush."""
    check = Answered(min_ratio=0.99, refused_min_ratio=0.1)
    idle = check.check(a_history(CALM, ()))
    assert (idle.outcome, "higher --rate" in idle.because) == (Outcome.INCONCLUSIVE, True), idle
    assert check.check(a_history(CALM, [Trouble(from_s=-20, to_s=-10)])).outcome is Outcome.PASS
    silent = [Trouble(from_s=-20, to_s=-5, silent=True)]
    assert check.check(a_history(CALM, silent)).outcome is Outcome.FAIL, "silence is proved, whoever else is turned away"
