"""Many requests at the same moment, each on a connection of its own, and what became of each."""

import asyncio
import re
from contextlib import suppress
from typing import NamedTuple


class Told(NamedTuple):
    """What one was told: the status (0: nothing), the header Retry-After, the body, and after how many seconds."""

    status: int
    retry_after: str
    body: str
    after_s: float


def rush(address: str, request: str, count: int, within_s: float) -> list[Told]:
    """Send a request so often at once to ``host:port``; wait for the answers, each within so many seconds."""

    async def all_of_them() -> list[Told]:
        return await asyncio.gather(*(_one(address, request, within_s) for _ in range(count)))

    return asyncio.run(all_of_them())


def get(path: str) -> str:
    """Write a request that asks for something to look at."""
    return f"GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


def post(path: str, body: str) -> str:
    """Write a request that buys."""
    about = f"Host: shop\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\n{about}\r\n\r\n{body}"


async def _one(address: str, request: str, within_s: float) -> Told:
    clock = asyncio.get_running_loop().time
    begun = clock()
    head = body = ""
    host, _, port = address.rpartition(":")
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(request.encode())
                head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            finally:
                writer.close()
    retry = re.search(r"(?im)^retry-after: (\S+)", head)
    return Told(int(head.split()[1]) if head else 0, retry[1] if retry else "", body, clock() - begun)
