"""What a witness that measures takes as usual: the median of what it saw before."""

from collections.abc import Sequence
from statistics import median

from harness.model import Reading


def usual(before: Sequence[Reading]) -> float | None:
    """Give the median of the numbers seen before; None where there was none. Pure."""
    seen = [reading.value for reading in before if isinstance(reading.value, float)]
    return median(seen) if seen else None


def within(name: str, value: int, least: int, most: int, because: str) -> None:
    """Raise ``ValueError`` for a parameter outside of its bounds, with the nearest value that can be used."""
    if not least <= value <= most:
        raise ValueError(f"{name} = {value}: {because}; write {name} = {least if value < least else most}")
