"""All instances of a component looked at as one: how its links carry what passes over them, for whoever suffers least."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.errors import ControlError
from harness.model import REFUSED, SILENT, Reading
from sut.components.part import Part


class Together:
    """The instances of one component that run."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    def carried_ms(self, peer: str, size_bytes: int) -> Reading:
        """Ask all at once. A link that is spoilt is so for all of them: what is well for one does not count as spoilt."""
        if not self._parts:
            raise ControlError("no instance runs that could be asked how its links carry")
        with ThreadPoolExecutor(len(self._parts)) as pool:
            return least([*pool.map(lambda part: part.carried_ms(peer, size_bytes), self._parts)])


def least(readings: Sequence[Reading]) -> Reading:
    """Give the reading of whoever suffers least: the fewest milliseconds, else ``refused``, else ``silent``. Pure.

    Those who could not be asked do not count, unless nobody could.
    """
    return min(readings, key=_suffering)


def _suffering(reading: Reading) -> tuple[int, float]:
    if isinstance(reading.value, float):
        return 0, reading.value
    return {REFUSED: 1, SILENT: 2}.get(reading.value or "", 3), 0.0
