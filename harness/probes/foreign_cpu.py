"""How much of the machine somebody else uses: CPU outside the run, and time stolen by the host."""

from typing import ClassVar

from harness.capabilities import Shared
from harness.model import Reading


class ForeignCpu:
    """Once a second, of the machine: the ratio of steal and of CPU outside the run to all CPU time there was."""

    sense: ClassVar[type] = Shared
    interval_s: ClassVar[float] = 1.0
    each: ClassVar[bool] = False

    def look(self, through: Shared) -> Reading:
        """Give the ratio since the last look."""
        return through.foreign_ratio()
