"""Kill the main process of an instance from inside; what supervises it is free to start it again."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Crashable, Started
from harness.model import REFUSED, SILENT, Break, Reading, Target, noun


@noun
class Crash:
    """``crash = { target = "orders_db:primary" }``, an impulse: nothing is held, the shop must get over it.

    Witness: since when the main process runs, as the instance itself tells. It bites when that has changed, or when an
    instance that told it now refuses. Silence proves nothing.
    """

    needs: ClassVar[type] = Crashable
    sense: ClassVar[type] = Started
    held: ClassVar[bool] = False
    target: Target

    def prepare(self, on: Crashable) -> Break:
        """Prepare the death of the main process of one instance."""
        return on.crash()

    def look(self, through: Started) -> Reading:
        """Ask since when it runs."""
        return through.started()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether the process is another one than before, or refuses; None where that cannot be told."""
        known = [reading.value for reading in before if reading.value not in (None, SILENT, REFUSED)]
        if not known or now.value in (None, SILENT):
            return None
        return now.value != known[-1]
