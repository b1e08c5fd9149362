"""How many synchronous standbys of a component stream right now."""

from typing import ClassVar

from harness.capabilities import Replicated
from harness.model import Reading


class Redundancy:
    """Once a second, of every component that keeps its data on several nodes: the number of its standbys."""

    sense: ClassVar[type] = Replicated
    interval_s: ClassVar[float] = 1.0
    each: ClassVar[bool] = False

    def look(self, through: Replicated) -> Reading:
        """Count the standbys."""
        return through.standbys()
