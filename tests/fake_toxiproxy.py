"""A tiny Toxiproxy on loopback, as far as windtunnel speaks to one, with knobs for the ways in which a real one fails.

``with FakeToxiproxy("storefront->db_route") as server``; ``server.container()`` is the container that a driver is given.
"""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import SimpleNamespace, TracebackType
from typing import Any, Self, cast
from urllib.parse import unquote

from docker.models.containers import Container

from harness.drivers.docker_client import ADDRESS, INSTANCE, LINKS, RUN

ATTRIBUTES = {
    "latency": ("latency", "jitter"),
    "bandwidth": ("rate",),
    "slicer": ("average_size", "size_variation", "delay"),
    "limit_data": ("bytes",),
    "reset_peer": ("timeout",),
    "timeout": ("timeout",),
}


class FakeToxiproxy:
    """Proxies by link, each ``{"enabled", "toxics"}``.

    ``status`` is what it answers to a new toxic (which it then does not put on, whatever it says); ``deaf`` names attributes
    that it does not take over. Of "GET", "DELETE" and "POST" (which closes and opens), ``hangs`` names what is not answered;
    ``says`` is what it says instead of an answer, whatever it is asked.
    """

    def __init__(self, *links: str) -> None:
        self.proxies: dict[str, dict[str, Any]] = {link: {"enabled": True, "toxics": []} for link in links}
        self.status: int | None = None
        self.deaf: tuple[str, ...] = ()
        self.hangs: tuple[str, ...] = ()
        self.says: bytes | None = None
        self.heard: list[str] = []
        self.restarts = 0
        self.over = Event()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def container(self, restarted: Callable[[], None] | None = None, status: str = "running") -> Container:
        """Give its container. Started anew it is as at the beginning, unless ``restarted`` does something else."""

        def restart(timeout: int) -> None:
            assert timeout <= 1, "what hangs is not waited for"
            self.restarts += 1
            (restarted or self.begin_anew)()

        labels = {RUN: "run1", INSTANCE: "toxiproxy", ADDRESS: "127.0.0.1", LINKS: ",".join(self.proxies)}
        return cast("Container", SimpleNamespace(id="c1", labels=labels, status=status, restart=restart))

    def begin_anew(self) -> None:
        """Know the links again, and no toxic."""
        self.hangs = ()
        self.proxies = {link: {"enabled": True, "toxics": []} for link in self.proxies}

    def add(self, link: str, toxic: dict[str, Any]) -> tuple[int, Any]:
        """Put a toxic on a link, or only say so."""
        if self.status is not None:
            return self.status, toxic
        asked = toxic.get("attributes", {})
        toxic["attributes"] = {name: 0 if name in self.deaf else asked.get(name, 0) for name in ATTRIBUTES[toxic["type"]]}
        self.proxies[link]["toxics"].append(toxic)
        return 200, toxic

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Answer: status, and what JSON follows."""
        self.heard.append(f"{method} {path}")
        if method in self.hangs and not path.endswith("toxics"):
            self.over.wait(20)
        match unquote(path).strip("/").split("/"):
            case ["proxies"]:
                every = {name: {"name": name, "listen": "", "upstream": "", **one} for name, one in self.proxies.items()}
                return 200, every
            case ["proxies", link] if link in self.proxies:
                self.proxies[link]["enabled"] = body["enabled"]
                return 200, self.proxies[link]
            case ["proxies", link, "toxics"] if link in self.proxies:
                return self.add(link, body) if method == "POST" else (200, self.proxies[link]["toxics"])
            case ["proxies", link, "toxics", name] if link in self.proxies:
                self.proxies[link]["toxics"] = [one for one in self.proxies[link]["toxics"] if one["name"] != name]
                return 204, None
        return 404, {"error": "proxy not found", "status": 404}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet where a client hung up first."""


def _handler(server: FakeToxiproxy) -> type[BaseHTTPRequestHandler]:
    """Make the class that reads one server's requests."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_GET(self) -> None:
            """Answer a question."""
            self._answer()

        def do_POST(self) -> None:
            """Do something new."""
            self._answer()

        def do_DELETE(self) -> None:
            """Do away with something."""
            self._answer()

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            status, answer = server.answer(self.command, self.path, json.loads(self.rfile.read(size)) if size else None)
            content = b"" if answer is None else json.dumps(answer).encode()
            content = content if server.says is None else server.says
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    return Handler
