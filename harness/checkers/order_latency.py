"""``order_latency``: how long shoppers waited for the answer to their order."""

import math
from typing import ClassVar

import numpy as np

from harness.evidence import FEWEST_ARRIVALS, arrivals_needed, decide, ms, nearest_rank, too_few
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Positive, Verdict, noun


@noun
class OrderLatency(Checker):
    """The 95th percentile of the time from an order's intended moment to its answer must be <= ``p95_max_ms``.

    Nearest rank (the ceil(0.95 n)-th smallest) over all orders due in the window: refused, shed, unknown and never sent
    count as infinite. Evidence: orders due, nine tenths of rate x seconds; with less it is INCONCLUSIVE.
    """

    timing: ClassVar[bool] = True
    windowed: ClassVar[bool] = True

    p95_max_ms: Positive

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders due in the stretch."""
        return (forecast.orders(FEWEST_ARRIVALS),)

    def check(self, history: History) -> Verdict:
        """Judge the orders due in the history's window."""
        latency = np.sort(history.ledger.latency_ms[history.cohort()])
        offered, needed = len(latency), arrivals_needed(history, history.window)
        ranks = {f"p{rank}_ms": nearest_rank(latency, rank) for rank in (50, 95, 99)}
        p95 = ranks["p95_ms"]
        word = f"95 % of {offered:,} orders were answered within {ms(p95)}"
        if math.isinf(p95):
            word = f"More than 5 % of {offered:,} orders were never acknowledged"
        return decide(
            failed=f"{word}; the limit is {ms(self.p95_max_ms)}."
            if offered >= needed and not p95 <= self.p95_max_ms
            else "",
            passed=f"{word}; the limit is {ms(self.p95_max_ms)}.",
            lacking=too_few(offered, needed),
            measured={**ranks, "offered": offered},
            limit={"p95_max_ms": self.p95_max_ms},
            evidence=offered,
            needed=needed,
        )
