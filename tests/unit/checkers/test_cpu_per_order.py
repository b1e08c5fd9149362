"""``cpu_per_order``: what everybody used in a stretch, shared among the orders that were acknowledged there."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.checkers.cpu_per_order import CpuPerOrder
from harness.cost import GENERATOR, ITSELF, MACHINE, cost
from harness.events import PUBLISHED, Entry, Metric, Sample
from harness.history import History, Window
from harness.model import Outcome, Series, Verdict
from tests.fake_monitoring import CLASS, INSTANCES, PRIMARY
from tests.fake_runs import BEGIN_NS, S, a_history, a_plan, also, sealed, without

CALM = a_plan(calm=True)
STRETCH = Window(start_ns=BEGIN_NS + 10 * S + S // 2, end_ns=BEGIN_NS + 30 * S + S // 2)  # between samples
USED = 0.01 * STRETCH.seconds  # the seconds that each party of a made-up run uses


def judged(history: History, max_ms: float = 100.0) -> Verdict:
    return CpuPerOrder(max_ms=max_ms).check(history.within(STRETCH))


def spoilt(history: History, change: Callable[[Sample], Sample | None]) -> History:
    """Change what was read of counters, or take it away."""
    events = (change(one) if isinstance(one, Sample) and one.probe == "cpu" else one for one in history.events)
    return replace(history, events=sealed(one for one in events if one is not None))


def test_each_component_pays_for_its_instances_and_the_harness_for_nothing() -> None:
    verdict = judged(a_history(CALM, ()))
    assert verdict.outcome is Outcome.PASS, verdict
    each = USED * 1000 / verdict.evidence
    assert verdict.measured["storefront_ms"] == pytest.approx(2 * each)
    assert verdict.measured["generator_ms"] == pytest.approx(each)
    parts = sum(len(names) for names in INSTANCES.values())
    assert verdict.measured["cpu_ms"] == pytest.approx((parts + 1) * each)
    assert verdict.measured["harness_ms"] == verdict.measured["machine_ms"] == pytest.approx(each)


def test_one_order_that_costs_too_much_fails() -> None:
    good = a_history(CALM, ())
    limit = judged(good).measured["cpu_ms"] * 1.1
    assert judged(good, limit).outcome is Outcome.PASS
    dear = spoilt(good, lambda one: replace(one, value=20 * float(one.value or 0)) if one.on == "storefront-1" else one)
    verdict = judged(dear, limit)
    assert verdict.outcome is Outcome.FAIL, verdict
    assert "storefront" in verdict.because


@pytest.mark.parametrize("column", ["recorded", "sent_ns"])
def test_orders_that_never_came_make_the_others_no_dearer(column: str) -> None:
    """A worker was lost: what costs as much with half of the orders costs twice as much for each."""
    good = a_history(CALM, ())
    gone = good.cohort(STRETCH) & (good.ledger.seq % 100 == 0)
    kept = {"recorded": good.ledger.recorded & ~gone, "sent_ns": np.where(gone, -1, good.ledger.sent_ns)}[column]
    poorer = replace(good, ledger=replace(good.ledger, **{column: kept}))
    verdict = judged(poorer, 0.001)
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict
    assert judged(good, 0.001).outcome is Outcome.FAIL


@pytest.mark.parametrize("on", [GENERATOR, MACHINE, "storefront-2"])
def test_whoever_was_not_read_leaves_it_open(on: str) -> None:
    good = a_history(CALM, ())
    for gone in (
        spoilt(good, lambda one: None if one.on == on else one),
        spoilt(good, lambda one: None if one.on == on and STRETCH.holds(one.at_ns + 4 * S) else one),
        spoilt(good, lambda one: replace(one, value=None, why="gone") if one.on == on else one),
    ):
        verdict = judged(gone)
        assert verdict.outcome is Outcome.INCONCLUSIVE, verdict
        assert f"of {on}" in verdict.because


def test_a_harness_that_was_not_read_hides_nothing() -> None:
    verdict = judged(spoilt(a_history(CALM, ()), lambda one: None if one.on == ITSELF else one))
    assert verdict.outcome is Outcome.PASS


def test_a_restart_costs_nothing_less_than_nothing() -> None:
    """Its counter begins at zero again."""
    middle = BEGIN_NS + 20 * S

    def restarted(one: Sample) -> Sample:
        fell = one.on == "lb-1" and one.at_ns >= middle
        return replace(one, value=(one.at_ns - middle) / S / 100) if fell else one

    found = cost(spoilt(a_history(CALM, ()), restarted).within(STRETCH))
    assert found.by_component["lb"] == pytest.approx(USED * 1000 / found.orders, rel=0.06)


def test_the_database_s_work_is_told_per_order() -> None:
    history = a_history(CALM, ())
    times = tuple(range(BEGIN_NS, BEGIN_NS + 60 * S, S))
    written = Series(name="log_bytes", on=PRIMARY, labels={}, times_ns=times, values=tuple(1e6 * n for n in range(60)))
    found = cost(also(history, Metric(at_ns=BEGIN_NS + 70 * S, series=written)).within(STRETCH))
    assert found.log_bytes == pytest.approx(1e6 * STRETCH.seconds / found.orders), "between samples, on straight lines"
    assert found.calls[CLASS] == pytest.approx(2 * 10 * STRETCH.seconds / found.orders), "of two storefronts"
    assert "orders_db" in found.unseen, "the standby was not sampled"
    assert cost(history.within(STRETCH)).unseen == ""
    assert cost(without(history, Metric).within(STRETCH)).calls == {}


def test_calls_of_a_storefront_that_was_not_sampled_are_not_passed_over() -> None:
    history = a_history(CALM, ())
    half = (one for one in history.events if not (isinstance(one, Metric) and one.series.on == "storefront-2"))
    found = cost(replace(history, events=sealed(half)).within(STRETCH))
    assert "storefront-2 was not sampled" in found.unseen


def test_a_column_without_samples_tells_nothing_and_breaks_nothing() -> None:
    """As in a journal that somebody has edited: its report is still written."""
    empty = Series(name="log_bytes", on=PRIMARY, labels={}, times_ns=(), values=(1.0,))
    found = cost(also(a_history(CALM, ()), Metric(at_ns=BEGIN_NS, series=empty)).within(STRETCH))
    assert found.log_bytes == 0
    assert PRIMARY in found.unseen


def test_whoever_serves_and_cannot_be_counted_leaves_it_open() -> None:
    """The process that carries shoppers in from a published port is none of the shop's containers."""
    good, entry = a_history(CALM, ()), Entry(at_ns=0, url="http://198.18.0.2:80", by="bridge")
    assert judged(also(good, entry)).outcome is Outcome.PASS
    verdict = judged(also(good, replace(entry, by=PUBLISHED)))
    assert (verdict.outcome, "published port" in verdict.because) == (Outcome.INCONCLUSIVE, True), verdict


def test_too_few_orders_say_nothing() -> None:
    short = a_history(CALM, ()).within(Window(start_ns=STRETCH.start_ns, end_ns=STRETCH.start_ns + S))
    assert CpuPerOrder(max_ms=100.0).check(short).outcome is Outcome.INCONCLUSIVE
