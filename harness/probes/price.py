"""Whether shoppers are shown prices and stock as they are."""

from typing import ClassVar

from harness.capabilities import Truthful
from harness.model import Reading


class Price:
    """Once a second, of each instance: how old (ms) price and stock are that a page shows, or ``wrong`` where not so."""

    sense: ClassVar[type] = Truthful
    interval_s: ClassVar[float] = 1.0
    each: ClassVar[bool] = True

    def look(self, through: Truthful) -> Reading:
        """Compare once."""
        return through.shown_age_ms()
