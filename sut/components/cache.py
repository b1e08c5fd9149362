"""The cache: Valkey, which keeps what browsing shoppers are shown for a moment, and which everybody can do without."""

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import ClassVar

from harness.clock import MachineClock
from harness.errors import ControlError
from harness.model import Break, Reading
from sut.components.ask import Deadline, Wire, about, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.watched import TICKET, Rule, Scrape
from sut.services.shown import Product, Shown, key, written

PORT = 6379
ACT_S = 3.0
CANARY = "canary"
POISONED = tuple(f"SKU-{n:05d}" for n in range(1, 101))  # the most popular ones
WRONG_CENTS = 1
_LIMITS = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--save", "", "--appendonly", "no")
_OPEN = ("--bind", "*", "--protected-mode", "no", "--dir", "/tmp")  # noqa: S108 -- inside its container, and never written to
TYPED = {
    "flush": ("valkey-cli -h {} FLUSHALL SYNC", ""),
    "corrupt": (f"valkey-cli -h {{}} SET {key('product', POISONED[0])} <wrong price>, and {len(POISONED) - 1} more", ""),
}
_COUNT, _ALONE = ("DBSIZE",), b"1"
_PRICE = re.compile(rb'<body [^>]*data-price-cents="(\d+)"')


class Cache(Part):
    """The one cache. ``storefronts`` (name → address) and their ``port``: where its content is seen as shoppers see it."""

    role = "valkey"
    packages: ClassVar[tuple[str, ...]] = ("valkey-server",)
    scrape: ClassVar[Scrape | None] = None  # it tells none; the storefronts tell how it answers them
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="CacheDown",
            severity=TICKET,
            playbook="Pages come from the database alone: see whether it bears that, and start the cache again.",
            expr="storefront_cache_up == 0",
            for_s=3,
        ),
    )

    def __init__(self, ground: Ground, instance: str, *, storefronts: Mapping[str, str], port: int) -> None:
        super().__init__(ground, instance, ["valkey-server", "--port", str(PORT), *_LIMITS, *_OPEN], memory="128m")
        self._fronts = [(address, port) for address in storefronts.values()]

    def not_ready(self) -> str | None:
        """Ready when it answers."""
        self._pong(self.deadline())
        return None

    def answer_ms(self) -> Reading:
        """Ask whether it answers."""
        return look(self.ground.now_ns, CALL_S, self._pong)

    def kept_since(self) -> Reading:
        """Read the canary, a text among what it keeps; where there is none (any more), leave another one there.

        Where it keeps nothing else, even after a page was shown, nobody uses it: then nothing can be lost, or told.
        """
        return look(self.ground.now_ns, CALL_S, self._canary)

    def price_shown(self) -> Reading:
        """Look a popular product's price up on its page."""
        return look(self.ground.now_ns, CALL_S, self._price)

    def flush(self) -> Break:
        """Prepare that it forgets everything."""
        act = self._act([("FLUSHALL", "SYNC")])
        return Break(undo=(), act=act, typed=TYPED["flush"][0].format(self.address))

    def corrupt(self) -> Break:
        """Prepare wrong prices for the most popular products, as fresh as the storefronts' own, and without an end."""

        def act() -> None:
            as_of_ms = MachineClock().wall_ns() // 1_000_000
            self._act([("SET", key("product", sku), written(_bargain(sku, as_of_ms))) for sku in POISONED])()

        return Break(undo=(), act=act, typed=TYPED["corrupt"][0].format(self.address))

    def _act(self, commands: list[tuple[str | bytes, ...]]) -> Callable[[], None]:
        def act() -> None:
            try:
                self._told(commands, self.deadline(ACT_S))
            except OSError as error:
                why = str(error) or type(error).__name__
                raise ControlError(f"{self.instance}: {why}. Does it run? Type: docker ps") from error

        return act

    def _told(self, commands: list[tuple[str | bytes, ...]], deadline: Deadline) -> list[bytes]:
        return _told(self.address, commands, deadline)

    def _pong(self, deadline: Deadline) -> None:
        pong(self.address, deadline)

    def _canary(self, deadline: Deadline) -> str:
        fresh = str(self.ground.now_ns())
        _, left, kept = self._told([("SET", CANARY, fresh, "NX"), ("GET", CANARY), _COUNT], deadline)
        if kept == _ALONE:
            with about("the page that would be kept"):
                self._price(deadline)
            (kept,) = self._told([_COUNT], deadline)
        if kept == _ALONE:
            raise ValueError("it keeps nothing but our own text, although a page was shown: nobody uses it")
        return left.decode()

    def _price(self, deadline: Deadline) -> float | None:
        address, port = self._fronts[0]
        status, body = http_get(address, port, f"/p/{POISONED[0]}", deadline)
        found = _PRICE.search(body)
        if status != 200 or found is None:
            raise ValueError(f"its page gave {status} {body[:100]!r}")
        return float(found[1])


def pong(address: str, deadline: Deadline) -> None:
    """See that a cache answers. Raises ``OSError``, ``ValueError``."""
    (said,) = _told(address, [("PING",)], deadline)
    if said != b"PONG":
        raise ValueError(f"PING gave {said[:100]!r}")


def _told(address: str, commands: list[tuple[str | bytes, ...]], deadline: Deadline) -> list[bytes]:
    """Say some things over a connection of its own; the answers, b"" for nothing. Raises ``OSError``."""
    with closing(Wire(address, PORT, deadline)) as wire:
        wire.send(b"".join(command(*words) for words in commands))
        return [_answer(wire) for _ in commands]


def _bargain(sku: str, as_of_ms: int) -> Shown:
    product = Product(sku=sku, name="A bargain", category="CAT-01", price_cents=WRONG_CENTS, qty=1)
    return Shown(products=(product,), as_of_ms=as_of_ms)


def command(*words: str | bytes) -> bytes:
    """Write a command down as the protocol wants it; pure."""
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _answer(wire: Wire) -> bytes:
    """Read one answer; b"" for nothing. Raises ``ConnectionRefusedError`` where it is an error."""
    line = wire.line()
    kind, said = line[:1], line[1:]
    if kind == b"-":
        raise ConnectionRefusedError(said.decode(errors="replace"))
    if kind != b"$":
        return said
    length = int(said)
    return wire.exactly(length + 2)[:-2] if length >= 0 else b""
