"""The way to the cache, which must never cost more than it saves: every call is short, and one that is ill is left alone."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .metrics import CACHE_READS, CACHE_UP

LIMIT_S = 0.05
REST_S = 1.0
CONNECTIONS = 16
T = TypeVar("T")


class Cache:
    """Keeps small texts for a while. After a call that failed it is not asked for a second, then by one caller first."""

    def __init__(self, address: str, client: Any = None) -> None:
        host, _, port = address.rpartition(":")
        # It never tries twice, and who finds no connection free waits for one, within the limit of the call.
        pool = BlockingConnectionPool(
            max_connections=CONNECTIONS, timeout=None, host=host, port=int(port), retry=Retry(NoBackoff(), 0)
        )
        self._client: Any = client or Redis(connection_pool=pool)
        self._ill = False
        self._rests_until = 0.0

    async def get(self, name: str) -> bytes | None:
        """Give what is kept under a name; None for nothing, and where the cache cannot be asked. Within 0.05 s."""
        if self._rests():
            CACHE_READS.labels("skipped").inc()
            return None
        try:
            found: bytes | None = await self._bounded(self._client.get(name))
        except (RedisError, OSError):
            CACHE_READS.labels("failed").inc()
            return None
        CACHE_READS.labels("miss" if found is None else "hit").inc()
        return found

    async def keep(self, name: str, text: bytes, for_ms: int) -> None:
        """Keep something for a while, in place of what was kept under that name; or do not. Within 0.05 s."""
        if not self._rests():
            try:
                await self._bounded(self._client.set(name, text, px=for_ms))
            except (RedisError, OSError):
                return

    async def answers(self) -> bool:
        """Ask it, be it resting or not, whether it answers. Within 0.05 s."""
        try:
            return bool(await self._bounded(self._client.ping()))
        except (RedisError, OSError):
            return False

    def _rests(self) -> bool:
        now = time.monotonic()
        rests = now < self._rests_until
        if self._ill and not rests:
            self._rests_until = now + REST_S  # this caller tries; the others wait for what becomes of that
        return rests

    async def _bounded(self, call: Awaitable[T]) -> T:
        """Wait for an answer. Raises ``RedisError`` or ``OSError``, of which a time-out is one."""
        try:
            async with asyncio.timeout(LIMIT_S):
                answer = await call
        except (RedisError, OSError):
            self._ill, self._rests_until = True, time.monotonic() + REST_S
            CACHE_UP.set(0)
            raise
        self._ill, self._rests_until = False, 0.0
        CACHE_UP.set(1)
        return answer
