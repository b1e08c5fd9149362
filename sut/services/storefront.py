"""The storefront: products are read, orders are placed, health and metrics are told. Run with ``-m services.storefront``."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator

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
from .metrics import ORDERS
from .orders import Answer, MalformedError, is_sku, read_key, read_lines
from .pulse import Pulse
from .settings import Settings

READ_LINKS = 4
READ_LIMIT_S = 1.0
BODY_MAX = 8_192
RETRY_AFTER = {"Retry-After": "1"}


class Storefront:
    """The four routes and what stands behind them."""

    def __init__(self, settings: Settings) -> None:
        self.started = f"{time.time_ns()}-{os.getpid()}"
        self._reads = Links(settings.dsn, READ_LINKS)
        self._pulse = Pulse(Link(settings.dsn))
        self._batches = Batches(Link(settings.dsn), self._pulse, settings.defects)

    def app(self) -> Starlette:
        """Give the ASGI application."""
        routes = [
            Route("/products/{sku}", self.product),
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
        row = rows[0]
        product = {"sku": row["sku"], "name": row["name"], "price_cents": row["price_cents"], "in_stock": row["qty"] > 0}
        return respond((200, product))

    async def order(self, request: Request) -> Response:
        """Place one order; ``Batches.place`` has the answers, beside 400 for what is no order."""
        try:
            key = read_key(request.headers.get("idempotency-key"))
            lines = read_lines(await read_body(request))
        except MalformedError as error:
            answer: Answer = (400, {"refused": f"malformed: {error}"})
        else:
            answer = await self._batches.place(key, lines)
        ORDERS.labels(str(answer[0])).inc()
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
