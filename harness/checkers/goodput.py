"""``goodput``: the share of orders that shoppers got acknowledged in time."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.evidence import FEWEST_ARRIVALS, arrivals_needed, decide, too_few
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Ratio, Verdict, noun
from harness.outages import window_size


@noun
class Goodput(Checker):
    """Good orders over offered orders, of those due in the window, must be at least ``min_ratio`` (0 to 1).

    Good: acknowledged within 1.0 s of the intended time and not contradicted by the audit. The worst stretch of
    consecutive orders (``outages.window_size``) is measured beside it, not judged. Evidence: orders due, nine tenths of
    rate x seconds; with less it is INCONCLUSIVE.
    """

    timing: ClassVar[bool] = True
    windowed: ClassVar[bool] = True

    min_ratio: Ratio

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders due in the stretch."""
        return (forecast.orders(FEWEST_ARRIVALS),)

    def check(self, history: History) -> Verdict:
        """Judge the orders due in the history's window."""
        rows = np.flatnonzero(history.cohort())
        good = history.good[rows[np.argsort(history.ledger.intended_ns[rows], kind="stable")]]
        offered, served = len(good), int(np.count_nonzero(good))
        needed = arrivals_needed(history, history.window)
        ratio = served / offered if offered else 0.0
        word = (
            f"{served:,} of {offered:,} orders ({ratio:.2%}) were acknowledged within 1 s; "
            f"at least {self.min_ratio:.2%} must be."
        )
        return decide(
            failed=f"Only {word}" if offered >= needed and not ratio >= self.min_ratio else "",
            passed=word,
            lacking=too_few(offered, needed),
            measured={"ratio": ratio, "worst_window_ratio": _worst(good, window_size(history.rate)), "offered": offered},
            limit={"min_ratio": self.min_ratio},
            evidence=offered,
            needed=needed,
        )


def _worst(good: NDArray[np.bool_], size: int) -> float:
    """Give the lowest share of good ones in ``size`` consecutive orders (or in all, if fewer); 0 where there are none."""
    size = min(size, len(good))
    if size == 0:
        return 0.0
    total = np.concatenate(([0], np.cumsum(good)))
    return float(np.min(total[size:] - total[:-size]) / size)
