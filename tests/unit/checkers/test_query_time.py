"""``query_time``: exact means from raw samples, and who was not sampled."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.checkers.query_time import QueryTime
from harness.events import Event, Metric, Sample
from harness.evidence import increase
from harness.history import History, Window
from harness.model import Outcome, Series, Verdict
from tests.fake_monitoring import CLASS
from tests.fake_runs import S, a_history, a_plan, act_ns, also, sealed, without

ACT = act_ns(a_plan())


def judged(history: History, mean_max_ms: float = 5.0, class_: str = CLASS) -> Verdict:
    return QueryTime(class_=class_, mean_max_ms=mean_max_ms).check(history)


def changed(history: History, on: str, **columns: Sequence[float]) -> History:
    """Give the history with other samples of one instance: times_ns, or values of a counter by its name."""

    def spoil(event: Event) -> Event:
        if not isinstance(event, Metric) or event.series.on != on:
            return event
        series = event.series
        if series.name in columns:
            series = replace(series, values=tuple(columns[series.name]))
        if "keep" in columns:
            kept = [n for n, at in enumerate(series.times_ns) if not columns["keep"][0] <= at < columns["keep"][1]]
            series = replace(
                series,
                times_ns=tuple(series.times_ns[n] for n in kept),
                values=tuple(series.values[n] for n in kept),
            )
        return replace(event, series=series)

    return replace(history, events=sealed(spoil(event) for event in history.events))


def test_the_mean_is_that_of_all_calls() -> None:
    verdict = judged(a_history())
    assert verdict.outcome is Outcome.PASS
    assert verdict.measured["mean_ms"] == pytest.approx(4.0)
    assert verdict.measured["within_200_ms_ratio"] == 1.0
    assert verdict.measured["calls"] > 900


def test_a_mean_over_the_limit_fails() -> None:
    verdict = judged(a_history(), mean_max_ms=3.9)
    assert verdict.outcome is Outcome.FAIL
    assert "4 ms on average" in verdict.because


def test_one_slow_replica_counts_by_its_calls() -> None:
    """Half of the calls take ten times as long: 22 ms on average."""
    count = len(next(a_history().all(Metric)).series.values)
    history = changed(a_history(), "storefront-2", query_sum_s=[0.4 * n for n in range(count)])
    assert judged(history).measured["mean_ms"] == pytest.approx(22.0)


def test_a_restarted_counter_begins_at_zero_again() -> None:
    times = tuple(n * S for n in range(6))
    series = Series(name="query_count", on="a", labels={}, times_ns=times, values=(10, 20, 30, 5, 15, 25))
    assert increase(series, Window(start_ns=0, end_ns=10 * S)) == 20 + 5 + 20
    assert increase(series, Window(start_ns=0, end_ns=3 * S)) == 20


def test_a_restart_that_one_counter_shows_holds_for_all_of_the_instance() -> None:
    """What came up slow has soon spent more seconds than it had before, while its calls tell that it was restarted."""
    times = tuple(range(0, 3 * S, S))
    values = {"query_count": (500.0, 1000.0, 40.0), "query_sum_s": (0.5, 1.0, 8.0), "query_fast": (500.0, 1000.0, 0.0)}
    found = [Series(name=name, on="a", labels={}, times_ns=times, values=column) for name, column in values.items()]
    other = Series(name="query_count", on="b", labels={}, times_ns=times, values=(9.0, 5.0, 9.0))
    window = Window(start_ns=0, end_ns=3 * S)
    assert [increase(one, window, [*found, other]) for one in found] == [500 + 40, 0.5 + 8, 500 + 0]


def test_a_slow_restart_fails_however_fast_it_was_before() -> None:
    """The last sample of one replica: 90 calls since it was restarted, 4 s in all; before, it had spent 2 s on 510."""
    before = range(len(next(a_history().all(Metric)).series.values) - 1)
    spent = {"query_count": [*(10.0 * n for n in before), 90], "query_sum_s": [*(0.04 * n for n in before), 4]}
    verdict = judged(changed(a_history(), "storefront-1", **spent), mean_max_ms=6)
    assert verdict.outcome is Outcome.FAIL, verdict.because
    assert verdict.measured["mean_ms"] == pytest.approx(7.2, abs=0.2)


def test_a_replica_that_vanished_leaves_it_open() -> None:
    verdict = judged(changed(a_history(), "storefront-1", keep=(ACT, ACT + 12 * S)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.because == "storefront-1 was not sampled for 13 s of this stretch."
    gone = [e for e in a_history().events if not (isinstance(e, Metric) and e.series.on == "storefront-2")]
    verdict = judged(replace(a_history(), events=sealed(gone)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.because.startswith("storefront-2 was not sampled")


def test_but_what_was_seen_of_the_others_is_proof_enough_of_slowness() -> None:
    assert judged(changed(a_history(), "storefront-1", keep=(0, 10**15)), mean_max_ms=1).outcome is Outcome.FAIL


def test_no_samples_are_no_speed() -> None:
    """Monitoring that is dead, a class that nobody called, too few calls."""
    assert judged(without(a_history(), Metric)).outcome is Outcome.INCONCLUSIVE
    miss = Sample(at_ns=ACT, probe="metrics", on="prometheus", value=None, why="connection refused")
    assert "connection refused" in judged(also(without(a_history(), Metric), miss)).because
    assert judged(a_history(), class_="log").outcome is Outcome.INCONCLUSIVE
    window = Window(start_ns=ACT, end_ns=ACT + 2 * S)
    assert judged(a_history().within(window)).outcome is Outcome.INCONCLUSIVE


def test_columns_of_unequal_length_raise_nothing() -> None:
    assert judged(changed(a_history(), "storefront-1", query_count=[1.0])).outcome is not None


@pytest.mark.parametrize("gone", ["query_sum_s", "query_count"])
def test_a_missing_column_is_not_taken_for_speed(gone: str) -> None:
    """The slow replica's seconds, or its calls, were not kept: of one, or of all."""
    for on in ({"storefront-2"}, {"storefront-1", "storefront-2"}):
        kept = [e for e in a_history().events if not (isinstance(e, Metric) and e.series.on in on and e.series.name == gone)]
        assert judged(replace(a_history(), events=sealed(kept))).outcome is Outcome.INCONCLUSIVE


def test_columns_that_were_cut_are_not_taken_for_speed() -> None:
    verdict = judged(changed(a_history(), "storefront-1", query_sum_s=[0.0]))
    assert verdict.outcome is Outcome.INCONCLUSIVE
