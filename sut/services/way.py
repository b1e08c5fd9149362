"""The way to the database: the DSN names a host, and where nobody says any more where that is, the last word holds."""

import asyncio
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from .lookup import Lookup
from .metrics import NAMES_UP

EVERY_S: Final = 1.0
LOOKUP_S: Final = 0.1  # the resolver is on this machine; who waits longer waits in vain
PORT: Final = 5432


class Way:
    """A DSN, and the address that its host was last found at. All who go the same way share one.

    Every part of the shop keeps its address, so an old one is as good as a new one. Without the memory (``remembers``
    False) nobody finds the way while names are gone.
    """

    def __init__(self, dsn: str, *, remembers: bool = True) -> None:
        split = urlsplit(dsn)
        self.dsn, self.port = dsn, split.port or PORT
        self._lookup, self._remembers = Lookup(split.hostname or ""), remembers
        self._known = ""

    async def address(self) -> str:
        """Look the host up, for at most 0.1 s. Raises ``OSError`` where it is not found, and never was."""
        try:
            self._known = await self._lookup.address(LOOKUP_S)
        except OSError:  # a time-out is one, too
            NAMES_UP.set(0)
            if not (self._known and self._remembers):
                raise
        else:
            NAMES_UP.set(1)
        return self._known

    async def watch(self) -> None:
        """Look the host up for ever, so that it is known where it is, and noticed when names are gone, before it matters."""
        while True:
            with suppress(OSError):  # it is told in the metrics
                await self.address()
            await asyncio.sleep(EVERY_S)
