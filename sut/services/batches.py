"""The order writer: whoever waits when the previous commit returned travels together in the next one."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol

from . import sql
from .link import CallError, DeclinedError, UnreachableError
from .metrics import BATCH_ORDERS
from .orders import Answer, Order, hash_lines
from .pulse import Pulse

log = logging.getLogger("storefront")

WAITING_MAX = 2_000
BATCH_MAX = 256
LINGER_S = 0.010
WAIT_S = 4.0  # an order not sent by then is refused, up to 0.9 s later if it waits for a connection
RETRY_S = 0.1
SWEEP_S = 0.25

BUSY: Answer = (503, {"refused": "busy"})
NO_DATABASE: Answer = (503, {"refused": "database"})
UNKNOWN: Answer = (504, {"unknown": "the database gave no clear answer"})


ShownCents = Callable[[str], Awaitable[int | None]]  # a product's price as it is shown


class Calls(Protocol):
    """What the writer needs of a link."""

    async def call(self, kind: str, statement: str, *arguments: object) -> list[Any]:
        """Run one statement as one transaction, see ``link.Link.call``."""
        ...


class Batches:
    """Takes orders in, writes them in batches of one statement, one batch at a time, answers each after its commit."""

    def __init__(
        self, link: Calls, pulse: Pulse, defects: Collection[str] = (), shown_cents: ShownCents | None = None
    ) -> None:
        self._link = link
        self._pulse = pulse
        self._place = sql.place(defects)
        self._repeatable = "no_idempotency" in defects
        self._hasty = "ack_before_commit" in defects
        self._patient = "no_shedding" in defects
        self._shown_cents = shown_cents if "price_from_cache" in defects else None
        self._prices: dict[str, int] = {}  # defect ack_before_commit: what it promises without asking
        self._waiting: deque[Order] = deque()
        self._some = asyncio.Event()

    async def place(self, key: str, lines: tuple[tuple[str, int], ...]) -> Answer:
        """Place one order and give the answer to the shopper.

        201 placed, 200 placed before by the same request, 404 and 409 refused, 503 refused without having been sent, or
        rolled back; 504 unknown. An order waits at most 5 s to be sent, and what was sent is answered within the limits of
        its calls.
        """
        if len(self._waiting) >= WAITING_MAX and not self._patient:
            return BUSY
        answer = asyncio.get_running_loop().create_future()
        order = Order(key, hash_lines(lines), lines, time.monotonic() + WAIT_S, answer)
        if self._shown_cents is not None:
            order.told = {sku: await self._shown_cents(sku) for sku, _ in lines}
        self._waiting.append(order)
        self._some.set()
        if self._hasty and all(sku in self._prices for sku, _ in lines):
            order.settle(201, _body(key, [(sku, n, self._prices[sku]) for sku, n in lines]))
        return await order.answer

    async def write(self) -> None:
        """Write batches for ever."""
        while True:
            await self._some.wait()
            oldest = self._waiting[0].due - WAIT_S
            await asyncio.sleep(oldest + LINGER_S - time.monotonic())  # nothing, where the last commit took as long
            batch = self._draw()
            try:
                await self._write(batch)
            except Exception:  # whatever it was, these shoppers and the next batch must not wait for it
                log.exception("a batch of %d orders failed", len(batch))
                _settle_all(batch, UNKNOWN)

    async def sweep(self) -> None:
        """Refuse, for ever, the orders that have waited too long; they were not sent."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self._expire()

    def _draw(self) -> list[Order]:
        """Take the oldest orders, each key once: the same key again goes with a later batch, as a replay."""
        batch: list[Order] = []
        later: list[Order] = []
        keys: set[str] = set()
        while self._waiting and len(batch) < BATCH_MAX:
            order = self._waiting.popleft()
            (later if order.key in keys and not self._repeatable else batch).append(order)
            keys.add(order.key)
        self._put_back(later)
        return batch

    def _expire(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0].due <= now and not self._patient:
            self._waiting.popleft().settle(*NO_DATABASE)
        self._note()

    def _put_back(self, orders: Sequence[Order]) -> None:
        self._waiting.extendleft(reversed(orders))
        self._note()

    def _note(self) -> None:
        if self._waiting:
            self._some.set()
        else:
            self._some.clear()

    async def _write(self, batch: list[Order]) -> None:
        if not batch:
            return
        try:
            told = [] if self._shown_cents is None else [_told(batch)]
            rows = await self._link.call("order", self._place, *_arguments(batch), *told)
        except CallError as error:
            self._pulse.bad(str(error))
            await self._failed(batch, error)
            return
        self._pulse.good()
        BATCH_ORDERS.observe(len(batch))
        if self._hasty:
            self._prices.update((row["sku"], row["price_cents"]) for row in rows if row["price_cents"])
        await self._settle(batch, rows)

    async def _failed(self, batch: list[Order], error: CallError) -> None:
        if isinstance(error, UnreachableError):
            # A hasty shop forgets here what it has already promised.
            self._put_back([order for order in batch if not order.answer.done()])
            self._expire()  # the sweeper cannot see orders while they wait for a connection
            await asyncio.sleep(RETRY_S)
            return
        answer = NO_DATABASE if isinstance(error, DeclinedError) else UNKNOWN
        log.warning("%d orders answered %d: %s", len(batch), answer[0], error)
        _settle_all(batch, answer)

    async def _settle(self, batch: list[Order], rows: list[Any]) -> None:
        """Answer those that were placed, and find out about those that were not."""
        by_order: list[list[Any]] = [[] for _ in batch]
        for row in rows:
            by_order[row["o"] - 1].append(row)
        passed_over = []
        for order, lines in zip(batch, by_order, strict=True):
            if lines[0]["id"] is None:
                passed_over.append((order, lines))
            else:
                prices = {line["sku"]: line["price_cents"] for line in lines}
                body = _body(lines[0]["id"], [(sku, n, prices[sku]) for sku, n in order.lines])
                order.settle(201, body)
        if passed_over:
            await self._pass_over(passed_over)

    async def _pass_over(self, orders: list[tuple[Order, list[Any]]]) -> None:
        """Answer orders that were not placed: placed before, impossible, or passed over without need, to try again."""
        try:
            found = await self._link.call("replay", sql.REPLAY, [order.key for order, _ in orders])
        except CallError as error:
            self._pulse.bad(str(error))
            _settle_all([order for order, _ in orders], UNKNOWN)  # the key may have been placed before
            return
        before = {} if self._repeatable else {row["key"]: row for row in found}
        again = []
        for order, lines in orders:
            answer = replayed(order, before[order.key]) if order.key in before else impossible(order, lines)
            if answer is None:
                again.append(order)
            else:
                order.settle(*answer)
        self._put_back(again)


