"""The pen of a run: every record goes to the journal, and to whoever watches."""

from collections.abc import Callable
from pathlib import Path

from harness.errors import SetupError
from harness.events import Event
from harness.store import JOURNAL, JournalWriter


class Recorder:
    """Writes records and shows them. A disk that refuses stops the run, but never a healing.

    ``sparing``: while it is set, a record that cannot be written is remembered in ``broken`` instead of raised, because
    mending comes before writing about it. The journal then stays unsealed, and an unsealed journal is never PASS.
    """

    def __init__(self, folder: Path, show: Callable[[Event], None]) -> None:
        self._journal, self._show = JournalWriter(folder / JOURNAL), show
        self.sparing = False
        self.broken: str | None = None

    def __call__(self, event: Event) -> None:
        """Write one record. Raises ``SetupError`` where the disk refuses, unless ``sparing``."""
        try:
            self._journal.append(event)
        except SetupError as error:
            self.broken = str(error)
            if not self.sparing:
                raise
        self._show(event)

    def hide(self, secrets: tuple[str, ...]) -> None:
        """From now on, write ``***`` wherever one of these would stand."""
        self._journal.hide(secrets)

    def seal(self, at_ns: int) -> None:
        """Close the journal with its seal; without it where a record is missing or the disk refuses even that."""
        try:
            if self.broken is None:
                self._journal.seal(at_ns)
        except SetupError as error:
            self.broken = str(error)
        self._journal.close()
