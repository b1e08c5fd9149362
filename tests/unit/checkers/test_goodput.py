"""``goodput``: a good run, a broken one, and one without evidence."""

from dataclasses import replace

import pytest

from harness.checkers.goodput import Goodput
from harness.history import History, Window
from harness.model import Outcome
from tests.fake_runs import S, Trouble, a_history, a_plan, act_ns

CALM = a_plan(calm=True)


def test_a_shop_that_acknowledges_everything_in_time_passes() -> None:
    verdict = Goodput(min_ratio=0.999).check(a_history(CALM))
    assert (verdict.outcome, verdict.measured["ratio"]) == (Outcome.PASS, 1.0)


@pytest.mark.parametrize("trouble", [Trouble(from_s=-9, to_s=-8), Trouble(from_s=-9, to_s=-6, silent=True)])
def test_refusals_and_late_answers_are_not_good(trouble: Trouble) -> None:
    verdict = Goodput(min_ratio=0.999).check(a_history(CALM, [trouble]))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.measured["ratio"] < 0.99
    assert verdict.measured["worst_window_ratio"] < 0.05


def test_an_acknowledged_order_that_the_audit_lacks_is_not_good() -> None:
    assert Goodput(min_ratio=0.999).check(a_history(CALM, lost=30)).outcome is Outcome.FAIL


def test_only_orders_due_in_the_window_count() -> None:
    history = a_history(CALM, [Trouble(from_s=-9, to_s=-8)])
    before = Window(start_ns=history.window.start_ns, end_ns=act_ns(CALM) - 9 * S)
    assert Goodput(min_ratio=1.0).check(history.within(before)).outcome is Outcome.PASS


@pytest.mark.parametrize("start_s", [0, 1000])
def test_too_few_orders_are_inconclusive(start_s: int) -> None:
    history: History = a_history(CALM)
    empty = replace(history, window=Window(start_ns=start_s * S, end_ns=start_s * S + S))
    assert Goodput(min_ratio=0.5).check(empty).outcome is Outcome.INCONCLUSIVE
