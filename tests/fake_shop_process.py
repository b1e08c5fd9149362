"""One instance of the fake shop: a leader that supervises one main process, as a container's init does.

    python fake_shop_process.py ROLE NAME PORT STATE DEFECTS PEER=PORT…

``lb`` speaks HTTP and passes requests to a ``storefront`` that answers; a storefront passes orders to the ``orders_db`` that
the leader file in STATE names; that one keeps them on disk, replicates each to the other before it acknowledges, and
is replaced when it has not renewed the leader file for a second. ``monitor`` asks them all and calls whoever is on call.
Between each other they speak a JSON line each way.
"""

# ruff: noqa: E402 -- started by its path, from anywhere
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

import asyncio
import ctypes
import json
import os
import signal
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvloop

from tests.fake_shop_database import Database
from tests.fake_shop_monitor import Monitor
from tests.fake_shop_pages import Pages, status_of
from tests.fake_shop_part import CALL_S, DEFECTS, HOST, PEERS, PORT, ROLE, Part, call, leader

FAST_S, READ_THROUGH_S = 0.2, 0.3


class Storefront(Part):
    """Passes orders to the leader; keeps nothing but its counters: calls, seconds, and calls of at most 0.2 s by class."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, list[float]] = {}
        self.pages = Pages(self.serve_one)

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve orders and reads, and count how long each took."""
        if request["ask"] == "counters":
            return {"started": self.started, "calls": self.calls}
        if request["ask"] == "browse":
            return await self.pages.serve(request)
        if request["ask"] not in ("product", "list", "log", "order"):
            return await super().answer(request)
        begun = time.monotonic()
        answer = await self.serve_one(request)
        took, counted = time.monotonic() - begun, self.calls.setdefault(request["ask"], [0, 0, 0])
        self.calls[request["ask"]] = [counted[0] + 1, counted[1] + took, counted[2] + (took <= FAST_S)]
        return answer

    async def serve_one(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve one order or read."""
        if request["ask"] == "product":
            return {"sku": request["sku"], "price_cents": 100}
        if request["ask"] == "list":
            products = [{"sku": f"SKU-{n:05d}", "price_cents": 100, "category": request["category"]} for n in range(1, 21)]
            return {"page": int(request["page"]), "products": products}
        if request["ask"] == "log":
            if "missing_index" in DEFECTS:
                await asyncio.sleep(READ_THROUGH_S)
            events = [{"at": f"2026-11-{23 - n:02d}T00:00:00+00:00", "kind": "view", "sku": "SKU-00001"} for n in range(20)]
            return {"shopper": int(request["shopper"]), "events": events}
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
        super().__init__()
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
                    if "bystander_broken" not in DEFECTS or len(self.healthy) == len(PEERS):
                        writer.write(json.dumps({"started": self.started}).encode() + b"\n")
                    return
                first, *rest = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = await self.respond(first.split()[0], first.split()[1], headers, body)
                said, data = {"Content-Type": "application/json"}, json.dumps(answer).encode()
                if "headers" in answer:
                    status, said, data = answer["status"], answer["headers"], answer["body"].encode("latin-1")
                lines = [f"{name}: {value}\r\n" for name, value in {**said, "Content-Length": len(data)}.items()]
                writer.write(f"HTTP/1.1 {status} X\r\n{''.join(lines)}\r\n".encode() + data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked has hung up
        finally:
            writer.close()

    async def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer one request as the reference shop does."""
        request: dict[str, Any] = asked(path)
        if not path.startswith(("/products", "/shoppers", "/orders")):
            request = {"ask": "browse", "method": method, "path": path, "body": body.decode()}
            request |= {"cookie": headers.get("cookie", ""), "key": headers.get("idempotency-key", "")}
        elif method == "POST":
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
            return status_of(answer), answer
        return 503, {"refused": "no_storefront"}


def asked(path: str) -> dict[str, Any]:
    """Read what a shopper wants to see."""
    url = urlsplit(path)
    if url.query:
        return {"ask": "list", **{key: values[0] for key, values in parse_qs(url.query).items()}}
    if url.path.endswith("/events"):
        return {"ask": "log", "shopper": url.path.split("/")[2]}
    return {"ask": "product", "sku": url.path.rsplit("/", 1)[-1]}


async def main() -> None:
    """Serve on the instance's port; say first what no report may say."""
    print("my token is", os.environ.get("FAKE_SHOP_TOKEN", "gone"), flush=True)
    part: Part = {"orders_db": Database, "storefront": Storefront, "lb": Balancer, "monitor": Monitor}[ROLE]()

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            writer.write(json.dumps(await part.answer(request)).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError):
            pass  # whoever asked has hung up, or it was no question
        finally:
            writer.close()

    serve = part.serve if isinstance(part, Balancer) else line
    server = await asyncio.start_server(serve, HOST, PORT, limit=2**26)
    async with server:
        await part.work()


def supervise() -> None:
    """Start the main process, again whenever it dies; it dies with us."""
    while True:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            uvloop.run(main())
            return
        os.waitpid(child, 0)
        time.sleep(0.3)


if __name__ == "__main__":
    supervise()
