"""What every reporter is given."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Protocol

from harness.history import History
from harness.model import Judgement, noun
from harness.planned import Plan


@noun
class Report:
    """One run, ready to be told. ``logs`` holds the last lines of each instance's log around the faults, by instance.

    ``shots`` are screenshots of a browser that looked, as PNG, by the ``nth`` of their loads. ``folder`` is how people
    name the run folder (relative where possible).
    """

    plan: Plan
    history: History
    judgement: Judgement
    logs: Mapping[str, str]
    folder: Path
    shots: Mapping[int, bytes] = field(default_factory=dict)


class Reporter(Protocol):
    """A module of the shelf ``reporters``: ``FILE`` is the name it writes in the run folder."""

    FILE: str

    def render(self, report: Report) -> str:
        """Give the whole file. Everything that came from outside is escaped; secrets are not in the history."""
        ...
