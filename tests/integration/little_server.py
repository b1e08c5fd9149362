"""A little HTTP server in a thread, with bad manners to choose from."""

import asyncio
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Self

from tests.fake_runs import Trouble

Reply = Callable[["Server", bytes, asyncio.StreamWriter], None]


def answer(shop: "Server", request: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer as a good shop would."""
    body = b'{"order_id":"o-%d","digest":"d"}' % shop.requests
    status = b"201 Created" if request.startswith(b"POST") else b"200 OK"
    writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


def answer_and_hang_up(shop: "Server", request: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer, and close a connection that was promised to stay."""
    answer(shop, request, writer)
    writer.close()


def reset(shop: "Server", request: bytes, writer: asyncio.StreamWriter) -> None:
    """Take the request, and reset the connection."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def half(shop: "Server", request: bytes, writer: asyncio.StreamWriter) -> None:
    """Promise more than is sent."""
    writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"order_id":')
    writer.close()


def nonsense(shop: "Server", request: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer with success and a body that the shopper cannot read."""
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nnope")


def refuse(shop: "Server", request: bytes, writer: asyncio.StreamWriter) -> None:
    """Refuse an order for good."""
    writer.write(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n")


class Server:
    """An HTTP server in a thread, over TLS if told so: it counts keys and connections, replies as told, can be frozen."""

    def __init__(self, reply: Reply = answer, tls: ssl.SSLContext | None = None) -> None:
        self.keys: Counter[bytes] = Counter()
        self.requests = self.connections = 0
        self._tls = tls
        self._reply = reply
        self._thawed = asyncio.Event()
        self._thawed.set()
        self.loop = asyncio.new_event_loop()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.start_server(self._serve, sock=self._listening, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(starting, self.loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    def freeze(self) -> None:
        """Take requests, and answer none."""
        self.loop.call_soon_threadsafe(self._thawed.clear)

    def thaw(self) -> None:
        """Answer all that waits."""
        self.loop.call_soon_threadsafe(self._thawed.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                self.keys.update(re.findall(rb'"key":"([^"]+)"', body))
                self.requests += 1
                (await self._ready())(self, head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _ready(self) -> Reply:
        """Wait until a request may be answered; give how."""
        await self._thawed.wait()
        return self._reply

    async def _stop(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0.01)  # lets the transports close their sockets


class ScriptedServer(Server):
    """A server that is in trouble as a script has it; before ``begin`` it is well."""

    def __init__(self) -> None:
        super().__init__()
        self._script: tuple[Trouble, ...] = ()
        self._zero_ns = 0

    def begin(self, zero_ns: int, script: Sequence[Trouble]) -> None:
        """From now on, be in each trouble of the script when it is due; its zero is on the machine's monotonic clock."""
        self._zero_ns, self._script = zero_ns, tuple(script)

    async def _ready(self) -> Reply:
        now_s = (time.monotonic_ns() - self._zero_ns) / 1e9
        due = next((one for one in self._script if one.from_s <= now_s < one.to_s), None)
        if due is None or self.requests % due.one_in:
            return self._reply
        if not due.silent:
            return refuse
        await asyncio.sleep(due.to_s - now_s)
        return self._reply
