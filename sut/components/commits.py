"""Transactions committed on one node of the database, again and again, over a connection that is kept."""

from collections.abc import Callable

from sut.components.ask import Deadline, Session

WARNED = "warned"
_COMMIT = "select pg_logical_emit_message(true, 'windtunnel', 'commit')"  # leaves nothing behind but a record in the log
_GIVEN_UP_NS = 5_000_000_000


class Commits:
    """One transaction at a time: while one has not returned, no other is sent, so that none pile up on a node that waits.

    One that has not returned after 5 s is given up, and so is its connection: the other end may not be there any more.
    """

    def __init__(self, conninfo: str, now_ns: Callable[[], int]) -> None:
        self._conninfo, self._now_ns = conninfo, now_ns
        self._session: Session | None = None
        self._sent_ns: int | None = None

    def commit(self, deadline: Deadline) -> float | str:
        """Give the milliseconds that it took, or ``warned``. Raises ``OSError``; a ``TimeoutError`` may be asked again."""
        if self._sent_ns is not None and self._now_ns() - self._sent_ns > _GIVEN_UP_NS:
            self.close()
        try:
            if self._session is None:
                self._session = Session(self._conninfo)
                self._session.connect(deadline)
            if self._sent_ns is None:
                self._session.send(_COMMIT)
                self._sent_ns = self._now_ns()
            self._session.rows(deadline)
        except TimeoutError:
            if self._sent_ns is None:
                self.close()
            raise
        except OSError:
            self.close()
            raise
        took_ms, self._sent_ns = (self._now_ns() - self._sent_ns) / 1e6, None
        return WARNED if self._session.warned else took_ms

    def close(self) -> None:
        """End the connection."""
        if self._session is not None:
            self._session.close()
        self._session = self._sent_ns = None
