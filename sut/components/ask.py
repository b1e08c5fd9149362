"""Questions put to the parts over the bridge, each under one deadline for the whole of it: HTTP GET and one SQL query.

The usual clients bound each read or the connecting alone (libpq: 2 s at least), so a part that is frozen half-way
would hold the one who asks. What goes wrong is an ``OSError`` here: ``TimeoutError`` where nobody answered in time,
``ConnectionError`` where the other side said no, ``PermissionError`` where the one who asks is at fault.
"""

import errno
import os
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from harness.model import REFUSED, SILENT, Reading

LIMIT_BYTES = 1_000_000
_NOBODY_THERE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)


class BlindError(Exception):
    """Nobody could look: who was asked to look, or who is at the other end, is ill itself."""


@contextmanager
def about(who: str) -> Iterator[None]:
    """Take what goes wrong meanwhile for an illness of ``who``, not of a link. Raises ``BlindError``."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise BlindError(f"{who} itself: {error or type(error).__name__}") from error


class Deadline:
    """A moment after which nobody waits any longer, on the run's clock."""

    def __init__(self, now_ns: Callable[[], int], within_s: float) -> None:
        self._now_ns = now_ns
        self._ends_ns = now_ns() + int(within_s * 1e9)

    def left_s(self) -> float:
        """Give the seconds that are left, always more than none. Raises ``TimeoutError`` when it has passed."""
        left_ns = self._ends_ns - self._now_ns()
        if left_ns <= 0:
            raise TimeoutError("the deadline has passed")
        return left_ns / 1e9


def look(now_ns: Callable[[], int], within_s: float, ask: Callable[[Deadline], float | str | None]) -> Reading:
    """Put a question and read what it shows: its own answer, or the milliseconds it took where that is None."""
    begun_ns = now_ns()
    value: float | str | None = None
    why: str | None = None
    try:
        value = ask(Deadline(now_ns, within_s))
        if value is None:
            value = (now_ns() - begun_ns) / 1e6
    except TimeoutError:
        value = SILENT
    except ConnectionError:
        value = REFUSED
    except OSError as error:
        value, why = (SILENT, None) if error.errno in _NOBODY_THERE else (None, str(error))
    except BlindError as error:
        why = str(error)
    except ValueError as error:  # an answer in a form that nobody understands proves nothing
        why = f"answered, but unreadable: {error}"
    return Reading(at_ns=begun_ns, value=value, why=why)


def http_get(
    address: str, port: int, path: str, deadline: Deadline, trust: ssl.SSLContext | None = None
) -> tuple[int, bytes]:
    """GET a path over a connection of its own, by https if ``trust`` says whom to believe.

    Gives status and body (at most 1 MB). Raises ``OSError``, ``ValueError``.
    """
    with _connected(address, port, deadline, trust) as wire:
        # HTTP/1.0: the answer ends where the connection does, whatever server it is.
        wire.sendall(f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
        answer = b""
        while len(answer) < LIMIT_BYTES:
            wire.settimeout(deadline.left_s())
            piece = wire.recv(65536)
            if not piece:
                break
            answer += piece
    if not answer:
        raise ConnectionResetError(f"{address}:{port} closed the connection without an answer")
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(maxsplit=2)[1]), body


class Wire:
    """One connection, for protocols of lines. Each call raises ``OSError``."""

    def __init__(self, address: str, port: int, deadline: Deadline) -> None:
        self._deadline = deadline
        self._socket = socket.create_connection((address, port), timeout=deadline.left_s())
        self._heard = b""

    def send(self, said: bytes) -> None:
        """Send all of it."""
        self._socket.settimeout(self._deadline.left_s())
        self._socket.sendall(said)

    def line(self) -> bytes:
        """Wait for a line, and give it without its end."""
        while b"\r\n" not in self._heard:
            self._hear()
        line, _, self._heard = self._heard.partition(b"\r\n")
        return line

    def exactly(self, count: int) -> bytes:
        """Wait for so many bytes."""
        while len(self._heard) < count:
            self._hear()
        given, self._heard = self._heard[:count], self._heard[count:]
        return given

    def close(self) -> None:
        """End it; twice is harmless."""
        self._socket.close()

    def _hear(self) -> None:
        self._socket.settimeout(self._deadline.left_s())
        piece = self._socket.recv(65536)
        if not piece or len(self._heard) > LIMIT_BYTES:
            raise ConnectionResetError("it closed the connection in the middle of an answer, or never ends it")
        self._heard += piece


