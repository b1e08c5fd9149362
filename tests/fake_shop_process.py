"""One instance of the fake shop: a leader that supervises one main process, as a container's init does.

    python fake_shop_process.py ROLE NAME PORT STATE DEFECTS PEER=PORT…

``lb`` speaks HTTP and passes requests to a ``storefront`` that answers; a storefront passes orders to the ``orders_db`` that
the leader file in STATE names; that one keeps them in memory, replicates each to the other before it acknowledges, and
is replaced when it has not renewed the leader file for a second. Between each other they speak a JSON line each way.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

ROLE, NAME, PORT, STATE, DEFECTS = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5].split(",")
PEERS = {name: int(port) for name, port in (pair.split("=") for pair in sys.argv[6:])}
LEADER = STATE / "leader.json"
STALE_S, RENEW_S, CALL_S = 1.0, 0.1, 1.0
STARTED = str(time.time_ns())


async def call(port: int, request: dict[str, Any], timeout_s: float = CALL_S) -> dict[str, Any]:
    """Ask one peer one thing. Raises ConnectionRefusedError if nothing was sent, TimeoutError or OSError later."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port, limit=2**26), timeout_s)
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        line = await asyncio.wait_for(reader.readline(), timeout_s)
        if not line:
            raise ConnectionResetError("the peer hung up")
        answer: dict[str, Any] = json.loads(line)
        return answer
    finally:
        writer.close()


class Part:
    """What every instance can do: say that it lives, and since when."""

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        if request["ask"] in ("ping", "started"):
            return {"started": STARTED}
        return {"error": f"{NAME} cannot {request['ask']}"}

    async def work(self) -> None:
        """Do what the part does by itself, for ever."""
        await asyncio.Event().wait()


class Database(Part):
    """A node of orders_db: orders and stock in memory, one leader at a time."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.by_key: dict[str, dict[str, Any]] = {}
        self.stock: dict[str, int] = {}
        self.synced = False
        self.other = next(port for name, port in PEERS.items() if name != NAME)
        self.turn = asyncio.Lock()

    def left(self, sku: str) -> int:
        """How many pieces are left of a product."""
        return self.stock.get(sku, 500 if sku == "SKU-LAST" else 10**6)

    @property
    def leads(self) -> bool:
        """Whether the leader file names this node and was renewed in time."""
        found = leader()
        return found["name"] == NAME and time.time() - found["at"] < STALE_S

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve orders, replication, and the audit."""
        ask = request["ask"]
        if ask == "order":
            async with self.turn:
                return await self.order(request)
        if ask == "replicate":
            if self.leads or not self.synced:
                return {"error": "not your standby"}
            self.store(request["order"])
            return {"ok": True}
        if ask == "dump":
            return {"orders": self.orders, "stock": self.stock, "role": "primary" if self.leads else "standby"}
        if ask == "standbys":
            return {"standbys": await self.standbys()}
        return await super().answer(request)

    async def standbys(self) -> int:
        """How many standbys would take a replicated order now."""
        try:
            return int((await call(self.other, {"ask": "synced"}, 0.4)).get("synced", False))
        except (OSError, TimeoutError):
            return 0

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
        try:
            refused = "error" in await call(self.other, {"ask": "replicate", "order": order}, 0.4)
        except (OSError, TimeoutError):
            refused = False  # the standby is away: go on alone, as without strict mode
        if not self.leads or (refused and leader()["name"] != NAME):
            return {"unknown": "lost the lead"}
        self.store(order)
        return order

    def store(self, order: dict[str, Any]) -> None:
        """Keep an order and take its pieces from the stock."""
        self.orders.append(order)
        self.by_key[order["key"]] = order
        for number, line in enumerate(order["lines"]):
            if "oversell" in DEFECTS and (len(self.orders) + number) % 10 == 0:
                continue  # a lost update
            self.stock[line["sku"]] = self.left(line["sku"]) - line["qty"]

    async def work(self) -> None:
        """Renew the lead, take it over when it is stale, or copy everything from the leader after a start."""
        while True:
            found = leader()
            fresh = time.time() - found["at"] < STALE_S
            if found["name"] == NAME and (fresh or not self.synced):
                lead()
                self.synced = True
            elif found["name"] == NAME or (fresh and not self.synced):
                self.synced = False
                await self.copy()
            elif not fresh and self.synced and "no_failover" not in DEFECTS:
                lead()
            await asyncio.sleep(RENEW_S)

    async def copy(self) -> None:
        """Become a standby of the leader: its orders, its stock."""
        try:
            dump = await call(self.other, {"ask": "dump"}, 2.0)
        except (OSError, TimeoutError):
            if leader()["name"] == NAME:
                lead()  # alone, and the last leader: go on with what we have
                self.synced = True
            return
        if dump["role"] == "primary" or leader()["name"] != NAME:
            self.orders = list(dump["orders"])
            self.by_key = {order["key"]: order for order in self.orders}
            self.stock = dict(dump["stock"])
            self.synced = True


