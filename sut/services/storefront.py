"""The storefront: products and a shopper's past are read, orders are placed, health and metrics are told.

Run with ``-m services.storefront``.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import sql
from .batches import Batches
from .link import CallError, Link, Links
from .metrics import ORDER_SECONDS, ORDERS
from .orders import Answer, MalformedError, is_sku, read_key, read_lines
from .pulse import Pulse
from .settings import Settings

READ_LINKS = 4
LOG_LINKS = 1  # apart from the others: however slow a shopper's past is to find, it holds up nothing else
READ_LIMIT_S = 1.0
BODY_MAX = 8_192
LATEST_PAGE = 1_000
LARGEST_ID = 2**31 - 1
RETRY_AFTER = {"Retry-After": "1"}


class Storefront:
    """The routes and what stands behind them."""

    def __init__(self, settings: Settings) -> None:
        self.started = f"{time.time_ns()}-{os.getpid()}"
        self._reads = Links(settings.dsn, READ_LINKS)
        self._logs = Links(settings.dsn, LOG_LINKS)
        self._pulse = Pulse(Link(settings.dsn))
        self._batches = Batches(Link(settings.dsn), self._pulse, settings.defects)

    def app(self) -> Starlette:
        """Give the ASGI application."""
        routes = [
            Route("/products", self.products),
            Route("/products/{sku}", self.product),
            Route("/shoppers/{shopper}/events", self.events),
            Route("/orders", self.order, methods=["POST"]),
            Route("/health", self.health),
            Route("/metrics", metrics),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        work = (self._batches.write, self._batches.sweep, self._pulse.beat)
        tasks = [asyncio.create_task(forever()) for forever in work]
        yield
        for task in tasks:
            task.cancel()

    async def product(self, request: Request) -> Response:
        """Show one product: 200, 404 unknown, 503 not now."""
        sku = request.path_params["sku"]
        if not is_sku(sku):
            return respond((404, {"refused": "unknown_sku"}))
        try:
            rows = await self._reads.call("product", sql.PRODUCT, sku, limit_s=READ_LIMIT_S)
        except CallError:
            return respond((503, {"refused": "database"}))
        if not rows:
            return respond((404, {"refused": "unknown_sku"}))
        return respond((200, shown(rows[0])))

    async def products(self, request: Request) -> Response:
        """Show a page of a category, by sku: 200, 400 malformed, 404 nothing there, 503 not now."""
        category = request.query_params.get("category")
        page = number(request.query_params.get("page", "1"), LATEST_PAGE)
        if not is_sku(category) or page is None:
            return respond((400, {"refused": "malformed: category or page"}))
        try:
            rows = await self._reads.call("list", sql.LIST, category, (page - 1) * sql.PAGE, limit_s=READ_LIMIT_S)
        except CallError:
            return respond((503, {"refused": "database"}))
        if not rows:
            return respond((404, {"refused": "no_such_page"}))
        listed = [shown(row) | {"category": row["category"]} for row in rows]
        return respond((200, {"page": page, "products": listed}))

    async def events(self, request: Request) -> Response:
        """Show a shopper's last events, the newest first: 200, 404 no such shopper, 503 not now."""
        shopper = number(request.path_params["shopper"], LARGEST_ID)
        if shopper is None:
            return respond((404, {"refused": "unknown_shopper"}))
        try:
            rows = await self._logs.call("log", sql.LOG, shopper, limit_s=READ_LIMIT_S)
        except CallError:
            return respond((503, {"refused": "database"}))
        if not rows:
            return respond((404, {"refused": "unknown_shopper"}))
        events = [{"at": row["at"], "kind": row["kind"], "sku": row["sku"]} for row in rows]
        above = {"shopper": rows[0]["shopper_id"], **{key: rows[0][key] for key in ("since", "in_all", "last_order")}}
        return respond((200, {**above, "events": events}))

    async def order(self, request: Request) -> Response:
        """Place one order; ``Batches.place`` has the answers, beside 400 for what is no order."""
        begun = time.perf_counter()
        try:
            key = read_key(request.headers.get("idempotency-key"))
            lines = read_lines(await read_body(request))
        except MalformedError as error:
            answer: Answer = (400, {"refused": f"malformed: {error}"})
        else:
            answer = await self._batches.place(key, lines)
        ORDERS.labels(str(answer[0])).inc()
        ORDER_SECONDS.observe(time.perf_counter() - begun)
        return respond(answer)

    async def health(self, _request: Request) -> Response:
        """Say whether orders can be committed, from the newest evidence; asks nobody."""
        well = self._pulse.well
        body = {"can_commit": well, "why": self._pulse.why, "started": self.started}
        return respond((200 if well else 503, body))


async def metrics(_request: Request) -> Response:
    """Give all metrics as Prometheus text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def read_body(request: Request) -> bytes:
    """Read a body that may be an order. Raises ``MalformedError`` as soon as it is too long for one."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise MalformedError("too_long")
    return body


def number(text: str, most: int) -> int | None:
    """Read a number from 1 to ``most``; None for what is none."""
    found = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else 0
    return found if 1 <= found <= most else None


def shown(row: Any) -> dict[str, Any]:
    """Give what shoppers see of a product."""
    return {"sku": row["sku"], "name": row["name"], "price_cents": row["price_cents"], "in_stock": row["qty"] > 0}


def respond(answer: Answer) -> Response:
    """Turn an answer into a response."""
    status, body = answer
    return Response(
        orjson.dumps(body), status, headers=RETRY_AFTER if status == 503 else None, media_type="application/json"
    )


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings.read(os.environ)
    uvicorn.run(
        Storefront(settings).app(),
        host="0.0.0.0",  # noqa: S104 -- inside its container
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,  # longer than a balancer keeps an idle connection, so that it never sends into a closing one
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
