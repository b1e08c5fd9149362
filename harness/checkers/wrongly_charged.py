"""``wrongly_charged``: nobody is to pay another price than the database's own, whatever was shown or kept elsewhere."""

from typing import ClassVar

import numpy as np

from harness.evidence import FEWEST_ARRIVALS, audit_lacks, decide, plural
from harness.forecast import Forecast, Foreseen
from harness.history import ACKNOWLEDGED, Checker, History
from harness.model import Count, Verdict, noun

AFTER_S = 10
ENOUGH = 1000


@noun
class WronglyCharged(Checker):
    """Orders on the primary that do not cost what their products do, in all or in one line: at most ``max``.

    The audit holds each order against the prices of products in its one snapshot; an answer is no witness, since a shop that
    prices wrongly answers what it stores. Evidence: orders acknowledged after the last act, without one in the whole run:
    1,000, or nine tenths of 10 s of the scenario's rate if that is less, scaled with the run's load, 20 at least; and every
    order on the primary compared. For shops whose audit compares prices, and whose prices stay during a run.
    """

    shortest_s: ClassVar[float] = AFTER_S

    max: Count = 0

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders due since the last act."""
        return (forecast.orders(FEWEST_ARRIVALS, when="after"),)

    def check(self, history: History) -> Verdict:
        """Judge the audit, whatever the window."""
        charges = history.audit.charges if history.audit else None
        wrong = sorted({one.order_id: one for one in charges.wrong}.values(), key=lambda one: one.key) if charges else []
        compared, ordered, needed = charges.orders if charges else 0, _ordered(history), _needed(history)
        off = [one.charged_cents - one.right_cents for one in wrong]
        return decide(
            failed=f"{plural(len(wrong), 'order')} of {compared:,} {'does' if len(wrong) == 1 else 'do'} not cost what the "
            f"products cost; at most {self.max:,} may."
            if len(wrong) > self.max
            else "",
            lacking=audit_lacks(history) or _lacking(history, ordered, needed),
            passed=f"{compared - len(wrong):,} of {compared:,} orders cost what their products cost.",
            measured={
                "wrongly_charged": len(wrong),
                "compared": compared,
                "too_little_cents": -sum(cents for cents in off if cents < 0),
                "too_much_cents": sum(cents for cents in off if cents > 0),
            },
            limit={"max": self.max},
            evidence=ordered,
            needed=needed,
            examples=[
                f"{one.order_id} ({one.key}): {one.charged_cents:,} cents, its products cost {one.right_cents:,}"
                for one in wrong
            ],
        )


def _ordered(history: History) -> int:
    """Count the orders acknowledged since the last act: those that it may have given another price."""
    ledger, acts = history.ledger, [one.at_ns for one in history.disturbances if not one.heal]
    rows = ledger.keyed & (ledger.fate == ACKNOWLEDGED)
    if history.scenario.steps:
        rows &= bool(acts) & (ledger.done_ns >= max(acts, default=0))
    return int(np.count_nonzero(rows))


def _needed(history: History) -> int:
    """Give how many of them are needed, at this run's load."""
    declared = history.scenario.load.arrivals.orders_per_s
    return max(FEWEST_ARRIVALS, round(min(ENOUGH, 0.9 * declared * AFTER_S) * history.scale))


def _lacking(history: History, ordered: int, needed: int) -> str:
    """Say why nobody knows what orders cost; empty where that is known."""
    audit = history.audit
    if audit is None or audit.charges is None:
        return "The audit did not hold what orders cost against the prices of products."
    stored = len(audit.primary.key) if audit.primary else 0
    if audit.charges.orders < stored:
        return f"Only {audit.charges.orders:,} of {stored:,} orders were held against the prices of products."
    where = "after the last act" if history.scenario.steps else "in the whole run"
    return f"Only {ordered:,} orders were acknowledged {where}; {needed:,} are needed." * (ordered < needed)
