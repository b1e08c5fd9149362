"""Back after our heal: late is FAIL, a load that ended too soon cannot tell, and what is out before the heal may be."""

import pytest

from harness.checkers.back_after_heal import BackAfterHeal
from harness.model import Outcome
from tests.fake_runs import Trouble, a_history, a_plan

HELD_S = 25.0


@pytest.mark.parametrize(
    ("after_s", "budget_s", "outcome"),
    [
        (1.0, 1.2, Outcome.PASS),
        (1.0, 0.9, Outcome.FAIL),
        (5.0, 10.0, Outcome.INCONCLUSIVE),  # steady for 7 s at the end of the load, 10 are needed
        (12.0, 10.0, Outcome.FAIL),  # still out at its end, and already over
        (12.0, 15.0, Outcome.INCONCLUSIVE),
    ],
)
def test_it_counts_from_our_heal(after_s: float, budget_s: float, outcome: Outcome) -> None:
    """However long it was out before."""
    verdict = BackAfterHeal(budget_s=budget_s).check(a_history(troubles=[Trouble(from_s=0, to_s=HELD_S + after_s)]))
    assert verdict.outcome is outcome, verdict.because
    assert verdict.measured["after_heal_s"] == pytest.approx(after_s, abs=0.1)


def test_one_that_was_back_before_is_told_so() -> None:
    verdict = BackAfterHeal(budget_s=10).check(a_history())
    assert verdict.outcome is Outcome.PASS
    assert "no outage was seen" in verdict.because


def test_without_a_heal_there_is_nothing_to_come_back_from() -> None:
    verdict = BackAfterHeal(budget_s=10).check(a_history(a_plan(calm=True)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "nothing to come back from" in verdict.because
