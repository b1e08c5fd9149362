"""``throughput``: the shop carries the whole planned load, over a minute and more, without a weak stretch."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.events import LoadStopped
from harness.evidence import FEWEST_ARRIVALS, arrivals_needed, decide, nearest_rank, too_few
from harness.forecast import Forecast, Foreseen
from harness.history import ACKNOWLEDGED, Checker, History
from harness.model import Ratio, Verdict, noun

AT_LEAST_S = 60.0
STRETCH_NS = 10_000_000_000


@noun
class Throughput(Checker):
    """Acknowledged over offered orders must be >= ``min_ratio``, and >= ``worst_10s_min_ratio`` in any 10 s.

    Over at least 60 s and of exactly the planned count: each planned arrival has its record in the ledger, none is
    missing or twice. Otherwise INCONCLUSIVE, also where the orders seen fell short: what was not offered was not carried.
    Measured beside it, and not judged: ``late_p99_ms``, how late the generator sent 99 % of them, at the most.
    """

    timing: ClassVar[bool] = True
    windowed: ClassVar[bool] = True
    shortest_s: ClassVar[float] = AT_LEAST_S

    min_ratio: Ratio = 0.999
    worst_10s_min_ratio: Ratio = 0.97

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders due in the stretch."""
        return (forecast.orders(FEWEST_ARRIVALS),)

    def check(self, history: History) -> Verdict:
        """Judge the orders due in the history's window."""
        rows = np.flatnonzero(history.cohort())
        rows = rows[np.argsort(history.ledger.intended_ns[rows], kind="stable")]
        served = np.equal(history.ledger.fate[rows], ACKNOWLEDGED)
        offered, count, needed = len(rows), int(np.count_nonzero(served)), arrivals_needed(history, history.window)
        ratio = count / offered if offered else 0.0
        worst = worst_stretch(history.ledger.intended_ns[rows], served, history.window.end_ns)
        lacking = _lacking(history, offered, needed)
        word = (
            f"{count:,} of {offered:,} orders ({ratio:.2%}) were acknowledged, {worst:.2%} in the worst 10 s; "
            f"at least {self.min_ratio:.2%} and {self.worst_10s_min_ratio:.2%} must be."
        )
        held = ratio >= self.min_ratio and worst >= self.worst_10s_min_ratio
        return decide(
            failed="" if held or lacking else f"Only {word}",
            passed=word,
            lacking=lacking,
            measured={
                "ratio": ratio,
                "worst_10s_ratio": worst,
                "acknowledged_per_s": count / history.window.seconds if offered else 0.0,
                "offered": offered,
                "late_p99_ms": nearest_rank(np.sort(history.ledger.late_ms[rows]), 99),
            },
            limit={"min_ratio": self.min_ratio, "worst_10s_min_ratio": self.worst_10s_min_ratio},
            evidence=offered,
            needed=needed,
        )


def _lacking(history: History, offered: int, needed: int) -> str:
    """Say why the load was not exactly the planned one, or too short; empty where it was."""
    ledger, stopped = history.ledger, history.first(LoadStopped)
    recorded = int(np.count_nonzero(ledger.recorded))
    if history.window.seconds < AT_LEAST_S:
        return f"The load lasted {history.window.seconds:.0f} s; at least {AT_LEAST_S:.0f} s are needed."
    if offered < needed:
        return too_few(offered, needed)
    if stopped is None or stopped.rows != len(ledger) or recorded != len(ledger):
        return (
            f"Only {recorded:,} of {len(ledger):,} planned arrivals have a record, so it was not exactly the planned load."
        )
    if not bool(np.all(np.diff(np.sort(ledger.seq)) == 1)):
        return "Arrivals are missing from the ledger or stand in it twice, so it was not exactly the planned load."
    return ""


def worst_stretch(intended_ns: NDArray[np.int64], served: NDArray[np.bool_], end_ns: int) -> float:
    """Give the lowest share served in any 10 s that begin with an arrival and lie before ``end_ns``; 0 without any."""
    ends = np.searchsorted(intended_ns, intended_ns + STRETCH_NS, side="left")
    whole = intended_ns + STRETCH_NS <= end_ns
    if not bool(np.any(whole)):
        return 0.0
    total = np.concatenate(([0], np.cumsum(served)))
    starts = np.arange(len(intended_ns))
    return float(np.min(((total[ends] - total[starts]) / (ends - starts))[whole]))
