"""``browsed``: what shoppers look at, and what they leave behind in their logs, is answered rightly and in time."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.evidence import FEWEST_ARRIVALS, decide, due_needed, ms, nearest_rank
from harness.forecast import CALLERS, Forecast, Foreseen
from harness.history import LIST, LOG, READ, WRITE, Checker, History
from harness.model import Positive, Ratio, Verdict, noun

KINDS = {"products": READ, "lists": LIST, "logs": LOG, "log writes": WRITE}


@noun
class Browsed(Checker):
    """Answered over due, of each kind of what is no order (product pages, lists, logs, log writes): the worst one counts.

    Its share must be at least ``min_ratio`` (0 to 1). Answered: rightly, within ``within_ms`` of the intended time; what
    was refused, or never sent, is not. ``p95_ms`` beside it is that of the slowest kind. Evidence: what was due in the
    window, of each kind nine tenths of what was to come; a load without any of them is INCONCLUSIVE.
    """

    timing: ClassVar[bool] = True
    windowed: ClassVar[bool] = True

    min_ratio: Ratio
    within_ms: Positive = 1000.0

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee what is due in the stretch, of each kind that the load has."""
        rates = {name: CALLERS[name] for name in KINDS}
        return tuple(
            forecast.coming(rate, FEWEST_ARRIVALS, name) for name, rate in rates.items() if forecast.per_s(rate) > 0
        )

    def check(self, history: History) -> Verdict:
        """Judge what was due in the history's window."""
        found = tuple(_seen(history, self.within_ms))
        proved = [one for one in found if one.due >= one.needed and not one.ratio >= self.min_ratio]
        worst = min(proved or found, key=lambda one: one.ratio, default=None)
        if worst is None:
            return decide(passed="", lacking="The load has nothing but orders.", evidence=0, needed=1)
        word = (
            f"{worst.answered:,} of {worst.due:,} {worst.name} ({worst.ratio:.2%}) were answered rightly within "
            f"{ms(self.within_ms)}; at least {self.min_ratio:.2%} must be, of each kind."
        )
        few = next((one for one in found if one.due < one.needed), None)
        return decide(
            failed=f"Only {word}" if proved else "",
            lacking=f"Only {few.due:,} {few.name} were due in this stretch; {few.needed:,} are needed to tell."
            if few
            else "",
            passed=word,
            measured={
                "ratio": worst.ratio,
                "p95_ms": max(one.p95_ms for one in found),
                "due": sum(one.due for one in found),
            },
            limit={"min_ratio": self.min_ratio, "within_ms": self.within_ms},
            evidence=worst.due,
            needed=worst.needed,
        )


@noun
class _Kind:
    """What was due of one kind, and what came of it."""

    name: str
    due: int
    needed: int
    answered: int
    p95_ms: float

    @property
    def ratio(self) -> float:
        return self.answered / self.due if self.due else 0.0


def _seen(history: History, within_ms: float) -> Iterator[_Kind]:
    ledger, load, window = history.ledger, history.scenario.load, history.window
    inside = (ledger.intended_ns >= window.start_ns) & (ledger.intended_ns < window.end_ns)
    for name, kind in KINDS.items():
        rate = float(getattr(load, CALLERS[name])) * history.scale
        if rate <= 0:
            continue
        latency: NDArray[np.float64] = np.sort(ledger.latency_ms[inside & np.equal(ledger.kind, kind)])
        yield _Kind(
            name=name,
            due=len(latency),
            needed=due_needed(rate * max(0.0, window.seconds)),
            answered=int(np.count_nonzero(latency <= within_ms)),
            p95_ms=nearest_rank(latency, 95),
        )
