"""What witnesses of a spoilt link look for: it carries slower than before, or in another way not at all."""

from collections.abc import Sequence
from statistics import median

from harness.model import Reading

SEEN_MS = 400.0  # how much longer a look shall take: far above the noise of a busy machine, far below what is waited for
SMALL_BYTES = 100  # what a look moves whose size does not matter
MOST_BYTES = 1_000_000  # what one look moves at most
ENOUGH = 0.8  # of what was asked, so that rounding and the machine's own unrest do not hide a bite


def slower(before: Sequence[Reading], now: Reading, by_ms: float) -> bool | None:
    """Say whether a look takes longer by about so many milliseconds than the median of those before. Pure.

    None where it cannot be told: it did not come through at all, or was never seen to.
    """
    known = [reading.value for reading in before if isinstance(reading.value, float)]
    if not known or not isinstance(now.value, float):
        return None
    return now.value - median(known) >= ENOUGH * by_ms


def became(before: Sequence[Reading], now: Reading, wanted: Sequence[str]) -> bool | None:
    """Say whether what came through before is now one of ``wanted``. Pure.

    None where it cannot be told: it suffers in another way, nobody could look, or it was never seen to come through.
    """
    if not any(isinstance(reading.value, float) for reading in before):
        return None
    return True if now.value in wanted else False if isinstance(now.value, float) else None
