"""What became of sessions, of each alone and as series: how many were planned for each second, begun, and finished."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.history import History
from harness.model import noun
from harness.reporters._series import Bins, Floats
from harness.sessions import begun, ended, failed


@noun
class Sessions:
    """Sessions by the moment they were due, per second of each bin; each in one layer, together they are what was planned.

    ``good``: it came to its end, and nothing failed; ``missed``: something failed; ``open``: it was still under way when the
    load ended, and nothing had failed; ``unbegun``: the generator held it back, or nothing is known of it.
    """

    totals: Mapping[str, int]
    layers: Mapping[str, Floats]

    @property
    def planned(self) -> int:
        """How many were due."""
        return sum(self.totals.values())

    @property
    def begun(self) -> int:
        """How many came."""
        return self.planned - self.totals["unbegun"]

    @property
    def finished(self) -> int:
        """How many came to their end, or failed."""
        return self.totals["good"] + self.totals["missed"]


def sessions(history: History, bins: Bins | None = None) -> Sessions | None:
    """Count the sessions of a run, and bin them where there are bins; None where none was due."""
    ledger = history.ledger
    due = ledger.intended_ns[ledger.sessions]
    if not len(due):
        return None
    found = _became(history)
    return Sessions(
        totals={name: int(np.count_nonzero(rows)) for name, rows in found.items()},
        layers={name: bins.per_s(due[rows]) for name, rows in found.items()} if bins else {},
    )


def _became(history: History) -> Mapping[str, NDArray[np.bool_]]:
    """Say of each session, in the order of the ledger, which layer it belongs to."""
    seq = history.ledger.seq[history.ledger.sessions]
    missed = np.isin(seq, failed(history))
    good = np.isin(seq, ended(history)) & ~missed
    under_way = np.isin(seq, begun(history)) & ~good & ~missed
    return {"good": good, "missed": missed, "open": under_way, "unbegun": ~(good | missed | under_way)}
