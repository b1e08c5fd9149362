"""``first_page``: how long shoppers with a browser wait for their first page, pictures and all."""

import math
from typing import ClassVar

import numpy as np

from harness.evidence import FEWEST_ARRIVALS, decide, ms, nearest_rank, sessions_needed
from harness.forecast import SESSIONS, Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Positive, Verdict, noun
from harness.sessions import first_pages_ms


@noun
class FirstPage(Checker):
    """The 95th percentile of the time to the whole first page must be <= ``p95_max_ms``.

    From the moment the session was due to the last of the page's assets. Nearest rank over all sessions due in the window:
    one whose first page failed in part, that was held back or of which nothing is known counts as infinite. Evidence:
    sessions due, nine tenths of rate x seconds; with less it is INCONCLUSIVE.
    """

    browses: ClassVar[bool] = True
    timing: ClassVar[bool] = True
    windowed: ClassVar[bool] = True

    p95_max_ms: Positive

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the sessions due in the stretch."""
        return (forecast.coming(SESSIONS, FEWEST_ARRIVALS, "sessions"),)

    def check(self, history: History) -> Verdict:
        """Judge the sessions due in the history's window."""
        ledger, window = history.ledger, history.window
        due = ledger.sessions & (ledger.intended_ns >= window.start_ns) & (ledger.intended_ns < window.end_ns)
        took = np.sort(first_pages_ms(history, np.flatnonzero(due)))
        offered, needed = len(took), sessions_needed(history, window)
        ranks = {f"p{rank}_ms": nearest_rank(took, rank) for rank in (50, 95, 99)}
        p95 = ranks["p95_ms"]
        word = f"95 % of {offered:,} sessions had their first page within {ms(p95)}"
        if math.isinf(p95):
            word = f"More than 5 % of {offered:,} sessions never had their first page"
        return decide(
            failed=f"{word}; the limit is {ms(self.p95_max_ms)}."
            if offered >= needed and not p95 <= self.p95_max_ms
            else "",
            passed=f"{word}; the limit is {ms(self.p95_max_ms)}.",
            lacking=f"Only {offered:,} sessions were due in this stretch; {needed:,} are needed to tell."
            * (offered < needed),
            measured={**ranks, "offered": offered},
            limit={"p95_max_ms": self.p95_max_ms},
            evidence=offered,
            needed=needed,
        )
