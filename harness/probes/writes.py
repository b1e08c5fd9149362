"""Whether each instance that keeps data takes transactions, asked one by one, whoever is said to lead."""

from typing import ClassVar

from harness.capabilities import Writable
from harness.model import Reading


class Writes:
    """Twice a second, on every instance: the milliseconds that a commit took, silent, refused or warned."""

    sense: ClassVar[type] = Writable
    interval_s: ClassVar[float] = 0.5
    each: ClassVar[bool] = True

    def look(self, through: Writable) -> Reading:
        """Commit once, or wait on for the commit of before."""
        return through.commit_ms()
