"""What a look at this machine finds: how well something is, and what mends it. No input, no output, no time."""

from enum import StrEnum

from harness.model import noun


class Level(StrEnum):
    """How bad a finding is: all is well; a run can start, but mind this; no run can start."""

    OK = "ok"
    WARNING = "warning"
    IMPOSSIBLE = "impossible"


@noun
class Finding:
    """What one look found: ``what`` was looked at, the state seen, and the command or variable that mends it.

    What could not be looked at is never OK. Raises ``ValueError`` where something is not well and nothing says what to do.
    """

    what: str
    found: str
    mend: str = ""
    level: Level = Level.OK

    def __post_init__(self) -> None:
        if self.level is not Level.OK and not self.mend:
            raise ValueError(f"{self.what}: {self.found}: nothing says what mends it")
