"""The way to the database, and to names, tried out for those who ask how it is. It is used as the service itself uses it.

``GET /trial/knocks?count=N&within_ms=M``  the milliseconds of each knock at the database's address, null where unanswered
``GET /trial/rate``                        kbytes (of 1,024 bytes) moved there and back in a second, within 2.4 s; 504 where
                                           none passed in time, 503 where the database, or the way to it, said no
``GET /trial/name``                        200 where the name of the database's route was found, 503 not, 504 no answer yet
"""

import asyncio
import socket
import time

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from . import sql
from .knock import MOST, knock
from .link import CallError, Link, waited
from .lookup import Lookup
from .way import Way

PIECE_KBYTES, MOST_KBYTES = 8, 256
PIECE = "x" * (PIECE_KBYTES * 1024)
MOVE_S, PIECE_S, NAME_S = 1.0, 1.8, 0.4
CONNECTED_S, RATED_S = 1.4, 2.2  # after these it is waited for nothing more: for the first answer, and for the last piece
LONGEST_MS = 2_000


class Trial:
    """Tries the way. ``name`` is looked up. One at a time of each kind."""

    def __init__(self, way: Way, name: str) -> None:
        self._way, self._link, self._name, self._lookup = way, Link(way), name, Lookup(name)
        self._moving = asyncio.Lock()

    def mount(self) -> Mount:
        """Give the routes."""
        routes = [Route("/knocks", self.knocks), Route("/rate", self.rate), Route("/name", self.lookup)]
        return Mount("/trial", routes=routes)

    async def knocks(self, request: Request) -> Response:
        """Knock in a thread of its own, so that nothing of the service holds up a clock."""
        try:
            count, within_ms = int(request.query_params["count"]), int(request.query_params["within_ms"])
        except (KeyError, ValueError):
            return Response(status_code=400)
        if not (0 < count <= MOST and 0 < within_ms <= LONGEST_MS):
            return Response(status_code=400)
        try:
            address = await self._way.address()
        except OSError as error:
            return Response(orjson.dumps({"why": f"its name: {error or 'no answer'}"}), 503, media_type="application/json")
        took_ms = await asyncio.to_thread(knock, address, count, within_ms / 1000)
        return Response(orjson.dumps(took_ms), media_type="application/json")

    async def rate(self, _request: Request) -> Response:
        """Move pieces there and back, until a second has passed or there were enough."""
        async with self._moving:
            kbytes, begun = 0, time.perf_counter()
            ends, limit_s = begun + RATED_S, CONNECTED_S
            try:
                await self._link.call("trial", sql.ECHO, "", limit_s=limit_s)  # connecting moves nothing
                begun = time.perf_counter()
                while kbytes < MOST_KBYTES and time.perf_counter() - begun < MOVE_S:
                    limit_s = min(PIECE_S, ends - time.perf_counter())
                    await self._link.call("trial", sql.ECHO, PIECE, limit_s=limit_s)
                    kbytes += PIECE_KBYTES
            except CallError as error:
                if not kbytes:
                    status = 504 if waited(error, begun, limit_s) else 503
                    return Response(orjson.dumps({"why": str(error)}), status, media_type="application/json")
            per_s = kbytes / (time.perf_counter() - begun)
        return Response(orjson.dumps({"kbytes_per_s": per_s}), media_type="application/json")

    async def lookup(self, _request: Request) -> Response:
        """Look the name up, or wait on for the lookup of before."""
        try:
            await self._lookup.address(NAME_S)
        except TimeoutError:
            return Response(status_code=504)
        except socket.gaierror as error:
            return Response(orjson.dumps({"why": str(error)}), 503, media_type="application/json")
        return Response(orjson.dumps({"name": self._name}), media_type="application/json")
