"""``throughput``: the whole planned load over a minute, without a weak stretch."""

from dataclasses import replace

import numpy as np

from harness.checkers.throughput import Throughput, worst_stretch
from harness.events import LoadStopped
from harness.history import History
from harness.model import Outcome
from tests.fake_runs import S, Trouble, a_history, a_plan, without

CALM = a_plan(calm=True)


def test_a_minute_of_the_planned_load_passes() -> None:
    assert Throughput().check(a_history(CALM)).outcome is Outcome.PASS


def test_a_short_weak_stretch_fails() -> None:
    verdict = Throughput(min_ratio=0.99).check(a_history(CALM, [Trouble(from_s=-20, to_s=-19.5)]))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.measured["ratio"] > 0.99
    assert verdict.measured["worst_10s_ratio"] < 0.97


def test_the_worst_stretch_is_the_worst_of_all() -> None:
    served = np.ones(6000, dtype=np.bool_)
    served[3000:3100] = False
    assert worst_stretch(np.arange(6000) * S // 100, served, 60 * S) == 0.9
    assert worst_stretch(np.arange(6000) * S // 100, served, 5 * S) == 0.0, "nothing that lasts 10 s, nothing proved"


def test_half_a_minute_is_inconclusive() -> None:
    assert Throughput().check(a_history()).outcome is Outcome.INCONCLUSIVE


def test_an_arrival_without_its_record_is_inconclusive() -> None:
    history = a_history(CALM)
    recorded = history.ledger.recorded.copy()
    recorded[100] = False
    assert Throughput().check(_with(history, recorded)).outcome is Outcome.INCONCLUSIVE


def test_a_load_without_a_known_end_is_inconclusive() -> None:
    assert Throughput().check(without(a_history(CALM), LoadStopped)).outcome is Outcome.INCONCLUSIVE


def _with(history: History, recorded: "np.typing.NDArray[np.bool_]") -> History:
    return replace(history, ledger=replace(history.ledger, recorded=recorded))
