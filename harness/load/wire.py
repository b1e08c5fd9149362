"""HTTP as a shopper speaks it, in the load child only: keep-alive, bounded, and never a silent second sending.

The pool and the parser are geventhttpclient's. Its client is not used: it repeats requests by itself, and hides whether
a failure came before or after the first byte left, which is just what the ledger must know.
"""

import errno
import socket
import ssl
from collections.abc import Callable
from time import monotonic_ns
from typing import Any
from urllib.parse import urlsplit

import gevent
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

from harness.history import REFUSED, SHED, UNKNOWN
from harness.load.shopper import Answer, Request
from harness.model import noun

BLOCK = 16_384
BODY_MAX = 1 << 24  # no page or picture of a shop is longer; what never ends must end somewhere
IDLE_MAX_NS = 3_000_000_000
PORTS = {"http": 80, "https": 443}
OUR_OWN_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
Judge = Callable[[Request, int, bytes], Answer]


@noun
class Result:
    """What became of one arrival. ``attempts`` counts the sendings of which a byte may have left; 0: surely none did."""

    done_ns: int
    status: int
    attempts: int
    answer: Answer


@noun
class Got:
    """What one sending brought. ``status`` is 0 without a whole answer; ``lack`` is what that proves."""

    status: int
    attempts: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    lack: Answer = Answer(fate=UNKNOWN)


class Wire:
    """Sends requests to one entry, any number at a time: ``http://host:port``, or ``https`` proved by ``ca`` (PEM) alone.

    Raises ``ValueError`` for other URLs, ``ssl.SSLError`` for a ``ca`` that is no certificate.
    """

    def __init__(self, url: str, timeout_s: float, connections_max: int, ca: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(f"the load enters at http://host:port or https://host:port, not at {url!r}")
        self._host = parts.netloc
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        tls = ssl.create_default_context(cadata=ca) if parts.scheme == "https" else None
        self._pool = _Pool(parts.hostname, parts.port or PORTS[parts.scheme], connections_max, tls)

    def send(self, request: Request, judge: Judge) -> Result:
        """Send once, wait for the answer within the time-out, and say what it means."""
        got = self.exchange(request, self._timeout_s)
        done_ns = monotonic_ns()
        answer = judge(request, got.status, got.body) if got.status else got.lack
        return Result(done_ns=done_ns, status=got.status, attempts=got.attempts, answer=answer)

    def exchange(self, request: Request, timeout_s: float) -> Got:
        """Send once, and wait for the whole answer within ``timeout_s``.

        No connection: its lack means refused, as nothing was sent (shed, where this machine's own limits were the reason).
        Any failure from the first byte on: unknown.
        """
        data = self._bytes(request)
        attempts = 0
        deadline = gevent.Timeout.start_new(timeout_s)
        try:
            sock = self._pool.get_socket()
            attempts = 1
            return self._exchange(sock, request.method, data)
        except (OSError, HTTPParseError, gevent.Timeout) as error:
            if isinstance(error, gevent.Timeout) and error is not deadline:
                raise
            return Got(status=0, attempts=attempts, lack=_without_answer(attempts, error))
        finally:
            deadline.close()

    def _exchange(self, sock: Any, method: str, data: bytes) -> Got:
        try:
            sock.sendall(data)
        except BaseException:
            self._pool.release_socket(sock)
            raise
        with HTTPSocketPoolResponse(sock, self._pool, block_size=BLOCK, method=method) as response:
            body = piece = response.read(BLOCK)
            while piece:
                piece = response.read(BLOCK)
                body += piece
                if len(body) > BODY_MAX:
                    raise HTTPParseError(f"the answer is longer than {BODY_MAX} bytes")
            return Got(status=response.get_code(), attempts=1, headers=tuple(response.items()), body=body)

    def _bytes(self, request: Request) -> bytes:
        lines = [f"{request.method} {self._prefix}{request.path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        if request.body or request.method not in {"GET", "HEAD"}:
            lines.append(f"Content-Length: {len(request.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def _without_answer(attempts: int, error: BaseException) -> Answer:
    """Say what the lack of an answer proves."""
    if attempts:
        return Answer(fate=UNKNOWN)
    return Answer(fate=SHED if getattr(error, "errno", None) in OUR_OWN_LIMITS else REFUSED)


class _Pool(ConnectionPool):
    """Keeps connections, the most recently used first, and does not trust those that idled for long.

    A server closes idle connections at a time of its own; a request that crosses with that would be unknown for nothing.
    """

    def __init__(self, host: str, port: int, size: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, host, port, size=size)
        self._name, self._tls = host, tls
        self.connection_timeout = self.network_timeout = None  # type: ignore[assignment]  # see Wire.send
        self._addresses = super()._resolve()
        self._idle_since: dict[Any, int] = {}

    def _resolve(self) -> Any:
        return self._addresses

    def _connect_socket(self, sock: Any, address: Any) -> Any:
        connected = super()._connect_socket(sock, address)
        return self._tls.wrap_socket(connected, server_hostname=self._name) if self._tls else connected

    def after_connect(self, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def return_socket(self, sock: Any) -> None:
        self._idle_since[sock] = monotonic_ns()
        super().return_socket(sock)

    def _is_socket_alive(self, sock: Any) -> bool:
        """Look without select(), which knows no file number above 1023: alive means nothing to read, not even the end."""
        if monotonic_ns() - self._idle_since.pop(sock) > IDLE_MAX_NS:
            return False
        try:
            sock._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)  # noqa: SLF001 -- gevent's own recv would wait
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
