"""One connection to the database, in which every call has a deadline and every failure says what it proves.

CallError
├── UnreachableError    no connection: nothing was sent
├── DeclinedError       the server answered ERROR: the transaction was rolled back
└── LostError           anything else: the call may or may not have taken effect
"""

import asyncio
import logging
import time
from typing import Any

import asyncpg

from .metrics import DB_CALL_SECONDS, REFUSED_CALL_S
from .way import Way

log = logging.getLogger("storefront")

CONNECT_S = 0.8
SERVER_SETTINGS = {
    "application_name": "storefront",
    "synchronous_commit": "on",
    "statement_timeout": "2500",  # below the deadline of a call, so that a slow statement ends in a definite answer
    "plan_cache_mode": "force_generic_plan",  # planning the order statement anew costs more than running it
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # no shopper is worth more than one of the database's processes
}


class CallError(Exception):
    """A database call without a result; the text is one line."""


class UnreachableError(CallError):
    """There was no connection to send the call on: it has had no effect, and never will."""


class DeclinedError(CallError):
    """The server answered ERROR, which rolls the transaction back: no effect."""


class LostError(CallError):
    """The call was sent and no clear answer came back: nobody knows its effect."""


class Link:
    """One connection, opened when first needed and again after it broke; one call at a time.

    A broken or silent connection is terminated, never closed politely: a frozen server would not answer that either.
    Nor is a late call cancelled: that would end a commit's wait for the standby and leave it committed on one node only.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._connection: Any = None  # asyncpg ships no types
        self._warning = ""

    async def call(self, kind: str, statement: str, *arguments: object, limit_s: float = 3.0) -> list[Any]:
        """Run one statement as one transaction and give its rows once it is committed. ``kind`` names it in the metrics.

        Raises ``UnreachableError``, ``DeclinedError``, ``LostError``. A warning counts as lost: a commit whose wait for
        the standby was cut short is reported as success with SQLSTATE 01000. Takes at most 0.8 s + ``limit_s``.
        """
        begun = time.perf_counter()
        calls = DB_CALL_SECONDS.labels(kind)
        try:
            connection = await self._open()
        except UnreachableError:
            calls.observe(max(time.perf_counter() - begun, REFUSED_CALL_S))
            raise
        self._warning = ""
        fuse = asyncio.get_running_loop().call_later(limit_s, connection.terminate)
        try:
            rows: list[Any] = await connection.fetch(statement, *arguments)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise self._meaning(error) from None
        finally:
            fuse.cancel()
            calls.observe(time.perf_counter() - begun)
        if self._warning:
            raise LostError(self._warning)
        return rows

    def drop(self) -> None:
        """Forget the connection at once; the next call opens another one."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _open(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            self.drop()
            begun = time.perf_counter()
            try:
                self._connection = await asyncpg.connect(
                    self._way.dsn,
                    host=await self._way.address(),
                    port=self._way.port,
                    timeout=CONNECT_S - (time.perf_counter() - begun),
                    server_settings=SERVER_SETTINGS,
                    target_session_attrs="read-write",
                )
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
                raise UnreachableError(_words(error)) from None
            self._connection.add_log_listener(self._hear)
        return self._connection

    def _hear(self, _connection: object, message: Any) -> None:
        if message.severity_en == "WARNING":
            self._warning = _words(message)

    def _meaning(self, error: Exception) -> CallError:
        declined = getattr(error, "severity_en", None) == "ERROR"
        read_only = isinstance(error, asyncpg.ReadOnlySQLTransactionError)
        if read_only or not declined:
            self.drop()  # a read-only server is the wrong one: the route leads to another when asked again
        return DeclinedError(_words(error)) if declined else LostError(_words(error))


class Links:
    """A few links for reads; who finds none free within half a second is turned away."""

    def __init__(self, way: Way, size: int) -> None:
        self._free = [Link(way) for _ in range(size)]
        self._vacancy = asyncio.Semaphore(size)

    async def call(self, kind: str, statement: str, *arguments: object, limit_s: float) -> list[Any]:
        """Run one statement on a free link, with the errors of ``Link.call``; ``UnreachableError`` when none is free."""
        try:
            await asyncio.wait_for(self._vacancy.acquire(), REFUSED_CALL_S)
        except TimeoutError:
            DB_CALL_SECONDS.labels(kind).observe(REFUSED_CALL_S)
            raise UnreachableError("all connections are busy") from None
        link = self._free.pop()
        try:
            return await link.call(kind, statement, *arguments, limit_s=limit_s)
        finally:
            self._free.append(link)
            self._vacancy.release()


def waited(error: CallError, begun: float, limit_s: float) -> bool:
    """Say whether a call that began then came to nothing for want of an answer in time, not because somebody said no."""
    return time.perf_counter() - begun >= limit_s or isinstance(error.__context__, TimeoutError)


def _words(error: Any) -> str:
    state = getattr(error, "sqlstate", None) or type(error).__name__
    return f"{state} {getattr(error, 'message', None) or error}".splitlines()[0]
