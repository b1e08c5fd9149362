"""What sessions asked for and were answered, request by request: the second half of the shoppers' ledger. Pure data."""

import numpy as np
from numpy.typing import NDArray

from harness.model import noun

PAGE, ASSET, LOGIN, CART_PUT, ACCOUNT, CART, CHECKOUT, PAY = range(8)
WHATS = ("page", "asset", "login", "cart_put", "account", "cart", "checkout", "pay")
PATIENCE_NS = 10_000_000_000
DIGEST, OTHER_PAGE, OTHER_ASSET, IDENTITY, OTHER_CART, PRICE = "digest", "page", "asset", "identity", "cart", "price"
STALE = "stale"
WRONGS = (DIGEST, OTHER_PAGE, OTHER_ASSET, IDENTITY, OTHER_CART, PRICE, STALE)


@noun
class Visits:
    """One row for each request of each session, in the order of ``session`` (its ``seq`` in the ledger) and ``nth``.

    Columns are arrays of equal length. ``nth`` counts from 0 in a session, ``of`` says how many it made in all.
    ``what`` is an index into ``WHATS``. Times are ns since the run's zero, ``sent_ns`` of the first of ``attempts``.
    ``status`` is 0 without a whole answer. ``edge`` is who says to have served it, "" where nobody does; ``digest`` the
    first 16 hex digits of the body's SHA-256; ``wrong`` one of ``WRONGS``, "" where the shopper had nothing against it.
    """

    session: NDArray[np.int64]
    nth: NDArray[np.int64]
    of: NDArray[np.int64]
    what: NDArray[np.int8]
    sent_ns: NDArray[np.int64]
    done_ns: NDArray[np.int64]
    status: NDArray[np.int16]
    attempts: NDArray[np.int16]
    edge: NDArray[np.str_]
    digest: NDArray[np.str_]
    wrong: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.session)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which rows were answered with a 2xx or a 3xx, the body complete."""
        return (self.status >= 200) & (self.status < 400)

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Which rows fail their session: a wrong body, not a 2xx or 3xx, no whole answer, or more than 10 s."""
        slow = np.greater(self.done_ns - self.sent_ns, PATIENCE_NS)
        found: NDArray[np.bool_] = np.not_equal(self.wrong, "") | ~self.whole | slow
        return found


def complete(visits: Visits) -> NDArray[np.int64]:
    """Give the sessions all of whose requests are there: numbered from 0 to ``of`` - 1, each once."""
    order = np.lexsort((visits.nth, visits.session))
    found, first, count = np.unique(visits.session[order], return_index=True, return_counts=True)
    if len(found) == 0:
        return found
    in_place = visits.nth[order] == np.arange(len(order)) - np.repeat(first, count)
    counted = visits.of[order] == np.repeat(count, count)
    return found[np.logical_and.reduceat(in_place & counted, first)]


_NO_NUMBERS, _NO_TEXTS = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.str_)
NO_VISITS = Visits(
    session=_NO_NUMBERS,
    nth=_NO_NUMBERS,
    of=_NO_NUMBERS,
    what=_NO_NUMBERS.astype(np.int8),
    sent_ns=_NO_NUMBERS,
    done_ns=_NO_NUMBERS,
    status=_NO_NUMBERS.astype(np.int16),
    attempts=_NO_NUMBERS.astype(np.int16),
    edge=_NO_TEXTS,
    digest=_NO_TEXTS,
    wrong=_NO_TEXTS,
)
