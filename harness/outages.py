"""Outages in a stream of arrivals, by the definition of the house; pure and vectorised.

An outage lasts while some window of ``window_size(rate)`` consecutive arrivals has more than 5 % bad ones; it is counted
from its first to its last bad arrival. Windows that overlap belong to one outage.
"""

import numpy as np
from numpy.typing import NDArray

from harness.history import History
from harness.model import noun

SMALLEST_WINDOW = 100
BAD_ONE_IN = 20


@noun
class Outage:
    """A stretch in which the shop failed its shoppers; times are intended times, ns since the run's zero.

    ``start_ns`` and ``end_ns`` are its first and its last bad arrival, ``bad`` of ``offered`` arrivals between them were
    bad. ``onset_ns`` is the arrival that made it more than 5 %: single bad arrivals shortly before it do not.
    """

    start_ns: int
    onset_ns: int
    end_ns: int
    bad: int
    offered: int

    @property
    def seconds(self) -> float:
        """From its first to its last bad arrival."""
        return (self.end_ns - self.start_ns) / 1e9


def window_size(rate: float) -> int:
    """Give the number of consecutive arrivals that are judged together: one second of ``rate``, at least 100."""
    return max(SMALLEST_WINDOW, round(rate))


def orders_to_see(rate: float) -> float:
    """Give how many orders must be due in a stretch for an outage as long as that to be seen: twice those that make one."""
    return 2 * window_size(rate) / BAD_ONE_IN


def find_outages(intended_ns: NDArray[np.int64], bad: NDArray[np.bool_], rate: float) -> tuple[Outage, ...]:
    """Find all outages, in order. ``intended_ns`` is sorted, ``bad`` parallel to it, ``rate`` in arrivals a second.

    Without arrivals there is no outage to see: whoever asks demands arrivals as evidence. With fewer arrivals than a
    window, all of them are the one window, so that a short stretch is judged more strictly and hides nothing.
    """
    size = min(len(bad), window_size(rate))
    if size == 0:
        return ()
    before = np.concatenate(([0], np.cumsum(bad)))
    broken = np.flatnonzero((before[size:] - before[:-size]) * BAD_ONE_IN > size)
    if len(broken) == 0:
        return ()
    gaps = np.flatnonzero(np.diff(broken) >= size)
    firsts = broken[np.concatenate(([0], gaps + 1))]
    ends = broken[np.concatenate((gaps, [len(broken) - 1]))] + size
    where = np.flatnonzero(bad)
    starts, lasts = where[before[firsts]], where[before[ends] - 1]
    onsets = where[before[firsts] + size // BAD_ONE_IN]
    return tuple(
        Outage(
            start_ns=int(intended_ns[start]),
            onset_ns=int(intended_ns[onset]),
            end_ns=int(intended_ns[last]),
            bad=int(before[last + 1] - before[start]),
            offered=int(last + 1 - start),
        )
        for start, onset, last in zip(starts, onsets, lasts, strict=True)
    )


def outages_of(history: History) -> tuple[Outage, ...]:
    """Find the outages among all orders of the load; none where the journal does not say when the load was."""
    load = history.load
    if load is None:
        return ()
    orders = np.flatnonzero(history.cohort(load))
    orders = orders[np.argsort(history.ledger.intended_ns[orders], kind="stable")]
    return find_outages(history.ledger.intended_ns[orders], ~history.good[orders], history.rate)
