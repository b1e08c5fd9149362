"""``orders_lost``: what was acknowledged to a shopper is in the database at the end, as it was acknowledged."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.evidence import acknowledged, audit_lacks, decide, plural
from harness.history import UNKNOWN, Checker, History, Window
from harness.model import Count, Verdict, noun

BEFORE_S = 10
ENOUGH = 1000


@noun
class OrdersLost(Checker):
    """Acknowledged orders that the final audit of the primary lacks, or holds with other lines or amount: at most ``max``.

    Acknowledged in any phase; audited after heal, rejoin and settling. Evidence: acknowledged orders in the 10 s before the
    first act, since zero loss proves nothing where nothing was sold; without an act, in the whole run. Needed are 1,000, or
    nine tenths of 10 s of the scenario's rate if that is less, scaled with the run's load. A node that could not be read
    leaves a PASS open, never a FAIL. Measured beside: what the audit says of unknown orders (both are legal), and the age
    of the oldest lost order at the audit. ``examples`` names order id and key of the first lost ones.
    """

    shortest_s: ClassVar[float] = BEFORE_S

    max: Count = 0

    def check(self, history: History) -> Verdict:
        """Judge the whole run, whatever the window."""
        ledger, run = history.ledger, history.run
        lost = _lost(history)
        count, evidence, needed = len(lost), self._evidence(history), self._needed(history)
        total = acknowledged(history)
        proved = count > self.max and run is not None
        return decide(
            failed=f"{plural(count, 'acknowledged order')} of {total:,} {'is' if count == 1 else 'are'} not in the shop's "
            f"database as acknowledged; at most {self.max:,} may be missing.{_when(history, lost)}"
            if proved
            else "",
            lacking=audit_lacks(history)
            or (
                f"Only {evidence:,} orders were acknowledged {self._where(history)}; {needed:,} are needed."
                * (evidence < needed)
            ),
            passed=f"{total - count:,} of {total:,} acknowledged orders are in the shop's database as acknowledged.",
            measured={"orders_lost": count, "acknowledged": total, **_age(history, lost), **_unknown(history)},
            limit={"max": self.max},
            evidence=evidence,
            needed=needed,
            examples=[f"{ledger.order_id[row]} ({run.id if run else ''}:{ledger.seq[row]})" for row in lost[:20].tolist()],
        )

    def _evidence(self, history: History) -> int:
        """Count the acknowledged orders that show that the shop was selling."""
        act = _first_act(history)
        if act is None:
            return acknowledged(history)
        return acknowledged(history, Window(start_ns=act - BEFORE_S * 1_000_000_000, end_ns=act))

    def _needed(self, history: History) -> int:
        """Give how many of them are needed, at this run's load."""
        declared = history.scenario.load.arrivals.orders_per_s
        return round(min(ENOUGH, 0.9 * declared * BEFORE_S) * history.scale)

    def _where(self, history: History) -> str:
        """Say where they were counted."""
        return "in the whole run" if _first_act(history) is None else f"in the {BEFORE_S} s before the first act"


def _lost(history: History) -> NDArray[np.int64]:
    """Give the rows of the lost orders, the oldest first: of those acknowledged before the audit of a primary began."""
    audit, done = history.audit, history.ledger.done_ns
    if audit is None or audit.primary is None:
        return np.zeros(0, dtype=np.int64)
    lost = np.flatnonzero(history.lost & (done <= audit.at_ns))
    return lost[np.argsort(done[lost], kind="stable")]


def _first_act(history: History) -> int | None:
    """Give the time of the first act; None where nothing was broken."""
    return next((disturbance.at_ns for disturbance in history.breakages if not disturbance.heal), None)


def _when(history: History, lost: NDArray[np.int64]) -> str:
    """Say when the oldest lost order was acknowledged, relative to the first act."""
    act = _first_act(history)
    if act is None or len(lost) == 0:
        return ""
    before_s = (act - int(history.ledger.done_ns[lost[0]])) / 1e9
    side = "before" if before_s >= 0 else "after"
    return f" The oldest was acknowledged {abs(before_s):.1f} s {side} the first act."


def _age(history: History, lost: NDArray[np.int64]) -> dict[str, float]:
    """Give the age of the oldest lost order at the audit; nothing where none was lost."""
    if len(lost) == 0 or history.audit is None:
        return {}
    return {"oldest_lost_age_s": (history.audit.at_ns - int(history.ledger.done_ns[lost[0]])) / 1e9}


def _unknown(history: History) -> dict[str, float]:
    """Count the orders of unknown fate that the primary holds, and those it does not."""
    ledger, audit, run = history.ledger, history.audit, history.run
    if audit is None or audit.primary is None or run is None:
        return {}
    rows = np.flatnonzero(ledger.keyed & (ledger.fate == UNKNOWN))
    found = set(audit.primary.key)
    present = sum(f"{run.id}:{seq}" in found for seq in ledger.seq[rows].tolist())
    return {"unknown_present": present, "unknown_absent": len(rows) - present}
