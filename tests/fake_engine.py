"""A tiny Docker engine on a socket of its own, as far as windtunnel asks one about itself and its images.

The real client library speaks to it: ``with serving(folder, monkeypatch) as engine``.
"""

import gc
import io
import json
import tarfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self
from urllib.parse import parse_qs, unquote, urlsplit

import docker
import pytest

from harness.declaration import Declaration
from harness.drivers import docker_client

MADE = "2026-01-02T03:04:05.123456789Z"


def an_archive(names: list[str], manifest: bytes | None = None) -> bytes:
    """Pack an archive as ``docker save`` does: a manifest that names the images, and something large before it.

    ``manifest`` takes the place of the one that would be right.
    """
    packed = io.BytesIO()
    named = json.dumps([{"RepoTags": names}]).encode() if manifest is None else manifest
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in (("layer.tar", b"\0" * 100_000), ("manifest.json", named)):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class ImagedShop:
    """A shop of two parts that run from images. ``built`` counts how often somebody had them built."""

    NAMES: ClassVar[tuple[str, ...]] = ("shop/db:1", "shop/web:2")
    built: ClassVar[int] = 0

    def __init__(self, defects: frozenset[str] = frozenset()) -> None:
        self.declaration = Declaration(
            name="imaged shop",
            components=(),
            entries=("web",),
            shopper="tests.fakes:FakeShopper",
            defects=dict.fromkeys(defects, ""),
        )

    def images(self) -> tuple[str, ...]:
        """Name both."""
        return self.NAMES

    def build_images(self, say: Callable[[str], None]) -> None:
        """Only say so."""
        type(self).built += 1
        for name in self.NAMES:
            say(f"{name}: built \x1b[2J")

    def start(self, plan: object, site: object) -> NoReturn:
        """Never start."""
        raise NotImplementedError


class FakeEngine:
    """Answers like an engine that has ``images`` (name → bytes).

    ``gives`` is what it sends when it is to save images (by default a good archive), ``half`` lets it hang up in the
    middle of that; ``refuses`` is what it says when it is to load some. ``bridge`` is the gateway of its default bridge,
    ``root`` where it stores, ``info`` all that it says of itself, if that is not to be made from these.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "engine.sock"
        self.host = f"unix://{self.path}"
        self.images: dict[str, int] = {}
        self.gives: bytes | None = None
        self.half = False
        self.refuses = ""
        self.bridge: str | None = "127.0.0.1"
        self.root = str(folder)
        self.info: dict[str, Any] | None = None
        self.ill = False
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        self._server = _Server(str(self.path), _handler(self))
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink()

    def answer(self, path: str, query: Mapping[str, list[str]]) -> tuple[int, Any]:
        """Answer a question: status, and what JSON or bytes follow."""
        if self.ill:
            return 500, {"message": "the engine is ill"}
        if path == "/images/get":
            return 200, an_archive(query["names"]) if self.gives is None else self.gives
        if path.startswith("/images/") and path.endswith("/json"):
            name = path.removeprefix("/images/").removesuffix("/json")
            if name not in self.images:
                return 404, {"message": f"No such image: {name}"}
            return 200, {"Id": f"sha256:{name}", "RepoTags": [name], "Size": self.images[name], "Created": MADE}
        config = [{"Subnet": "fe80::/64", "Gateway": "fe80::1"}, *([{"Gateway": self.bridge}] if self.bridge else [])]
        known: Mapping[str, Any] = {
            "/_ping": b"OK",
            "/version": {"Version": "99.1", "ApiVersion": "1.44", "MinAPIVersion": "1.24"},
            "/info": self.info or {"CgroupVersion": "2", "CgroupDriver": "systemd", "DockerRootDir": self.root},
            "/networks/bridge": {"Id": "b", "Name": "bridge", "IPAM": {"Config": config}},
            "/containers/json": [],
            "/networks": [],
        }
        return (200, known[path]) if path in known else (404, {"message": f"page not found: {path}"})

    def take(self, archive: bytes) -> list[dict[str, Any]]:
        """Take in an archive; give the words said while doing so."""
        if self.refuses:
            return [{"errorDetail": {"message": self.refuses}, "error": self.refuses}]
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            manifest = tar.extractfile("manifest.json")
            assert manifest is not None
            names = [name for image in json.load(manifest) for name in image["RepoTags"]]
        self.images |= dict.fromkeys(names, 1)
        return [{"status": "Loading layer"}, *({"stream": f"Loaded image: {name}\n"} for name in names)]


@contextmanager
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Let everybody who looks for an engine find a fake one, in a folder; afterwards each client is closed."""
    clients: list[docker.DockerClient] = []
    real = docker.from_env

    def noted(timeout: int) -> docker.DockerClient:
        clients.append(real(timeout=timeout))
        return clients[-1]

    with FakeEngine(folder) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        monkeypatch.setattr(docker, "from_env", noted)
        docker_client.client.cache_clear()
        try:
            yield engine
        finally:
            docker_client.client.cache_clear()
            for client in clients:
                client.close()


@contextmanager
def nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let everybody who looks for an engine find none. The library leaves the socket that it tried open."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/nobody.sock")
    docker_client.client.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            yield
        finally:
            gc.collect()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet where a client hung up first."""


def _handler(engine: FakeEngine) -> type[BaseHTTPRequestHandler]:
    """Make the class that reads one engine's requests."""

    class Handler(BaseHTTPRequestHandler):
        """One connection to the engine."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a question."""
            url = urlsplit(self.path)
            path = unquote(url.path)
            path = path[path.index("/", 1) :] if path.startswith("/v1.") else path
            engine.asked.append(path)
            status, body = engine.answer(path, parse_qs(url.query))
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self._send(status, content, cut=engine.half and path == "/images/get")

        def do_POST(self) -> None:
            """Take in an archive."""
            archive = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(200, b"".join(json.dumps(word).encode() + b"\r\n" for word in engine.take(archive)))

        def _send(self, status: int, content: bytes, *, cut: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            content = content[: len(content) // 2] if cut else content
            self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content) if content else b"")
            if cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def address_string(self) -> str:
            """Name nobody: a socket in a folder has no peer address."""
            return ""

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    return Handler
