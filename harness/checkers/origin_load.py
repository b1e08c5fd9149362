"""``origin_load``: what stands before the origin keeps the crowd away from it, also when it has forgotten everything."""

from collections.abc import Sequence
from math import ceil
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.events import Metric
from harness.evidence import decide, grown, unsampled
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History, Window
from harness.model import Positive, Series, Verdict, noun

ENOUGH = 30
STRETCH_S = 5
S = 1_000_000_000
GAP_NS = 2_500_000_000  # one sample of those of every second may be missing


@noun
class OriginLoad(Checker):
    """Calls a second of a statement ``class``, in the worst 5 s from the first act on: at most ``times_max`` the baseline's.

    The calls of all instances that ask the origin, added up second by second from raw samples of their counters, straight
    lines between samples, restarts handled. Without an act the whole load is looked at. Evidence: calls in the baseline, at
    least 30 in 5 s, of fewer chance alone makes a rush; an instance that was not sampled for more than 10 s of the load
    leaves a PASS open, and for more than 2.5 s from the first act on: straight lines would hide a rush there.
    """

    needs: ClassVar[tuple[str, ...]] = ("Metered",)

    class_: str
    times_max: Positive

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the calls of its class in the baseline."""
        return forecast.calls(self.class_, _needed(forecast.stretches["baseline"].seconds), when="baseline")

    def check(self, history: History) -> Verdict:
        """Judge from the first act to the end of the load, whatever the window."""
        load, baseline, limit = history.load, history.phase("baseline"), {"times_max": self.times_max}
        if load is None or baseline is None:
            lacking = "The journal does not say when the load and its baseline were."
            return decide(passed="", lacking=lacking, evidence=0, needed=ENOUGH, limit=limit)
        every = [metric.series for metric in history.all(Metric) if metric.series.labels.get("class") == self.class_]
        found = [one for one in every if one.name == "query_count"]
        begin_ns = history.disturbances[0].at_ns if history.disturbances else load.start_ns
        calls = _calls(found, every, baseline)
        needed = _needed(baseline.seconds)
        usual = float(calls[-1] - calls[0]) if len(calls) else 0.0
        per_s = usual / baseline.seconds if baseline.seconds > 0 else 0.0
        disturbed = Window(start_ns=begin_ns, end_ns=load.end_ns)
        after = _calls(found, every, disturbed)
        worst_per_s = float(np.max(after[STRETCH_S:] - after[:-STRETCH_S]) / STRETCH_S) if len(after) > STRETCH_S else 0.0
        times = worst_per_s / per_s if per_s > 0 else 0.0
        word = (
            f"The origin had {worst_per_s:,.0f} calls/s of class {self.class_} in the worst {STRETCH_S} s, {times:.1f} "
            f"times the baseline's {per_s:,.0f}; {self.times_max:g} times is the limit."
        )
        return decide(
            failed=word if usual >= needed and not times <= self.times_max else "",
            lacking=unsampled(history.within(load), found)
            or unsampled(history.within(disturbed), found, GAP_NS)
            or f"The load ended less than {STRETCH_S} s after the first act." * (len(after) <= STRETCH_S)
            or f"Only {usual:,.0f} calls of class {self.class_} in the baseline; {needed} are needed." * (usual < needed),
            passed=word,
            measured={"times": times, "worst_per_s": worst_per_s, "baseline_per_s": per_s},
            limit=limit,
            evidence=round(usual),
            needed=needed,
        )


def _needed(seconds: float) -> int:
    """Give how many calls a baseline needs."""
    return max(ENOUGH, ceil(ENOUGH * seconds / STRETCH_S))


def _calls(found: Sequence[Series], every: Sequence[Series], window: Window) -> NDArray[np.float64]:
    """Give how many calls there had been at each whole second of a window, of all instances together.

    ``every`` counter of theirs tells of restarts.
    """
    at_ns = np.arange(window.start_ns, window.end_ns + 1, S)
    total = np.zeros(len(at_ns))
    for one in found:
        if len(one.times_ns) != len(one.values) or not one.values:
            continue
        total += np.interp(at_ns, one.times_ns, np.concatenate(([0.0], np.cumsum(grown(one, every)))))
    return total
