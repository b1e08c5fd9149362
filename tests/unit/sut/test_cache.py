"""The cache as the harness sees it and breaks it: its protocol, spoken to a little server."""

import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness import dryrun
from harness.clock import MachineClock
from harness.errors import ControlError
from harness.model import REFUSED, SILENT, Reading
from harness.plan import plan
from harness.project import find
from harness.scenario import load
from sut.components import cache
from sut.components.cache import POISONED, WRONG_CENTS, Cache, command
from sut.declared import COMPONENTS
from sut.services.shown import KEPT_MS, key, read


class Server:
    """Keeps what it is told, as the real one does, for as long as the test lasts."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}
        self.limits: dict[bytes, bytes] = {}
        self.mute = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire: socket.socket) -> None:
        with wire, wire.makefile("rb") as stream:
            while line := stream.readline():
                words = []
                for _ in range(int(line[1:])):
                    length = int(stream.readline()[1:])
                    words.append(stream.read(length + 2)[:-2])
                if not self.mute:
                    wire.sendall(self._answer(*words))

    def _answer(self, verb: bytes, *words: bytes) -> bytes:
        told = {b"PING": b"+PONG\r\n", b"DBSIZE": b":%d\r\n" % len(self.kept)}
        if verb in told:
            return told[verb]
        if verb == b"GET":
            found = self.kept.get(words[0])
            return b"$-1\r\n" if found is None else b"$%d\r\n%s\r\n" % (len(found), found)
        if verb == b"FLUSHALL":
            self.kept.clear()
            return b"+OK\r\n"
        if verb == b"SET" and words[2:] == (b"NX",) and words[0] in self.kept:
            return b"$-1\r\n"
        if verb == b"SET":
            self.kept[words[0]] = words[1]
            if words[2:3] == (b"PX",):
                self.limits[words[0]] = words[3]
            return b"+OK\r\n"
        return b"-ERR unknown command\r\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    monkeypatch.setattr(cache, "PORT", made.port)
    yield made
    made.close()


class Here(Cache):
    """The cache on this machine, without a container."""

    def __init__(self) -> None:
        self.ground = cast("Any", SimpleNamespace(now_ns=MachineClock().now_ns))
        self.instance, self.address = "cache", "127.0.0.1"
        self._fronts = [("127.0.0.1", 1)]


def test_a_command_is_written_with_its_lengths() -> None:
    assert command("SET", "\N{EURO SIGN}", b"\r\n") == b"*3\r\n$3\r\nSET\r\n$3\r\n\xe2\x82\xac\r\n$2\r\n\r\n\r\n"


def test_it_answers_is_silent_or_refuses(server: Server) -> None:
    part = Here()
    assert part.not_ready() is None
    assert isinstance(part.answer_ms().value, float)
    server.mute = True
    assert part.answer_ms().value == SILENT
    server.close()


def test_who_is_not_there_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(cache, "PORT", taken.getsockname()[1])
    assert Here().answer_ms().value == REFUSED
    with pytest.raises(ControlError, match="cache"):
        Here().flush().act()


def test_the_canary_stays_until_everything_is_forgotten(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody has asked for a page just before: then a page is asked for, which is kept again."""
    part = Here()
    monkeypatch.setattr(part, "_price", lambda _: server.kept.update({b"product:SKU-00001": b"a page"}))
    first = part.kept_since().value
    assert isinstance(first, str)
    assert part.kept_since().value == first
    breaking = part.flush()
    assert (breaking.undo, part.kept_since().value) == ((), first)
    breaking.act()
    assert server.kept == {}
    assert part.kept_since().value not in (first, None, SILENT, REFUSED)


def test_a_cache_that_nobody_uses_has_nothing_to_lose(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Here()
    monkeypatch.setattr(part, "_price", lambda _: 199.0)
    for _ in range(2):
        seen = part.kept_since()
        assert seen.value is None
        assert "nobody uses it" in str(seen.why)
        part.flush().act()


def test_a_storefront_that_shows_nothing_is_no_illness_of_the_cache(server: Server) -> None:
    """Nobody could look then: the cache neither refused nor was silent."""
    seen = Here().kept_since()
    assert seen.value is None
    assert "the page that would be kept itself" in str(seen.why)


def test_the_poison_is_what_a_storefront_would_believe(server: Server) -> None:
    Here().corrupt().act()
    assert server.kept.keys() == {key("product", sku).encode() for sku in POISONED}
    for name, text in server.kept.items():
        (product,) = read(text).products
        assert name == key("product", product.sku).encode()
        assert product.price_cents == WRONG_CENTS
    assert server.limits == {}, "kept without an end"
    now_ms = MachineClock().wall_ns() // 1_000_000
    assert abs(now_ms - read(text).as_of_ms) < KEPT_MS


def test_what_a_server_says_no_to_is_an_error(server: Server) -> None:
    with pytest.raises(ConnectionRefusedError, match="unknown command"):
        Here()._told([("NONSENSE",)], Here().deadline())


PAGE = b'<html><body data-page="/p/SKU-00001" data-sku="SKU-00001" data-price-cents="236" data-in-stock="true">'


@pytest.mark.parametrize(
    ("answer", "value"), [((200, PAGE), 236.0), ((503, PAGE), None), ((200, b"<body>"), None), (TimeoutError(), SILENT)]
)
def test_the_price_is_read_off_the_page(answer: Any, value: float | str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def http_get(*asked: object) -> tuple[int, bytes]:
        assert asked[2] == f"/p/{POISONED[0]}"
        if isinstance(answer, Exception):
            raise answer
        found: tuple[int, bytes] = answer
        return found

    monkeypatch.setattr(cache, "http_get", http_get)
    reading: Reading = Here().price_shown()
    assert reading.value == value
    assert (reading.why is None) == (value is not None)


def test_the_dry_run_says_what_a_person_would_type() -> None:
    project = find(Path(__file__))
    told = dryrun.told(plan(load(project.root / "scenarios" / "cache_poisoned.toml"), project.shop().declaration))
    assert "as typed: valkey-cli -h cache SET product:SKU-00001" in told


def test_it_needs_nobody_and_nobody_needs_it() -> None:
    needs: Mapping[str, tuple[str, ...]] = {part.name: part.needs for part in COMPONENTS}
    assert needs["cache"] == ()
    assert not any("cache" in others for others in needs.values())
