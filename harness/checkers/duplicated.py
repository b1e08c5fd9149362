"""``duplicated``: an order that was sent twice is stored once."""

import math
from collections import Counter, defaultdict

import numpy as np

from harness.audited import NodeAudit
from harness.evidence import audit_lacks, decide, plural
from harness.forecast import ORDERS, Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Count, Verdict, noun


@noun
class Duplicated(Checker):
    """Orders stored more than once, on any node: the same key twice, or one order id under two keys. At most ``max``.

    Evidence: orders found on the primary. Where the scenario has shoppers send an order twice (``load.resend``), evidence
    is instead the orders that were sent more than once, half of those meant to be are needed: zero duplicates prove
    nothing where nothing was repeated.
    """

    max: Count = 0

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders that shoppers send twice, where they are to."""
        resend = forecast.scenario.load.resend
        if resend is None:
            return ()
        return (forecast.coming(ORDERS, 1, "order sent twice", when="all", share=resend.ratio),)

    def check(self, history: History) -> Verdict:
        """Judge the audit, whatever the window."""
        nodes = history.audit.nodes if history.audit else ()
        repeats = sorted({finding for node in nodes for finding in repeated(node)})
        evidence, needed, what = _evidence(history)
        return decide(
            failed=f"{plural(len(repeats), 'order')} stored more than once; at most {self.max:,} may be."
            if len(repeats) > self.max
            else "",
            lacking=audit_lacks(history) or f"Only {evidence:,} {what}; {needed:,} are needed." * (evidence < needed),
            passed=f"{evidence:,} {what}, {len(repeats):,} of them more than once; at most {self.max:,} may be."
            if not history.scenario.load.resend
            else f"{evidence:,} {what}; {plural(len(repeats), 'order')} stored more than once; at most {self.max:,} may be.",
            measured={"duplicated": len(repeats), "sent_twice": _resent(history)},
            limit={"max": self.max},
            evidence=evidence,
            needed=needed,
            examples=repeats,
        )


def repeated(node: NodeAudit) -> list[str]:
    """Name what stands more than once on a node: keys, and order ids under several keys."""
    found = []
    if len(set(node.key)) < len(node.key):
        found += [f"{key} is stored {count} times" for key, count in Counter(node.key).items() if count > 1]
    if len(set(node.order_id)) < len(node.order_id):
        keys: dict[str, set[str]] = defaultdict(set)
        for order_id, key in zip(node.order_id, node.key, strict=False):
            keys[order_id].add(key)
        found += [f"order {order_id} has the keys {', '.join(sorted(of))}" for order_id, of in keys.items() if len(of) > 1]
    return found


def _resent(history: History) -> int:
    """Count the orders that were sent more than once."""
    return int(np.count_nonzero(history.ledger.keyed & (history.ledger.attempts > 1)))


def _evidence(history: History) -> tuple[int, int, str]:
    """Give the evidence there is, what is needed, and what it counts."""
    resend = history.scenario.load.resend
    if resend is not None:
        meant = resend.ratio * int(np.count_nonzero(history.ledger.orders))
        return _resent(history), max(1, math.ceil(meant / 2)), "orders were sent more than once"
    primary = history.audit.primary if history.audit else None
    return len(primary.key) if primary else 0, 1, "orders are stored"
