"""Which instance of a component takes the writes right now."""

from typing import ClassVar

from harness.capabilities import Replicated
from harness.model import Reading


class Role:
    """Twice a second, of every component with a primary: the name of the instance that is it, or ``none``."""

    sense: ClassVar[type] = Replicated
    interval_s: ClassVar[float] = 0.5
    each: ClassVar[bool] = False

    def look(self, through: Replicated) -> Reading:
        """Name the primary."""
        return through.primary()
