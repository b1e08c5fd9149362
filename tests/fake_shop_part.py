"""What all instances of the fake shop share: their arguments, how they call each other, and the file that names the leader.

Only for ``fake_shop_process.py``, whose command line it reads: ROLE NAME HOST PORT STATE DEFECTS PEER=PORT…
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

ROLE, NAME, HOST, PORT, STATE = *sys.argv[1:4], int(sys.argv[4]), Path(sys.argv[5])
DEFECTS = sys.argv[6].split(",")
PEERS = {name: int(port) for name, port in (pair.split("=") for pair in sys.argv[7:])}
LEADER = STATE / "leader.json"
STALE_S, RENEW_S, CALL_S = 1.0, 0.1, 1.0


async def call(port: int, request: dict[str, Any], timeout_s: float = CALL_S) -> dict[str, Any]:
    """Ask one peer one thing. Raises ConnectionRefusedError if nothing was sent, TimeoutError or OSError later."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(HOST, port, limit=2**26)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            line = await reader.readline()
        finally:
            writer.close()
    if not line:
        raise ConnectionResetError("the peer hung up")
    answer: dict[str, Any] = json.loads(line)
    return answer


class Part:
    """What every instance can do: say that it lives, and since when."""

    def __init__(self) -> None:
        self.started = str(time.time_ns())

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        if request["ask"] in ("ping", "started", "counters"):
            return {"started": self.started}
        return {"error": f"{NAME} cannot {request['ask']}"}

    async def work(self) -> None:
        """Do what the part does by itself, for ever."""
        await asyncio.Event().wait()


def leader() -> dict[str, Any]:
    """Read who leads, when that was last renewed, and whether the other node is in step (``standby``)."""
    found: dict[str, Any] = json.loads(LEADER.read_text())
    return found


def fresh(found: dict[str, Any]) -> bool:
    """Whether a lead was renewed in time."""
    return bool(time.time() - found["at"] < STALE_S)


def lead(*, standby: bool) -> None:
    """Take or renew the lead, whole or not at all."""
    written = LEADER.with_suffix(f".{NAME}")
    written.write_text(json.dumps({"name": NAME, "at": time.time(), "standby": standby}))
    written.rename(LEADER)
