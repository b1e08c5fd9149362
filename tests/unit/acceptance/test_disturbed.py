"""A flight is flown once more only where others' use of the machine, and nothing else, kept it from a verdict."""

import pytest

from tests.acceptance.stage import disturbed

NOISE = "Not to be believed (FAIL voided): others used 73% of the machine meanwhile; 10% is the limit."
ROWS = {
    "nothing is amiss": ([("PASS", "")], False),
    "noise alone": ([("PASS", ""), ("INCONCLUSIVE", NOISE)], True),
    "noise, and an outage": ([("INCONCLUSIVE", NOISE), ("INCONCLUSIVE", "It was still out.")], True),
    "an outage alone": ([("INCONCLUSIVE", "It was still out.")], False),
    "an order is lost beside it": ([("INCONCLUSIVE", NOISE), ("FAIL", "1 order is not there.")], False),
    "a probe was blind beside it": ([("INCONCLUSIVE", NOISE), ("INCONCLUSIVE", "Nobody looked.")], False),
    "it is dirty": ([("DIRTY", NOISE)], False),
}


@pytest.mark.parametrize("row", ROWS)
def test_only_noise_earns_one_more_try(row: str) -> None:
    said, again = ROWS[row]
    assert (
        disturbed({str(n): {"outcome": outcome, "because": because} for n, (outcome, because) in enumerate(said)}) is again
    )
