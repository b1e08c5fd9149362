"""``order_latency``: nearest rank over all orders, the unanswered included."""

import math

import numpy as np
import pytest

from harness.checkers.order_latency import OrderLatency
from harness.evidence import nearest_rank
from harness.history import Window
from harness.model import Outcome
from tests.fake_runs import S, Trouble, a_history, a_plan

CALM = a_plan(calm=True)


def test_the_percentile_is_the_nearest_rank() -> None:
    values = np.arange(1.0, 101.0)
    assert [nearest_rank(values, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert nearest_rank(np.array([7.0]), 95) == 7
    assert nearest_rank(np.arange(1.0, 22.0), 95) == 20, "the 20th of 21 is the first with 95 % at or below it"
    assert math.isinf(nearest_rank(np.array([]), 95))


def test_quick_answers_pass_and_are_measured() -> None:
    verdict = OrderLatency(p95_max_ms=19).check(a_history(CALM))
    assert (verdict.outcome, verdict.measured["p95_ms"]) == (Outcome.PASS, 19.0)


def test_slower_than_the_limit_fails() -> None:
    assert OrderLatency(p95_max_ms=18.9).check(a_history(CALM)).outcome is Outcome.FAIL


@pytest.mark.parametrize("silent", [False, True])
def test_orders_never_acknowledged_take_for_ever(silent: bool) -> None:
    """Refused at once is no quick answer, and silence is none at all."""
    verdict = OrderLatency(p95_max_ms=200).check(a_history(CALM, [Trouble(from_s=-30, to_s=-10, silent=silent)]))
    assert verdict.outcome is Outcome.FAIL
    assert math.isinf(verdict.measured["p95_ms"])


def test_too_few_orders_are_inconclusive() -> None:
    empty = a_history(CALM).within(Window(start_ns=0, end_ns=S // 10))
    assert OrderLatency(p95_max_ms=200).check(empty).outcome is Outcome.INCONCLUSIVE
