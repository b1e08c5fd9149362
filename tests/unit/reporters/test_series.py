"""The ledger as series: nothing is counted twice, nothing is left out."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history import ACKNOWLEDGED, History, Window
from harness.model import Outcome
from harness.reporters._series import POINTS, series
from tests.sample_reports import BEGIN, END, RATE, T0, S, sample_history, sample_ledger


def history_of(out_s: float, end_ns: int = END, rate: int = RATE) -> History:
    """Give a history with an outage of a length, of a run of any length, without journal."""
    ledger = sample_ledger(out_s, rate=rate, end_ns=end_ns)
    lost = np.zeros(len(ledger), dtype=np.bool_)
    window = Window(start_ns=BEGIN, end_ns=end_ns)
    return replace(sample_history(Outcome.PASS), ledger=ledger, lost=lost, window=window, events=())


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 90), st.integers(50, 3000))
def test_every_order_is_in_exactly_one_layer(out_s: float, length_s: int) -> None:
    history = history_of(out_s, end_ns=BEGIN + length_s * S, rate=7)
    found = series(history)
    assert found is not None
    assert len(found.good) <= POINTS + 1
    orders = found.offered @ np.diff(found.edges_s)
    assert round(float(orders)) == len(history.ledger) == sum(found.totals.values())
    assert np.all(np.isfinite(found.offered))


def test_latency_is_the_nearest_rank_of_each_bin_and_endless_in_the_outage() -> None:
    history = sample_history(Outcome.PASS)
    found = series(history)
    assert found is not None
    due = history.ledger.intended_ns
    for place in (3, len(found.p95_ms) // 2):
        begin, end = (found.zero_ns + found.edges_s[place : place + 2] * S).astype(np.int64)
        ordered = np.sort(history.ledger.latency_ms[(due >= begin) & (due < end)])
        assert found.p95_ms[place] == ordered[int(np.ceil(0.95 * len(ordered))) - 1]
    within = (found.edges_s[:-1] >= 0) & (found.edges_s[1:] < 19)
    assert np.all(np.isposinf(found.p95_ms[within]))


def test_zero_is_the_first_fault() -> None:
    found = series(sample_history(Outcome.PASS))
    assert found is not None
    assert found.zero_ns == T0
    assert found.bin_s == 1


def test_what_the_audit_misses_is_a_layer_of_its_own() -> None:
    history = history_of(0.0)
    lost = np.zeros(len(history.ledger), dtype=np.bool_)
    lost[:50] = history.ledger.fate[:50] == ACKNOWLEDGED
    found = series(replace(history, lost=lost))
    assert found is not None
    assert found.totals["lost"] == 50


def test_without_orders_there_is_nothing_to_draw() -> None:
    history = history_of(0.0)
    reads = replace(history.ledger, kind=np.ones(len(history.ledger), dtype=np.int8))
    assert series(replace(history, ledger=reads)) is None