class Storefront(Part):
    """Passes orders to the leader; keeps nothing."""

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve orders and product reads."""
        if request["ask"] == "read":
            return {"sku": request["sku"], "price_cents": 100}
        if request["ask"] != "order":
            return await super().answer(request)
        if "ack_before_commit" in DEFECTS:
            asyncio.get_running_loop().create_task(self.forward(request))
            lines = [{**line, "price_cents": 100} for line in request["lines"]]
            amount = sum(line["qty"] * 100 for line in lines)
            return {"order_id": f"early-{request['key']}", "lines": lines, "amount_cents": amount}
        return await self.forward(request)

    async def forward(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask the leader. Refused only where nothing was sent."""
        try:
            return await call(PEERS[leader()["name"]], request)
        except (ConnectionRefusedError, KeyError):
            return {"refused": "database"}
        except (OSError, TimeoutError, ValueError) as error:
            return {"unknown": str(error)}


class Balancer(Part):
    """Speaks HTTP; passes each request to a storefront that answered a moment ago."""

    def __init__(self) -> None:
        self.healthy: list[int] = list(PEERS.values())
        self.turn = 0

    async def work(self) -> None:
        """Ask every storefront five times a second whether it answers."""
        while True:
            asked = await asyncio.gather(
                *(call(port, {"ask": "ping"}, 0.3) for port in PEERS.values()), return_exceptions=True
            )
            self.healthy = [port for port, said in zip(PEERS.values(), asked, strict=True) if isinstance(said, dict)]
            await asyncio.sleep(0.2)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one keep-alive connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"{"):  # a question of a sense, not a shopper
                    writer.write(json.dumps({"started": STARTED}).encode() + b"\n")
                    return
                first, *rest = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = await self.respond(first.split()[0], first.split()[1], headers, body)
                data = json.dumps(answer).encode()
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(data))
                )
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer one request as the reference shop does."""
        request: dict[str, Any] = {"ask": "read", "sku": path.rsplit("/", 1)[-1]}
        if method == "POST":
            request = {"ask": "order", "key": headers["idempotency-key"], **json.loads(body)}
        for _ in range(2):
            if not self.healthy:
                break
            self.turn += 1
            try:
                answer = await call(self.healthy[self.turn % len(self.healthy)], request, 2 * CALL_S)
            except ConnectionRefusedError:
                continue  # nothing was sent: try the other one
            except (OSError, TimeoutError):
                return 504, {"unknown": "the storefront did not answer"}
            if "refused" in answer:
                return (409 if answer["refused"] == "sold_out" else 503), answer
            return (504 if "unknown" in answer else 200), answer
        return 503, {"refused": "no_storefront"}


def leader() -> dict[str, Any]:
    """Read who leads, and when that was last renewed."""
    found: dict[str, Any] = json.loads(LEADER.read_text())
    return found


def lead() -> None:
    """Take or renew the lead, whole or not at all."""
    fresh = LEADER.with_suffix(f".{NAME}")
    fresh.write_text(json.dumps({"name": NAME, "at": time.time()}))
    fresh.rename(LEADER)


async def main() -> None:
    """Serve on the instance's port."""
    part: Part = {"orders_db": Database, "storefront": Storefront, "lb": Balancer}[ROLE]()

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            answer = (
                {"synced": part.synced}
                if isinstance(part, Database) and request["ask"] == "synced"
                else await part.answer(request)
            )
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError):
            pass
        finally:
            writer.close()

    serve = part.serve if isinstance(part, Balancer) else line
    server = await asyncio.start_server(serve, "127.0.0.1", PORT, limit=2**26)
    async with server:
        await part.work()


def supervise() -> None:
    """Start the main process, again whenever it dies; it dies with us."""
    while True:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            asyncio.run(main())
            return
        os.waitpid(child, 0)
        time.sleep(0.3)


if __name__ == "__main__":
    supervise()
