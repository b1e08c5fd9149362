"""``answered``: whoever orders is told soon whether it was taken: what a shop owes those, too, that it cannot serve."""

from typing import ClassVar

import numpy as np

from harness.evidence import FEWEST_ARRIVALS, arrivals_needed, decide, too_few
from harness.forecast import Forecast, Foreseen
from harness.history import ACKNOWLEDGED, REFUSED, Checker, History
from harness.model import Positive, Ratio, Verdict, noun


@noun
class Answered(Checker):
    """Orders told clearly over offered orders, of those due in the window, must be at least ``min_ratio`` (0 to 1).

    Told clearly: acknowledged, or refused by an answer that proves that nothing was ordered, within ``within_ms`` of the
    intended time. An order of which nobody knows what became of it is not, nor one whose connection was refused. Evidence:
    orders due, nine tenths of what was to come, and of them ``refused_min_ratio`` that were told no: who serves everybody
    has not shown what it tells those whom it cannot serve. With less it is INCONCLUSIVE.
    """

    timing: ClassVar[bool] = True
    windowed: ClassVar[bool] = True

    min_ratio: Ratio
    within_ms: Positive = 1000.0
    refused_min_ratio: Ratio = 0.0

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders due in the stretch."""
        return (forecast.orders(FEWEST_ARRIVALS),)

    def check(self, history: History) -> Verdict:
        """Judge the orders due in the history's window."""
        ledger, rows = history.ledger, np.flatnonzero(history.cohort())
        refused = np.equal(ledger.fate[rows], REFUSED) & (ledger.status[rows] > 0)
        fate, took_ms = ledger.fate[rows], (ledger.done_ns[rows] - ledger.intended_ns[rows]) / 1e6
        clear = (np.equal(fate, ACKNOWLEDGED) | refused) & (took_ms <= self.within_ms)
        offered, told, needed = len(rows), int(np.count_nonzero(clear)), arrivals_needed(history, history.window)
        ratio, turned_away = told / offered if offered else 0.0, int(np.count_nonzero(clear & refused))
        word = (
            f"{told:,} of {offered:,} orders ({ratio:.2%}) were taken or refused within {self.within_ms:g} ms; "
            f"at least {self.min_ratio:.2%} must be."
        )
        return decide(
            failed=f"Only {word}" if offered >= needed and not ratio >= self.min_ratio else "",
            passed=word,
            lacking=too_few(offered, needed) or self._unasked(turned_away, offered),
            measured={
                "ratio": ratio,
                "refused": turned_away,
                "offered": offered,
            },
            limit={
                "min_ratio": self.min_ratio,
                "within_ms": self.within_ms,
                "refused_min_ratio": self.refused_min_ratio,
            },
            evidence=offered,
            needed=needed,
        )

    def _unasked(self, turned_away: int, offered: int) -> str:
        """Say that too few were told no; empty where enough were."""
        if turned_away >= self.refused_min_ratio * offered:
            return ""
        return (
            f"Only {turned_away:,} of {offered:,} orders were refused: {self.refused_min_ratio:.2%} had to be, to show what "
            "the shop tells those whom it cannot serve. More must come: fly it with a higher --rate."
        )
