"""How the way to the database carries a known amount: for a witness, who asks for nothing that a shopper would miss."""

import asyncio
import time
from typing import Any

from . import sql
from .link import CallError, Link, waited

LIMIT_S = 1.2
MOST_BYTES = 1_000_000


class Carriage:
    """One connection, kept as those for shoppers are; one answer at a time."""

    def __init__(self, link: Link) -> None:
        self._link, self._turn = link, asyncio.Lock()

    async def carry(self, size_bytes: int) -> dict[str, Any]:
        """Have the database send so many bytes: ``took_ms``, or ``silent`` or ``refused`` with why.

        Silent: no whole answer within 1.2 s, or no connection within 0.8 s. Refused: the connection ended before, or the
        database said no.
        """
        async with self._turn:
            begun = time.perf_counter()
            try:
                await self._link.call("carried", sql.CARRIED, size_bytes, limit_s=LIMIT_S)
            except CallError as error:
                return {"silent" if waited(error, begun, LIMIT_S) else "refused": str(error)}
            return {"took_ms": (time.perf_counter() - begun) * 1000}
