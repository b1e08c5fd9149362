"""How much CPU time everything uses that takes part in a run: the parts of the shop, the load, the harness, the machine."""

from typing import ClassVar

from harness.capabilities import Spends
from harness.model import Reading


class Cpu:
    """Once a second, of each: the CPU seconds that it has used since it was started."""

    sense: ClassVar[type] = Spends
    interval_s: ClassVar[float] = 1.0
    each: ClassVar[bool] = True

    def look(self, through: Spends) -> Reading:
        """Read its counter."""
        return through.cpu_s()
