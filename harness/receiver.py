"""The receiver of alerts: what the shop's monitoring tells whoever is on call, it tells us, and our clock says when."""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from harness.errors import SetupError
from harness.events import Alerted, Sample

PATH = "/alerts"
BODY_MOST = 1_000_000
QUIET_S = 5.0  # a caller that says nothing for so long is hung up on
LABELS_MOST, TEXT_MOST = 50, 2000


class _Told(msgspec.Struct):
    """One alert of a notification, in the form of Alertmanager's webhooks; what else it holds is not looked at."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}


class _Notification(msgspec.Struct):
    alerts: list[_Told]


class _Server(ThreadingHTTPServer):
    """Says nothing of callers that hang up: what came is on record."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Let one caller's trouble be its own."""


class Receiver:
    """Listens on one address, and records each alert as it comes. ``record`` must not raise."""

    def __init__(self, record: Callable[[Alerted | Sample], None], now_ns: Callable[[], int]) -> None:
        self._record, self._now_ns = record, now_ns
        self._server: ThreadingHTTPServer | None = None

    def open(self, address: str) -> str:
        """Listen on a port of its own; give the URL. Raises ``SetupError`` where the address is not this machine's."""
        try:
            self._server = _Server((address, 0), self._handler())
        except OSError as error:
            raise SetupError(
                f"alerts cannot be received on {address}: {error.strerror}. Is the engine on another machine? "
                "Objectives of the kind alert need one on this one"
            ) from error
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()
        return f"http://{address}:{self._server.server_address[1]}{PATH}"

    def close(self) -> None:
        """Listen no more. Twice, or before ``open``, is harmless."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def hear(self, body: bytes) -> bool:
        """Record a notification; say whether it was understood. What was not is a miss on record, never silence."""
        at_ns = self._now_ns()
        try:
            told = msgspec.json.decode(body, type=_Notification)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            why = f"a notification could not be understood: {error}"
            self._record(Sample(at_ns=at_ns, probe="alerts", on="receiver", value=None, why=why))
            return False
        for alert in told.alerts:
            name = alert.labels.get("alertname", "")[:TEXT_MOST]
            state, playbook = alert.status[:TEXT_MOST], alert.annotations.get("playbook", "")[:TEXT_MOST]
            labels = _bounded(alert.labels)
            self._record(Alerted(at_ns=at_ns, name=name, state=state, labels=labels, playbook=playbook))
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hear = self.hear

        class Handler(BaseHTTPRequestHandler):
            """Takes notifications, and nothing else."""

            timeout = QUIET_S

            def do_POST(self) -> None:
                """Take one."""
                try:
                    length = int(self.headers.get("Content-Length", "-1"))
                except ValueError:
                    length = -1
                if self.path != PATH or not 0 <= length <= BODY_MOST:
                    self.send_error(404 if self.path != PATH else 413)
                    return
                self.send_response(200 if hear(self.rfile.read(length)) else 400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing: what came is on record."""

        return Handler


def _bounded(labels: Mapping[str, str]) -> dict[str, str]:
    return {name[:TEXT_MOST]: text[:TEXT_MOST] for name, text in list(labels.items())[:LABELS_MOST]}
