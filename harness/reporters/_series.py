"""The ledger as series for charts: what became of the orders of each second, and how long they took."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.history import ACKNOWLEDGED, History, Window
from harness.model import noun

POINTS = 600  # more than a screen shows; longer runs get bins of several seconds
SECOND_NS = 1_000_000_000
Floats = NDArray[np.float64]


@noun
class Bins:
    """The stretch of a run cut into bins: their edges in ns since the run's zero, one more than there are bins."""

    edges_ns: NDArray[np.int64]

    @property
    def seconds(self) -> Floats:
        """How long each is."""
        return np.asarray(np.diff(self.edges_ns) / SECOND_NS)

    def of(self, due_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the bin of each moment; what lies beyond either end belongs to the bin there."""
        return np.clip(np.searchsorted(self.edges_ns, due_ns, side="right") - 1, 0, len(self.edges_ns) - 2)

    def per_s(self, due_ns: NDArray[np.int64]) -> Floats:
        """Give how many moments a second lie in each bin."""
        return np.asarray(np.bincount(self.of(due_ns), minlength=len(self.seconds)) / self.seconds)


@noun
class Series:
    """Orders by the moment they were due, in bins of ``bin_s``; figures are per second, times in seconds from ``zero_ns``.

    ``edges_s`` has one entry more than there are bins. Each order is counted once: ``good`` (acknowledged within 1.0 s),
    ``late``, ``lost`` (acknowledged, and not in the audit) or ``missed`` (never acknowledged); together they are what was
    offered. Latency is the nearest rank over all orders of a bin: infinite where it was never acknowledged, NaN in a bin
    without orders.
    """

    zero_ns: int
    bin_s: int
    bins: Bins
    edges_s: Floats
    good: Floats
    late: Floats
    lost: Floats
    missed: Floats
    p50_ms: Floats
    p95_ms: Floats
    totals: Mapping[str, int]

    @property
    def offered(self) -> Floats:
        """Orders due per second."""
        return np.asarray(self.good + self.late + self.lost + self.missed)


def series(history: History) -> Series | None:
    """Bin the orders of a run; None where no order was due. Zero is the first disturbance, else the load's begin."""
    orders = history.ledger.orders
    due = history.ledger.intended_ns[orders]
    if not len(due):
        return None
    span = _span(history, due)
    bin_s = max(1, math.ceil(span.seconds / POINTS))
    bins = Bins(edges_ns=_edges(span, bin_s * SECOND_NS))
    lost = history.lost[orders]
    good = history.good[orders]
    late = (history.ledger.fate[orders] == ACKNOWLEDGED) & ~good & ~lost
    kinds = {"good": good, "late": late, "lost": lost, "missed": ~(good | late | lost)}
    p50, p95 = _percentiles(bins.of(due), history.ledger.latency_ms[orders], len(bins.seconds), (0.5, 0.95))
    zero = next((one.at_ns for one in history.disturbances), span.start_ns)
    return Series(
        zero_ns=zero,
        bin_s=bin_s,
        bins=bins,
        edges_s=(bins.edges_ns - zero) / SECOND_NS,
        p50_ms=p50,
        p95_ms=p95,
        totals={name: int(np.count_nonzero(rows)) for name, rows in kinds.items()},
        **{name: bins.per_s(due[rows]) for name, rows in kinds.items()},
    )


def _span(history: History, due: NDArray[np.int64]) -> Window:
    """The stretch of the load, or of the orders that are known where the journal does not say, at least a second long."""
    load = history.load
    begin, end = (load.start_ns, load.end_ns) if load else (int(due.min()), int(due.max()) + 1)
    begin, end = min(begin, int(due.min())), max(end, int(due.max()) + 1)
    return Window(start_ns=begin, end_ns=max(end, begin + SECOND_NS))


def _edges(span: Window, step_ns: int) -> NDArray[np.int64]:
    """Cut a span into bins; a rest shorter than half a bin joins the last one, because rates of tiny bins are noise."""
    edges = np.arange(span.start_ns, span.end_ns, step_ns, dtype=np.int64)
    if len(edges) > 1 and span.end_ns - edges[-1] < step_ns // 2:
        edges = edges[:-1]
    return np.append(edges, span.end_ns)


def _percentiles(bins: NDArray[np.int64], values: Floats, count: int, shares: tuple[float, ...]) -> list[Floats]:
    """Nearest rank by bin; NaN in an empty bin."""
    in_order = values[np.lexsort((values, bins))]
    sizes = np.bincount(bins, minlength=count)
    starts = np.cumsum(sizes) - sizes
    found = []
    for share in shares:
        ranks = starts + np.ceil(share * sizes).astype(np.int64) - 1
        found.append(np.where(sizes > 0, in_order[np.clip(ranks, 0, len(in_order) - 1)], np.nan))
    return found
