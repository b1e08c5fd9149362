"""What most witnesses look for: whoever answered before does not any more."""

from collections.abc import Sequence

from harness.model import SILENT, Reading


def fell_silent(before: Sequence[Reading], now: Reading, *, or_said: str = SILENT) -> bool | None:
    """Say whether one that answered before is silent now, or says ``or_said``. Pure.

    None where it cannot be told: nobody could look now, or it was never seen to answer.
    """
    if now.value is None or not any(isinstance(reading.value, float) for reading in before):
        return None
    return now.value in (SILENT, or_said)
