"""``added_share``: an instance that a step adds takes its part of the orders soon, and goes on taking it."""

from math import ceil
from statistics import median
from typing import ClassVar

from harness.events import Acted, Healing, Intended, Looked
from harness.evidence import decide
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Positive, Ratio, Verdict, noun

ADDS = "scale_out"
ENOUGH, LOOKS_PER_S = 5, 0.6
ORDERS_PER_S = 20  # with fewer a look sees too few orders for a share
LAST_S = 1.5  # so shortly before the budget is over somebody must have looked, to say that it was not kept
S = 1_000_000_000


@noun
class AddedShare(Checker):
    """Within ``budget_s`` of being ready each added instance serves ``min_ratio`` of the orders, and from then on, too.

    Read from what the witness of ``scale_out`` saw between the end of its act, when the instance called itself ready, and
    its heal. ``took_s`` is the time to the first look that saw such a share, ``share_ratio`` the median of the looks after
    the budget; of several instances the worst counts. Evidence: looks after the budget that saw such a share, 5 at least and
    0.6 a second, of each instance. Where nobody looked when the budget was nearly over, nobody can say that it was not kept.
    """

    timing: ClassVar[bool] = True

    budget_s: Positive
    min_ratio: Ratio

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders from the act on, of which each look sees those of a second."""
        return (forecast.orders(ORDERS_PER_S * forecast.stretches["after"].seconds, when="after"),)

    def check(self, history: History) -> Verdict:
        """Judge each step that adds an instance."""
        seen = [self._seen(history, one) for one in history.all(Intended) if one.fault == ADDS]
        took_s, share = max((one.took_s for one in seen), default=0.0), min((one.share for one in seen), default=0.0)
        fewest = min(seen, key=lambda one: one.looks - one.needed, default=_Seen())
        return decide(
            failed=" ".join(one.wrong for one in seen if one.wrong),
            lacking=" ".join(one.lacking for one in seen if one.lacking) if seen else "No step added an instance.",
            passed=f"An added instance served its part of the orders {took_s:.1f} s after it was ready, and {share:.0%} "
            f"after the budget; {self.min_ratio:.0%} within {self.budget_s:g} s is the limit.",
            measured={"took_s": took_s, "share_ratio": share},
            limit={"budget_s": self.budget_s, "min_ratio": self.min_ratio},
            evidence=fewest.looks,
            needed=fewest.needed,
        )

    def _seen(self, history: History, step: Intended) -> "_Seen":
        """Read what was seen of one instance."""
        ready_ns = next((one.at_ns for one in history.all(Acted) if one.step == step.step), None)
        if ready_ns is None or history.load is None:
            return _Seen(lacking=f"The journal does not say when {step.instance} was ready, or when the load ended.")
        ends = (one.at_ns for one in history.all(Healing) if one.step == step.step)
        end_ns, budget_ns = min([history.load.end_ns, *ends]), ready_ns + round(self.budget_s * S)
        readings = (one.reading for one in history.all(Looked) if one.step == step.step)
        seen = sorted((one.at_ns, one.value) for one in readings if isinstance(one.value, float))
        told = [(at_ns, share) for at_ns, share in seen if ready_ns <= at_ns < end_ns]
        first_ns = next((at_ns for at_ns, share in told if share >= self.min_ratio), end_ns)
        soon = [(at_ns, share) for at_ns, share in told if at_ns <= budget_ns]
        later = [share for at_ns, share in told if at_ns > budget_ns]
        share = median(later) if later else 0.0
        wrong = lacking = ""
        if first_ns > budget_ns and not (soon and soon[-1][0] >= budget_ns - LAST_S * S):
            lacking = f"Nobody saw which share {step.instance} served {self.budget_s:g} s after it was ready."
        elif first_ns > budget_ns:
            most = max(share for _, share in soon)
            wrong = f"In the {self.budget_s:g} s after it was ready {step.instance} served {most:.0%} of the orders"
        elif later and share < self.min_ratio:
            wrong = f"From {self.budget_s:g} s after it was ready {step.instance} served {share:.0%} of the orders (median)"
        return _Seen(
            took_s=(first_ns - ready_ns) / S,
            share=share,
            looks=sum(share >= self.min_ratio for share in later),
            needed=max(ENOUGH, ceil(LOOKS_PER_S * (end_ns - budget_ns) / S)),
            wrong=f"{wrong}; {self.min_ratio:.0%} is its part." if wrong else "",
            lacking=lacking,
        )


@noun
class _Seen:
    """What was seen of one added instance."""

    took_s: float = 0.0
    share: float = 0.0
    looks: int = 0
    needed: int = ENOUGH
    wrong: str = ""
    lacking: str = ""
