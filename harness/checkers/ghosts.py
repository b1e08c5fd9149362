"""``ghosts``: the shop holds no order that nobody placed, and none that it refused."""

import numpy as np

from harness.evidence import audit_lacks, decide, plural
from harness.history import REFUSED, SHED, Checker, History
from harness.model import Count, Verdict, noun


@noun
class Ghosts(Checker):
    """Orders that must not be there, on any node: at most ``max``, of both kinds together.

    A ghost has a key outside the run's key space (``<run id>:<seq>`` of a planned order or session). The other kind was
    refused with proof of no effect, or never sent, and yet is present. Evidence: orders found on the primary, at least one.
    """

    max: Count = 0

    def check(self, history: History) -> Verdict:
        """Judge the audit, whatever the window."""
        audit, run = history.audit, history.run
        ghosts, denied = _findings(history)
        found = len(ghosts) + len(denied)
        stored = len(audit.primary.key) if audit and audit.primary else 0
        return decide(
            failed=f"{plural(len(ghosts), 'order')} in the shop that nobody placed, {plural(len(denied), 'order')} that it "
            f"refused or never got and yet holds; at most {self.max:,} may be."
            if found > self.max and run is not None
            else "",
            lacking=audit_lacks(history),
            passed=f"{stored:,} orders are stored, {len(ghosts):,} that nobody placed, {len(denied):,} that were refused.",
            measured={"ghosts": len(ghosts), "refused_and_present": len(denied), "stored": stored},
            limit={"max": self.max},
            evidence=stored,
            needed=1,
            examples=[*(f"{key}: nobody placed it" for key in ghosts), *(f"{key}: refused, yet present" for key in denied)],
        )


def _findings(history: History) -> tuple[list[str], list[str]]:
    """Give the keys outside the key space, and those of orders refused or never sent, found on any node; sorted."""
    ledger, run = history.ledger, history.run
    if history.audit is None or run is None:
        return [], []
    present = {key for node in history.audit.nodes for key in node.key}
    placed = {f"{run.id}:{seq}" for seq in ledger.seq[ledger.keyed].tolist()}
    no_effect = ledger.keyed & np.isin(ledger.fate, (REFUSED, SHED))
    denied = {f"{run.id}:{seq}" for seq in ledger.seq[no_effect].tolist()}
    return sorted(present - placed), sorted(present & denied)
