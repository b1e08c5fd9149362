"""The rows of the acceptance: what is run, what it must say, about how long it takes."""

from collections.abc import Callable

from harness.model import noun
from tests.acceptance.stage import Stage

Play = Callable[[Stage], str]


@noun
class Row:
    """One row. ``play`` gives in words what was seen, or raises ``NotAsRequired``; ``minutes`` is an estimate.

    The first part of ``id``, before the first dot, is its group.
    """

    id: str
    must_say: str
    minutes: float
    play: Play

    @property
    def limit_s(self) -> float:
        """When it is given up: three times the estimate and ten minutes, and the time another run may have the machine."""
        return self.minutes * 180 + 600 + 1800
