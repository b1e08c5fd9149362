"""What the witnesses of wrong answers look for: one that passed on what it should before gives something else now."""

from collections.abc import Sequence

from harness.model import Reading


def answers(wrong: str, before: Sequence[Reading], now: Reading) -> bool | None:
    """Say whether it answers now in this way, and not as it should. Pure.

    None where it cannot be told: nobody could look now, or it was never seen to pass on what it should.
    """
    if now.value is None or not any(isinstance(reading.value, float) for reading in before):
        return None
    return now.value == wrong
