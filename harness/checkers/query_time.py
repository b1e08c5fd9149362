"""``query_time``: the shop's database calls of one class answer within a limit on average, by its own histograms."""

from collections.abc import Sequence
from typing import ClassVar

from harness.events import Metric
from harness.evidence import decide, increase, ms, unsampled
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Positive, Series, Verdict, noun

ENOUGH = 30  # a mean of fewer says little


@noun
class QueryTime(Checker):
    """The mean time of the calls of a statement ``class`` must be <= ``mean_max_ms``, commit and replication wait included.

    From raw samples of each instance's counters, last less first, restarts handled, never from rates. The share of calls of
    at most 0.2 s is exact and printed beside it. An instance that was not sampled for more than 10 s of the stretch leaves
    a PASS open: what it would have said is not known. Evidence: calls in the stretch, at least 30.
    """

    timing: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("Metered",)
    windowed: ClassVar[bool] = True

    class_: str
    mean_max_ms: Positive

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the calls of its class."""
        return forecast.calls(self.class_, ENOUGH)

    def check(self, history: History) -> Verdict:
        """Judge the calls in the history's window."""
        window = history.window
        found = [metric.series for metric in history.all(Metric) if metric.series.labels.get("class") == self.class_]
        totals = {
            name: sum(increase(one, window, found) for one in found if one.name == name)
            for name in ("query_count", "query_sum_s", "query_fast")
        }
        torn = _torn(found)
        calls = round(totals["query_count"])
        mean_ms = totals["query_sum_s"] / totals["query_count"] * 1000 if calls else 0.0
        fast = totals["query_fast"] / calls if calls else 0.0
        word = f"{calls:,} calls of class {self.class_} took {ms(mean_ms)} on average; the limit is {ms(self.mean_max_ms)}."
        return decide(
            failed=word if calls >= ENOUGH and not torn and not mean_ms <= self.mean_max_ms else "",
            passed=word,
            lacking=torn
            or unsampled(history, found)
            or f"Only {calls:,} calls of class {self.class_}; {ENOUGH} are needed." * (calls < ENOUGH),
            measured={"mean_ms": mean_ms, "within_200_ms_ratio": fast, "calls": calls},
            limit={"mean_max_ms": self.mean_max_ms},
            evidence=calls,
            needed=ENOUGH,
        )


def _torn(found: Sequence[Series]) -> str:
    """Say whose calls and seconds do not belong together, sample by sample; empty where all do. Then no mean is one."""
    columns = {(one.on, one.name): one for one in found}
    for one in found:
        twin = columns.get((one.on, "query_sum_s" if one.name == "query_count" else "query_count"))
        if twin is None or twin.times_ns != one.times_ns or len(one.values) != len(one.times_ns):
            return f"The samples of {one.on} are not whole."
    return ""
