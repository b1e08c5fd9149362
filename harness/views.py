"""What a real browser saw of the shop, load by load, beside the load's own shoppers: planned like arrivals. Pure data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.model import noun

EVERY_NS = 2_000_000_000
PATIENCE_NS = 4_000_000_000
LATE_NS = 500_000_000
UNREACHED, STATUS, UNPAINTED = "unreached", "status", "unpainted"
NO_PICTURE, BROKEN, UNDECODED = "no_picture", "broken_picture", "undecoded"
CRASHED, BLIND = "crashed", "blind"
ERRORS = (UNREACHED, STATUS, UNPAINTED, NO_PICTURE, BROKEN, UNDECODED, CRASHED, BLIND)
OWN = (CRASHED, BLIND)  # the browser's fault, which says nothing of the shop


@noun
class Views:
    """One row for each load of the page that was due before the arrivals stopped, in the order of ``nth``, from 0.

    Columns are arrays of equal length. ``edge`` is the one whose cookie the browser came with, by turns those of ``edges``.
    Times are ns since the run's zero; ``begun_ns``/``done_ns`` are -1 where nothing is recorded, since a load that would
    have begun more than 0.5 s after ``due_ns`` is left out. ``fcp_ms`` (first contentful paint) and ``picture_ms`` (the
    largest picture decoded) count from the navigation's start; infinite where it never came to that within 4 s.
    ``served`` is who says to have served the page, "" where nobody does; ``error`` one of ``ERRORS``, "" where all came;
    ``shot`` the first 16 hex digits of the SHA-256 of its screenshot, "" where none was taken.
    """

    edges: tuple[str, ...]
    edge: NDArray[np.str_]
    due_ns: NDArray[np.int64]
    begun_ns: NDArray[np.int64]
    done_ns: NDArray[np.int64]
    status: NDArray[np.int16]
    fcp_ms: NDArray[np.float64]
    picture_ms: NDArray[np.float64]
    served: NDArray[np.str_]
    error: NDArray[np.str_]
    shot: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.due_ns)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rows say something of the shop: recorded, and the browser itself worked."""
        found: NDArray[np.bool_] = np.greater_equal(self.begun_ns, 0) & ~np.isin(self.error, OWN)
        return found

    @property
    def shown_ms(self) -> NDArray[np.float64]:
        """When there was something to look at: the later of first paint and largest picture; infinite where never."""
        return np.maximum(self.fcp_ms, self.picture_ms)


def nothing_seen(edges: Sequence[str], begin_ns: int, until_ns: int) -> Views:
    """Give the loads that were due from the begin of the load to its end, none of them recorded."""
    count = max(0, -(-(until_ns - begin_ns) // EVERY_NS)) if edges else 0
    nobody, never = np.full(count, -1, dtype=np.int64), np.full(count, np.inf)
    nothing = np.full(count, "", dtype="U40")
    return Views(
        edges=tuple(edges),
        edge=np.array([edges[nth % len(edges)] for nth in range(count)], dtype=np.str_),
        due_ns=begin_ns + np.arange(count, dtype=np.int64) * EVERY_NS,
        begun_ns=nobody,
        done_ns=nobody,
        status=np.zeros(count, dtype=np.int16),
        fcp_ms=never,
        picture_ms=never,
        served=nothing,
        error=nothing,
        shot=nothing,
    )


NO_VIEWS = nothing_seen((), 0, 0)
