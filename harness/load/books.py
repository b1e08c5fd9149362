"""What a load writes down, whoever keeps it: files, or another generator that gathers rows."""

from collections.abc import Sequence
from typing import Protocol

from harness.model import noun


class Book(Protocol):
    """Takes rows, in the order in which they are settled; ``sealed.Writer`` says what each of these does."""

    def add(self, row: Sequence[int | str]) -> None:
        """Take one row."""
        ...

    def flush(self) -> None:
        """Write the rows taken so far."""
        ...

    def seal(self, until_ns: int) -> int:
        """Close it; give the number of rows."""
        ...


@noun
class Books:
    """What is written down: a row for each arrival and, where there are sessions, one for each of their requests."""

    orders: Book
    sessions: Book | None = None

    def flush(self) -> None:
        """Write what was taken so far. Raises ``OSError``."""
        for book in (self.sessions, self.orders):
            if book is not None:
                book.flush()

    def seal(self, until_ns: int) -> int:
        """Close both; give the number of rows in the ledger. Raises ``OSError``."""
        if self.sessions is not None:
            self.sessions.seal(until_ns)
        return self.orders.seal(until_ns)
