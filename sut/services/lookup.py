"""Names, looked up one question at a time: one that nobody answers holds up a thread for seconds."""

import asyncio
from typing import Any


class Lookup:
    """Looks up one name, or waits on for the lookup of before: none is begun while another has not returned."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._under_way: asyncio.Future[Any] | None = None

    async def address(self, within_s: float) -> str:
        """Give an address. Raises ``TimeoutError`` where no answer came in time, ``socket.gaierror`` where there is none."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.ensure_future(asyncio.get_running_loop().getaddrinfo(self._name, None))
            self._under_way.add_done_callback(_heard)
        found = await asyncio.wait_for(asyncio.shield(self._under_way), within_s)
        return str(found[0][4][0])


def _heard(lookup: "asyncio.Future[Any]") -> None:
    """Take note of how a lookup ended for which nobody waited any more."""
    if not lookup.cancelled():
        lookup.exception()