@contextmanager
def _connected(address: str, port: int, deadline: Deadline, trust: ssl.SSLContext | None) -> Iterator[socket.socket]:
    with socket.create_connection((address, port), timeout=deadline.left_s()) as wire:
        if trust is None:
            yield wire
        else:
            with trust.wrap_socket(wire, server_hostname=address) as wrapped:
                yield wrapped


def healthy(address: str, port: int, path: str = "/health") -> Callable[[Deadline], str | None]:
    """Give the question whether a GET is answered with 200, for ``look``: any other answer is a no."""

    def ask(deadline: Deadline) -> str | None:
        status, _ = http_get(address, port, path, deadline)
        return None if status == 200 else REFUSED

    return ask


def answers(address: str, port: int, path: str, deadline: Deadline) -> bytes:
    """GET a path that must be answered with 200, and give the body. Raises ``OSError``, ``ValueError``."""
    status, body = http_get(address, port, path, deadline)
    if status != 200:
        raise ValueError(f"GET {path} gave {status} {body[:100]!r}")
    return body


def query(conninfo: str, sql: str, deadline: Deadline) -> list[tuple[str, ...]]:
    """Put one query over a connection of its own; rows of text, NULL as "". Raises ``OSError``."""
    with closing(Session(conninfo)) as session:
        session.connect(deadline)
        session.send(sql)
        return session.rows(deadline)


class Session:
    """One connection to a database, over which one query at a time is put. Each call raises ``OSError``."""

    def __init__(self, conninfo: str) -> None:
        self._connection = pq.PGconn.connect_start(conninfo.encode())
        self._connection.notice_handler = self._noticed
        self.warned = False
        """Whether the server has sent a warning since the last query was sent."""

    def connect(self, deadline: Deadline) -> None:
        """Wait until it can be used."""
        with _as_reset():
            _connect(self._connection, deadline)

    def send(self, sql: str) -> None:
        """Send a query, without waiting for its answer."""
        self.warned = False
        with _as_reset():
            self._connection.send_query(sql.encode())

    def rows(self, deadline: Deadline) -> list[tuple[str, ...]]:
        """Wait for the answer to what was sent, the last where it was several: rows of text, NULL as "".

        After ``TimeoutError`` one may wait on.
        """
        with _as_reset():
            result = self._result(deadline)
            while (following := self._result(deadline)) is not None:
                result = following
        if result is None or result.status != pq.ExecStatus.TUPLES_OK:
            raise ConnectionRefusedError(_words(self._connection))
        columns = range(result.nfields)
        return [tuple((result.get_value(row, c) or b"").decode() for c in columns) for row in range(result.ntuples)]

    def close(self) -> None:
        """End it; twice is harmless."""
        self._connection.finish()

    def _result(self, deadline: Deadline) -> PGresult | None:
        while self._connection.is_busy():
            _wait(self._connection, select.POLLIN, deadline)
            self._connection.consume_input()
        return self._connection.get_result()

    def _noticed(self, notice: PGresult) -> None:
        severity = notice.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED)
        self.warned = self.warned or severity == b"WARNING"


@contextmanager
def _as_reset() -> Iterator[None]:
    """Turn what libpq raises about a connection into an ``OSError``."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise ConnectionResetError(str(error)) from error


def _connect(connection: PGconn, deadline: Deadline) -> None:
    # libpq takes a connection that was not waited for as made, and an address nobody has would say "closed" for "no route".
    status = pq.PollingStatus.FAILED if connection.status == pq.ConnStatus.BAD else pq.PollingStatus.WRITING
    while status != pq.PollingStatus.OK:
        if status == pq.PollingStatus.FAILED:
            words = _words(connection)
            if any(strerror in words for strerror in map(os.strerror, _NOBODY_THERE)):
                raise TimeoutError(words)
            if "authentication" in words or "pg_hba" in words:
                raise PermissionError(words)
            raise ConnectionRefusedError(words)
        _wait(connection, select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT, deadline)
        status = pq.PollingStatus(connection.connect_poll())


def _wait(connection: PGconn, event: int, deadline: Deadline) -> None:
    poll = select.poll()
    poll.register(connection.socket, event)
    poll.poll(deadline.left_s() * 1000)
    deadline.left_s()


def _words(connection: PGconn) -> str:
    return connection.get_error_message().strip() or "no reason given"
