"""What the witnesses of impulses look for: what was so before is another now."""

from collections.abc import Sequence

from harness.model import REFUSED, SILENT, Reading

_UNKNOWN = (None, SILENT, REFUSED)


def changed(before: Sequence[Reading], now: Reading) -> bool | None:
    """Say whether what is told now is not what was told last. Pure. None where it was never told, or is not now."""
    known = [reading.value for reading in before if reading.value not in _UNKNOWN]
    if not known or now.value in _UNKNOWN:
        return None
    return now.value != known[-1]
