"""The pen of a run: every record goes to the journal, and to whoever watches."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.drivers.redaction import redacted
from harness.errors import SetupError
from harness.events import Event
from harness.store import JOURNAL, JournalWriter


class Recorder:
    """Writes records and shows them. A disk that refuses stops the run, but never a healing.

    Only the thread that made it is stopped, at its next record: the others, which listen to the load or sample, go on.
    ``sparing``: while it is set, a record that cannot be written is remembered in ``broken`` instead of raised, because
    mending comes before writing about it. The journal then stays unsealed, and an unsealed journal is never PASS.
    """

    def __init__(self, folder: Path, show: Callable[[Event], None]) -> None:
        self._journal, self._show = JournalWriter(folder / JOURNAL), show
        self._owner = threading.get_ident()
        self._secrets: tuple[str, ...] = ()
        self.sparing = False
        self.broken: str | None = None

    def __call__(self, event: Event) -> None:
        """Write one record. Raises ``SetupError`` where the disk refuses this or an earlier one, unless ``sparing``."""
        try:
            self._journal.append(event)
        except SetupError as error:
            self.broken = str(error)
        if self.broken is not None and not self.sparing and threading.get_ident() == self._owner:
            raise SetupError(self.broken)
        self._show(event)

    def hide(self, secrets: Sequence[str]) -> None:
        """From now on, write ``***`` wherever one of these would stand."""
        self._secrets = tuple(secrets)
        self._journal.hide(self._secrets)

    def cleaned(self, text: str) -> str:
        """Give a text for people, likewise without them."""
        return redacted(text, self._secrets)

    def seal(self, at_ns: int) -> None:
        """Close the journal with its seal; without it where a record is missing or the disk refuses even that."""
        try:
            if self.broken is None:
                self._journal.seal(at_ns)
        except SetupError as error:
            self.broken = str(error)
        self._journal.close()
