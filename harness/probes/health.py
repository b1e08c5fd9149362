"""Whether each instance of each part works, by its own word."""

from typing import ClassVar

from harness.capabilities import Answers
from harness.model import Reading


class Health:
    """Once a second, of every instance that can be asked: the milliseconds of its answer, silent or refused."""

    sense: ClassVar[type] = Answers
    interval_s: ClassVar[float] = 1.0
    each: ClassVar[bool] = True

    def look(self, through: Answers) -> Reading:
        """Ask once."""
        return through.answer_ms()
