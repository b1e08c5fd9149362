"""A node of the fake shop's orders_db: it keeps orders on disk, and the other node in step before it acknowledges."""

import asyncio
import json
from typing import Any

from tests.fake_shop_part import DEFECTS, NAME, PEERS, RENEW_S, STATE, Part, call, fresh, lead, leader

LAST, LAST_STOCK, STOCK = "SKU-LAST", 100, 10**6
REPLICATE_S = 0.4


class Database(Part):
    """One leader at a time. A standby that missed an order is out of step, and says so in the leader file, until it joins.

    Only a standby in step takes over a lead that was not renewed in time; so nothing acknowledged is ever lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.file = STATE / f"{NAME}.orders"
        self.orders: list[dict[str, Any]] = []
        self.by_key: dict[str, dict[str, Any]] = {}
        self.stock: dict[str, int] = {}
        self.in_step = False  # the leader's word of its standby
        self.other = next(port for name, port in PEERS.items() if name != NAME)
        self.turn = asyncio.Lock()
        self.load([json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else [])

    @property
    def leads(self) -> bool:
        """Whether the leader file names this node and was renewed in time."""
        found = leader()
        return found["name"] == NAME and fresh(found)

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve the audit and the senses at once, all that changes orders in turn."""
        ask = request["ask"]
        if ask == "standbys":
            return {"standbys": await self.standbys()}
        if ask == "dump":
            return {"orders": self.orders, "stock": self.stock, "role": "primary" if self.leads else "standby"}
        if ask not in ("order", "replicate", "join"):
            return await super().answer(request)
        async with self.turn:
            if ask == "order":
                return await self.order(request)
            return self.welcome() if ask == "join" else self.follow(request["order"])

    def follow(self, order: dict[str, Any]) -> dict[str, Any]:
        """Store what the leader replicates."""
        if self.leads:
            return {"error": "not your standby"}
        self.store(order)
        return {"ok": True}

    async def standbys(self) -> int:
        """How many standbys are in step and answer."""
        try:
            return int(self.leads and self.in_step and "started" in await call(self.other, {"ask": "ping"}, 0.4))
        except (OSError, TimeoutError):
            return 0

    def left(self, sku: str) -> int:
        """How many pieces are left of a product."""
        return self.stock.get(sku, LAST_STOCK if sku == LAST else STOCK)

    async def order(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take an order once, replicated before it is acknowledged."""
        if not self.leads:
            return {"refused": "read-only"}
        known = self.by_key.get(request["key"])
        if known and "no_idempotency" not in DEFECTS:
            return {"replay": True, **known}
        for line in request["lines"]:
            if self.left(line["sku"]) < line["qty"] and "oversell" not in DEFECTS:
                return {"refused": "sold_out"}
        lines = [{**line, "price_cents": 100} for line in request["lines"]]
        amount = sum(line["qty"] * 100 for line in lines)
        order = {"order_id": f"{NAME}-{len(self.orders)}", "key": request["key"], "lines": lines, "amount_cents": amount}
        if not await self.replicated(order):
            return {"unknown": "lost the lead"}
        self.store(order)
        return order

    async def replicated(self, order: dict[str, Any]) -> bool:
        """Bring an order to a standby in step; one that does not take it is out of step. Say whether we still lead."""
        if self.in_step:
            try:
                self.in_step = "ok" in await call(self.other, {"ask": "replicate", "order": order}, REPLICATE_S)
            except (OSError, TimeoutError):
                self.in_step = False
            if self.leads and not self.in_step:
                lead(standby=False)  # before anything is acknowledged that the standby does not have
        return self.leads

    def store(self, order: dict[str, Any]) -> None:
        """Keep an order, on disk first, and take its pieces from the stock."""
        with self.file.open("a") as file:
            file.write(json.dumps(order) + "\n")
        self.take(order)

    def take(self, order: dict[str, Any]) -> None:
        """Count an order in."""
        self.orders.append(order)
        self.by_key[order["key"]] = order
        for number, line in enumerate(order["lines"]):
            if "oversell" in DEFECTS and (len(self.orders) + number) % 10 == 0:
                continue  # a lost update
            self.stock[line["sku"]] = self.left(line["sku"]) - line["qty"]

    def load(self, orders: list[dict[str, Any]]) -> None:
        """Begin anew with these orders."""
        self.orders, self.by_key, self.stock = [], {}, {}
        for order in orders:
            self.take(order)

    def welcome(self) -> dict[str, Any]:
        """Give a joining standby all orders: from now on it is in step."""
        if not self.leads:
            return {"error": "not the leader"}
        self.in_step = True
        lead(standby=True)
        return {"orders": self.orders}

    async def work(self) -> None:
        """Renew the lead, take it over when it is stale, or join the leader when out of step."""
        while True:
            found = leader()
            if found["name"] == NAME:
                lead(standby=self.in_step)  # nobody took over, so nobody has more than we
            elif not found["standby"]:
                await self.join()
            elif not fresh(found) and "no_failover" not in DEFECTS:
                self.in_step = False
                lead(standby=False)
            await asyncio.sleep(RENEW_S)

    async def join(self) -> None:
        """Copy everything from the leader; orders that it replicates meanwhile wait for their turn."""
        async with self.turn:
            try:
                whole = await call(self.other, {"ask": "join"}, 2.0)
            except (OSError, TimeoutError):
                return
            if "orders" in whole:
                self.file.write_text("".join(json.dumps(order) + "\n" for order in whole["orders"]))
                self.load(whole["orders"])