def replayed(order: Order, row: Any) -> Answer:
    """Answer an order whose key was placed before, with the first answer if it is the same order; pure."""
    if row["body_hash"] != order.body_hash:
        return 409, {"refused": "key_reused"}
    return 200, _body(row["id"], list(zip(row["skus"], row["qtys"], row["prices"], strict=True)))


def impossible(order: Order, rows: list[Any]) -> Answer | None:
    """Say which line cannot be had; None if what is left would do, so that the order deserves another go; pure."""
    remaining = {row["sku"]: row["remaining"] for row in rows}
    for sku, n in order.lines:
        if remaining[sku] is None:
            return 404, {"refused": "unknown_sku", "sku": sku}
        if remaining[sku] < n:
            return 409, {"refused": "sold_out", "sku": sku}
    return None


def _arguments(batch: list[Order]) -> tuple[list[Any], ...]:
    lines = [(o, sku, n) for o, order in enumerate(batch, start=1) for sku, n in order.lines]
    numbers, skus, qtys = (list(column) for column in zip(*lines, strict=True))
    return [order.key for order in batch], [order.body_hash for order in batch], numbers, skus, qtys


def _told(batch: list[Order]) -> list[int | None]:
    """Defect price_from_cache: give what each line is to cost, null where only the database knows."""
    return [order.told.get(sku) for order in batch for sku, _ in order.lines]


def _body(order_id: int | str, lines: list[tuple[str, int, int]]) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "amount_cents": sum(n * price for _, n, price in lines),
        "lines": [{"sku": sku, "qty": n, "price_cents": price} for sku, n, price in lines],
    }


def _settle_all(orders: Sequence[Order], answer: Answer) -> None:
    for order in orders:
        order.settle(*answer)
