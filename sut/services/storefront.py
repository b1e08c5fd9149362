"""The storefront: what it offers and a shopper's past are read, orders are placed, health and metrics are told.

Run with ``-m services.storefront``.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import FrameType

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import sql
from .assets import PICTURES, Assets, read_pictures
from .batches import Batches
from .browsing import NOT_NOW, Browsing
from .cache import Cache
from .carriage import MOST_BYTES, Carriage
from .carts import Carts
from .identity import Signer
from .journey import Journey
from .link import CallError, Link, Links, LostError
from .metrics import counted
from .orders import Answer, MalformedError, new_key, read_event, read_key, read_lines
from .pages import Pages
from .pulse import Pulse
from .replies import number, read_body, respond
from .schema import SHOPPERS
from .settings import Settings
from .shelves import LIMIT_S, Shelves
from .trial import Trial
from .way import Way

READ_LINKS = 4
EVENT_LINKS = 2  # each write waits for its commit
LOG_LINKS = 1  # apart from the others: however slow a shopper's past is to find, it holds up nothing else
CART_LINKS = 2  # a write waits for its commit, and must not hold up those who only look
LARGEST_ID = 2**31 - 1
LEAVES_S = 2.0  # four looks of the balancer, of which it believes two
ASLEEP_S = 0.005  # defect sync_sleep


class Storefront:
    """The routes and what stands behind them. ``painted`` are the shop's pictures by name."""

    def __init__(self, settings: Settings, painted: Mapping[str, bytes]) -> None:
        self.started = f"{time.time_ns()}-{os.getpid()}"
        self._way = way = Way(settings.dsn, remembers="forgets_addresses" not in settings.defects)
        self._logs, self._events = Links(way, LOG_LINKS), Links(way, EVENT_LINKS)
        self._carriage = Carriage(Link(way))
        self._pulse = Pulse(Link(way))
        self._cache = Cache(settings.cache) if settings.cache else None
        self._defects = settings.defects
        self._leaving = False
        self._reads = Links(way, READ_LINKS)
        shelves = Shelves(self._reads, self._cache, settings.defects)
        self._batches = Batches(Link(way), self._pulse, settings.defects, shelves.shown_cents)
        assets = Assets(painted)
        pages = Pages(assets)
        self._browsing = Browsing(shelves, assets, pages)
        carts = Carts(Links(way, CART_LINKS))
        self._journey = Journey(carts, self._batches, Signer(settings.signing_secret), pages)
        self._trial = Trial(way, settings.route)

    def app(self) -> Starlette:
        """Give the ASGI application."""
        routes = [
            Route("/orders", self.order, methods=["POST"]),
            *self._browsing.routes(),
            *self._journey.routes(),
            Route("/shoppers/{shopper}/events", self.events),
            Route("/shoppers/{shopper}/events", self.event, methods=["POST"]),
            Route("/health", self.health),
            Route("/carried/{size}", self.carried),
            Route("/health/cache", self.cache_health),
            Route("/metrics", metrics),
            self._trial.mount(),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        work = (self._batches.write, self._batches.sweep, self._pulse.beat, self._way.watch)
        tasks = [asyncio.create_task(forever()) for forever in work]
        yield
        for task in tasks:
            task.cancel()

    async def events(self, request: Request) -> Response:
        """Show a shopper's last events, the newest first: 200, 404 no such shopper, 503 not now."""
        shopper = number(request.path_params["shopper"], LARGEST_ID)
        if shopper is None:
            return respond((404, {"refused": "unknown_shopper"}))
        try:
            rows = await self._logs.call("log", sql.LOG, shopper, limit_s=LIMIT_S)
        except CallError:
            return respond(NOT_NOW)
        if not rows:
            return respond((404, {"refused": "unknown_shopper"}))
        events = [{"at": row["at"], "kind": row["kind"], "sku": row["sku"]} for row in rows]
        above = {"shopper": rows[0]["shopper_id"], **{key: rows[0][key] for key in ("since", "in_all", "last_order")}}
        return respond((200, {**above, "events": events}))

    async def event(self, request: Request) -> Response:
        """Write down what a shopper did: 201, 400 malformed, 404 no such shopper, 503 not now, 504 nobody knows."""
        shopper = number(request.path_params["shopper"], SHOPPERS)
        if shopper is None:
            return respond((404, {"refused": "unknown_shopper"}))
        try:
            kind, sku = read_event(await read_body(request))
        except MalformedError as error:
            return respond((400, {"refused": f"malformed: {error}"}))
        try:
            await self._events.call("event", sql.EVENT, shopper, kind, sku, limit_s=LIMIT_S)
        except LostError:
            return respond((504, {"unknown": "the database gave no clear answer"}))
        except CallError:
            return respond(NOT_NOW)
        return respond((201, {"shopper": shopper, "kind": kind, "sku": sku}))

    async def order(self, request: Request) -> Response:
        """Place one order; ``Batches.place`` has the answers, beside 400 for what is no order."""
        return respond(await counted(self._order(request)))

    def leave(self) -> None:
        """Say from now on that it is not well, so that nobody sends anything more; it serves until it is ended."""
        self._leaving = True

    async def health(self, _request: Request) -> Response:
        """Say whether orders can be committed, from the newest evidence, and not for one who leaves; asks nobody."""
        well = self._pulse.well and not self._leaving
        why = "asked to go" if self._leaving else self._pulse.why
        body = {"can_commit": well, "why": why, "started": self.started}
        return respond((200 if well else 503, body))

    async def carried(self, request: Request) -> Response:
        """Say how the way to the database carries so many bytes: 200, 400 more than that is for."""
        size = number(request.path_params["size"], MOST_BYTES)
        if size is None:
            return respond((400, {"refused": "malformed: size"}))
        return respond((200, await self._carriage.carry(size)))

    async def cache_health(self, _request: Request) -> Response:
        """Say whether the cache answers this replica, by asking it now: 200, 503, 404 where there is none."""
        if self._cache is None:
            return respond((404, {"refused": "no_cache"}))
        answers = await self._cache.answers()
        return respond((200 if answers else 503, {"answers": answers}))

    async def _order(self, request: Request) -> Answer:
        try:
            header, body = request.headers.get("idempotency-key"), await read_body(request)
            key = new_key(body) if header is None else read_key(header)
            lines = read_lines(body)
        except MalformedError as error:
            return 400, {"refused": f"malformed: {error}"}
        if "sync_sleep" in self._defects:
            time.sleep(ASLEEP_S)  # noqa: ASYNC251 -- that is the defect
        if "n_plus_one" in self._defects:
            await self._look_up(lines)
        return await self._batches.place(key, lines)

    async def _look_up(self, lines: Iterable[tuple[str, int]]) -> None:
        """Defect n_plus_one: ask for each line's product and what is beside it, by calls that no order needs."""
        for sku, _ in lines:
            with contextlib.suppress(CallError):
                for found in await self._reads.call("product", sql.PRODUCT, sku, limit_s=LIMIT_S):
                    await self._reads.call("list", sql.LIST, found["category"], 0, limit_s=LIMIT_S)


async def metrics(_request: Request) -> Response:
    """Give all metrics as Prometheus text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class Server(uvicorn.Server):
    """A server that is not gone at once when it is told to stop: first it says so, for as long as balancers need to hear."""

    def __init__(self, config: uvicorn.Config, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self._leave = leave

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Say so, and stop a little later."""
        self._leave()
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, LEAVES_S, super().handle_exit, sig, frame)


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings.read(os.environ)
    storefront = Storefront(settings, read_pictures(PICTURES))
    config = uvicorn.Config(
        storefront.app(),
        host="0.0.0.0",  # noqa: S104 -- inside its container
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,  # longer than a balancer keeps an idle connection, so that it never sends into a closing one
        timeout_graceful_shutdown=5,
    )
    Server(config, storefront.leave).run()


if __name__ == "__main__":
    main()
