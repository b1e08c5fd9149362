"""How long the parts of the shop had to wait since they had used up the CPU time that they may use."""

from typing import ClassVar

from harness.capabilities import Rationed
from harness.model import Reading


class Throttled:
    """Once a second, of each part: the seconds since its start for which its CPU quota was used up."""

    sense: ClassVar[type] = Rationed
    interval_s: ClassVar[float] = 1.0
    each: ClassVar[bool] = True

    def look(self, through: Rationed) -> Reading:
        """Read its counter."""
        return through.throttled_s()
