"""Whether the storefront can commit: the last proof for it, and the last against it."""

import asyncio
import logging
import time

from . import sql
from .link import CallError, Link

log = logging.getLogger("storefront")

EVERY_S = 0.5
LIMIT_S = 2.0  # each check that runs into it leaves a server process behind, waiting for the standby
STALE_S = 2.0


class Pulse:
    """Fed by every batch and by a small commit of its own twice a second, so that asking it costs nothing."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._good_at = self._bad_at = float("-inf")
        self.why = "no commit yet"

    @property
    def well(self) -> bool:
        """Whether the newest evidence is a commit, at most 2 s old."""
        return self._good_at > self._bad_at and time.monotonic() - self._good_at <= STALE_S

    def good(self) -> None:
        """Note that a commit succeeded."""
        self._good_at = time.monotonic()
        if self.why:
            log.info("can commit")
        self.why = ""

    def bad(self, why: str) -> None:
        """Note that one did not, and why in one line."""
        self._bad_at = time.monotonic()
        if why != self.why:
            log.warning("cannot commit: %s", why)
        self.why = why

    async def beat(self) -> None:
        """Check for ever, one check at a time."""
        while True:
            try:
                await self._link.call("health", sql.CAN_COMMIT, limit_s=LIMIT_S)
                self.good()
            except CallError as error:
                self.bad(str(error))
            await asyncio.sleep(EVERY_S)
