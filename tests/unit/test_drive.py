"""What became of the orders of a load by hand: counted from the ledger, reads left out."""

import math

import numpy as np

from harness.drive import summed_up
from harness.history import ACKNOWLEDGED, ORDER, READ, REFUSED, SHED, UNKNOWN, Ledger

MS = 1_000_000
FATES = [ACKNOWLEDGED] * 96 + [REFUSED, UNKNOWN, UNKNOWN, SHED]


def a_ledger(fates: list[int], kinds: list[int]) -> Ledger:
    """Row n is due at n ms, sent n * 0.1 ms late, answered after 2 ms; what is shed is never sent."""
    count = len(fates)
    due = np.arange(count, dtype=np.int64) * MS
    fate = np.array(fates, dtype=np.int8)
    return Ledger(
        seq=np.arange(count, dtype=np.int64),
        kind=np.array(kinds, dtype=np.int8),
        intended_ns=due,
        sent_ns=np.where(fate == SHED, -1, due + np.arange(count) * MS // 10),
        done_ns=due + 2 * MS,
        fate=fate,
        status=np.full(count, 200, dtype=np.int16),
        attempts=np.ones(count, dtype=np.int16),
        recorded=np.ones(count, dtype=np.bool_),
        order_id=("",) * count,
        digest=("",) * count,
    )


def test_orders_are_counted_by_fate_and_what_was_not_acknowledged_took_for_ever() -> None:
    driven = summed_up(a_ledger(FATES, [ORDER] * 100), (), None)
    assert driven.offered == 100
    assert driven.fates == {"acknowledged": 96, "refused": 1, "unknown": 2, "shed": 1}
    assert driven.latency_ms == {50: 2.0, 95: 2.0, 99: math.inf}
    assert driven.late_ms == 9.8


def test_reads_are_not_orders() -> None:
    driven = summed_up(a_ledger([ACKNOWLEDGED, UNKNOWN], [ORDER, READ]), (), None)
    assert (driven.offered, driven.fates["unknown"]) == (1, 0)


def test_where_nothing_was_sent_nothing_was_fast() -> None:
    driven = summed_up(a_ledger([], []), ("the ledger cannot be read",), None)
    assert (driven.offered, driven.latency_ms[50], driven.doubts) == (0, math.inf, ("the ledger cannot be read",))
