"""``origin_load``: the worst five seconds from the act on, against the baseline."""

from dataclasses import replace

import pytest

from harness.checkers.origin_load import OriginLoad
from harness.events import Event, LoadStopped, Metric, Phase
from harness.evidence import grown
from harness.history import History
from harness.model import Outcome, Series, Verdict
from tests.fake_monitoring import CLASS
from tests.fake_runs import S, a_history, a_plan, act_ns, sealed, without

ACT = act_ns(a_plan())


def judged(history: History, times_max: float = 2.0, class_: str = CLASS) -> Verdict:
    return OriginLoad(class_=class_, times_max=times_max).check(history)


def rushed(history: History, per_s: float, from_s: float, to_s: float, *, restart: bool = False) -> History:
    """Let each instance count ``per_s`` more calls a second from one moment to another after the act."""

    def more(at_ns: int) -> float:
        return per_s * max(0.0, min((at_ns - ACT) / S, to_s) - from_s)

    def spoil(event: Event) -> Event:
        if not isinstance(event, Metric) or event.series.name != "query_count":
            return event
        series = event.series
        values = [value + more(at) for at, value in zip(series.times_ns, series.values, strict=True)]
        if restart:
            values = [value - (values[len(values) // 2] if n >= len(values) // 2 else 0) for n, value in enumerate(values)]
        return replace(event, series=replace(series, values=tuple(values)))

    return replace(history, events=sealed(spoil(event) for event in history.events))


def test_a_calm_origin_passes() -> None:
    verdict = judged(a_history(a_plan(), ()))
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.measured["times"] == pytest.approx(1.0, abs=0.3)


def test_a_rush_of_five_seconds_fails() -> None:
    calm = judged(a_history(a_plan(), ())).measured["baseline_per_s"]
    verdict = judged(rushed(a_history(a_plan(), ()), 3 * calm, 5, 12))
    assert verdict.outcome is Outcome.FAIL, verdict
    assert verdict.measured["times"] > 3


def test_of_few_calls_chance_alone_makes_a_rush() -> None:
    """Five times as many as usual prove nothing where 5 s of usual are a handful."""
    history = a_history(a_plan(), ())
    usual = judged(history).measured["baseline_per_s"]
    few = tuple(
        replace(one, series=replace(one.series, values=tuple(value * 2 / usual for value in one.series.values)))
        if isinstance(one, Metric) and one.series.name == "query_count"
        else one
        for one in history.events
    )
    verdict = judged(rushed(replace(history, events=sealed(few)), 8, 5, 12))
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict
    assert "are needed" in verdict.because


def test_a_restarted_counter_is_no_rush_and_hides_none() -> None:
    calm = a_history(a_plan(), ())
    assert judged(rushed(calm, 0, 0, 1, restart=True)).outcome is Outcome.PASS
    per_s = judged(calm).measured["baseline_per_s"]
    assert judged(rushed(calm, 3 * per_s, 5, 12, restart=True)).outcome is Outcome.FAIL


def test_a_restart_that_only_another_counter_shows_hides_no_rush() -> None:
    """By the next sample it has counted as much again as it had forgotten."""
    series = Series(name="query_count", on="a", labels={}, times_ns=(0, S, 2 * S), values=(0.0, 500.0, 600.0))
    total = replace(series, name="query_sum_s", values=(0.0, 9.0, 3.0))
    assert grown(series) == [500.0, 100.0]
    assert grown(series, [total]) == [500.0, 600.0]


def unseen(history: History, from_s: float, to_s: float) -> History:
    """Take the samples away from one moment to another after the act, both left out."""

    def spoil(event: Event) -> Event:
        if not isinstance(event, Metric):
            return event
        series = event.series
        samples = zip(series.times_ns, series.values, strict=True)
        kept = [(at, value) for at, value in samples if not ACT + from_s * S < at < ACT + to_s * S]
        return replace(
            event, series=replace(series, times_ns=tuple(at for at, _ in kept), values=tuple(value for _, value in kept))
        )

    return replace(history, events=sealed(spoil(event) for event in history.events))


def test_a_rush_that_no_sample_saw_is_not_spread_over_the_gap() -> None:
    """All calls of nine seconds came in five: a straight line through them makes that little more than half."""
    calm = a_history(a_plan(), ())
    per_s = judged(calm).measured["baseline_per_s"]
    rush = rushed(calm, 0.7 * per_s, 10, 15)
    assert judged(rush).outcome is Outcome.FAIL
    hidden = judged(unseen(rush, 8, 17))
    assert hidden.measured["times"] < 2
    assert hidden.outcome is Outcome.INCONCLUSIVE
    assert "was not sampled for" in hidden.because


def test_one_sample_that_is_missing_hides_nothing_and_two_may() -> None:
    calm = a_history(a_plan(), ())
    assert judged(unseen(calm, 8.5, 9.5)).outcome is Outcome.PASS
    assert judged(unseen(calm, 8.5, 10.5)).outcome is Outcome.INCONCLUSIVE
    assert judged(unseen(calm, 33.5, 99)).outcome is Outcome.INCONCLUSIVE, "the load went on for 3.5 s"
    assert judged(unseen(calm, -9.5, -6.5)).outcome is Outcome.PASS, "before the act ten seconds may be missing"


@pytest.mark.parametrize("kind", [Metric, LoadStopped, Phase])
def test_without_evidence_nobody_knows(kind: type) -> None:
    assert judged(without(a_history(), kind)).outcome is Outcome.INCONCLUSIVE


def test_another_class_is_not_seen() -> None:
    verdict = judged(a_history(), class_="dunno")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no samples of such calls" in verdict.because
