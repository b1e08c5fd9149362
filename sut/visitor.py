"""How a shopper with a browser goes through the reference shop, and what is wrong with what it is shown.

Home, a page of a category, then products, each with its style, script and pictures; some log in, fill a cart and pay for it.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from harness.demand import Sessions
from harness.history import ACKNOWLEDGED
from harness.load.shopper import Request
from harness.load.visitor import Ask, Reply, Said, Turn, Visit
from harness.visits import (
    ACCOUNT,
    ASSET,
    CART,
    CART_PUT,
    CHECKOUT,
    DIGEST,
    IDENTITY,
    LOGIN,
    OTHER_ASSET,
    OTHER_CART,
    OTHER_PAGE,
    PAGE,
    PAY,
    PRICE,
    STALE,
)
from sut.services.identity import password
from sut.services.schema import CATEGORIES, PRODUCTS, SHOPPERS
from sut.shopper import LISTS, OneCallShopper, sku_of

ASSETS = re.compile(r'(?:href|src)="(/a/[0-9a-f]{16}\.(?:css|js|webp))"')
BODY, MARK = re.compile(rb"<body([^>]*)>"), re.compile(rb'data-([a-z-]+)="([^"]*)"')
DIGITS = re.compile(r"[0-9]{1,18}")  # of a longer number Python would not make one at all
MOST_LINES, MOST_PIECES = 3, 3
# The cache and an edge keep a page for 2 s and 5 s; an edge that keeps it for longer is left within 12 s.
STALE_MS = 20_000
FINE = Said()


class VisitingShopper(OneCallShopper):
    """Orders in one call, and comes with a browser too. See ``harness.load.visitor.Visitor``."""

    def visit(self, seq: int, sessions: Sessions) -> Visit:
        """Begin the session of an arrival: nothing but the run's seed and its number decide where it goes."""
        drawn = hashlib.blake2b(seq.to_bytes(8, "little"), key=self._key, person=b"session", digest_size=16).digest()
        return _Browser(self, f"{self._run_id}:{seq}", Random(int.from_bytes(drawn, "little")), sessions).walk()  # noqa: S311 -- no secret


class _Browser:
    """One session: what it has seen so far, and what it expects to see next. ``chance.random`` alone draws."""

    def __init__(self, shopper: OneCallShopper, key: str, chance: Random, sessions: Sessions) -> None:
        self._shopper, self._key, self._chance, self._sessions = shopper, key, chance, sessions
        self._buys = chance.random() < sessions.checkout_ratio
        self._me = 1 + self._below(SHOPPERS)
        self._seen: set[str] = set()
        self._prices: dict[str, int] = {}
        self._cart: dict[str, int] = {}
        self._amount_cents = 0
        self._confirmation = ""

    def walk(self) -> Visit:
        """Look around, then perhaps buy."""
        for number, path in enumerate(self._paths()):
            (page,) = yield Turn(asks=(self._page(path),), think=self._pause() if number else 0.0)
            self._note_price(path, page)
            fresh = [
                path for path in dict.fromkeys(ASSETS.findall(page.body.decode(errors="replace"))) if path not in self._seen
            ]
            if fresh:
                self._seen.update(fresh)
                yield Turn(asks=tuple(_asset(path) for path in fresh))
        if not self._buys:
            return
        yield Turn(asks=(self._login(),), think=self._pause())
        for sku in self._chosen():
            self._cart[sku] = 1 + self._below(MOST_PIECES)
            yield Turn(asks=(self._put(sku, self._cart[sku]),))
        for ask in (self._account, self._look, self._checkout, self._pay):
            yield Turn(asks=(ask(),))

    # -- where it goes

    def _paths(self) -> Iterator[str]:
        """Name the pages that it looks at."""
        page = 1 + self._below(LISTS)
        products = (f"/p/{sku_of(self._rank())}" for _ in range(self._sessions.pages))
        yield from ["/", f"/c/CAT-{1 + self._below(CATEGORIES):02d}?page={page}", *products][: self._sessions.pages]

    def _chosen(self) -> list[str]:
        """Choose what to buy: of what it has seen, or anything."""
        many, skus = 1 + self._below(MOST_LINES), dict.fromkeys(self._prices)
        while len(skus) < many:
            skus[sku_of(self._rank())] = None
        return list(skus)[:many]

    def _below(self, end: int) -> int:
        return int(end * self._chance.random())

    def _rank(self) -> int:
        return int(PRODUCTS * self._chance.random() ** 2)

    def _pause(self) -> float:
        return 0.5 + self._chance.random()

    def _note_price(self, path: str, page: Reply) -> None:
        price = _marks(page.body).get("price-cents", "")
        if path.startswith("/p/") and DIGITS.fullmatch(price):
            self._prices[path.removeprefix("/p/")] = int(price)

    # -- what it asks, and what it expects

    def _page(self, path: str) -> Ask:
        marks = {"page": path} | ({"sku": path.removeprefix("/p/")} if path.startswith("/p/") else {})

        def judge(reply: Reply) -> Said:
            if reply.status != 200:
                return _other_status(reply)
            if not _proved(reply):
                return Said(wrong=DIGEST)
            if _names_somebody(reply):
                return Said(wrong=IDENTITY)
            said = _marks(reply.body)
            if not marks.items() <= said.items():
                return Said(wrong=OTHER_PAGE)
            return FINE if path == "/" or abs(_age_ms(said, reply)) <= STALE_MS else Said(wrong=STALE)

        return Ask(what=PAGE, request=_get(path), judge=judge)

    def _login(self) -> Ask:
        def judge(answer: Any) -> str:
            del answer  # whose it is has been looked at
            return ""

        return self._mine(LOGIN, self._once("/login", {"shopper": self._me, "password": password(self._me)}), judge)

    def _put(self, sku: str, qty: int) -> Ask:
        return self._mine(CART_PUT, _send("PUT", f"/cart/{sku}", {"qty": qty}), self._as_filled)

    def _account(self) -> Ask:
        def judge(reply: Reply) -> Said:
            if reply.status != 200:
                return _other_status(reply)
            if not _proved(reply):
                return Said(wrong=DIGEST)
            marks = _marks(reply.body)
            if reply.headers.get("x-shopper") != str(self._me) or marks.get("shopper") != str(self._me):
                return Said(wrong=IDENTITY)
            return FINE if marks.get("page") == "/account" else Said(wrong=OTHER_PAGE)

        return Ask(what=ACCOUNT, request=_get("/account"), judge=judge)

    def _look(self) -> Ask:
        return self._mine(CART, _get("/cart"), self._as_filled)

    def _checkout(self) -> Ask:
        def judge(answer: Any) -> str:
            prices = {line["sku"]: int(line["price_cents"]) for line in answer["lines"]}
            self._amount_cents, self._confirmation = int(answer["amount_cents"]), str(answer["confirmation"])
            if wrong := self._as_filled(answer):
                return wrong
            shown = {sku: price for sku, price in self._prices.items() if sku in prices}
            right = sum(qty * prices[sku] for sku, qty in self._cart.items())
            return "" if shown.items() <= prices.items() and right == self._amount_cents else PRICE

        ask = self._mine(CHECKOUT, self._once("/checkout", {}), judge)
        # A cart that is empty by now was lost.
        return Ask(
            what=ask.what,
            request=ask.request,
            judge=lambda reply: Said(wrong=OTHER_CART) if reply.status == 409 else ask.judge(reply),
        )

    def _pay(self) -> Ask:
        request = _send("POST", "/pay", {"confirmation": self._confirmation}, {"Idempotency-Key": self._key})

        def judge(reply: Reply) -> Said:
            order = self._shopper.judge_order(request, reply.status, reply.body)
            if order.fate != ACKNOWLEDGED:
                return Said(order=order, wrong=OTHER_PAGE if reply.status < 400 else "")
            answer = json.loads(reply.body)
            if reply.headers.get("x-shopper", str(self._me)) != str(self._me):
                return Said(order=order, wrong=IDENTITY)
            right_price = answer["amount_cents"] == self._amount_cents
            return Said(order=order, wrong=self._as_filled(answer) or ("" if right_price else PRICE))

        return Ask(what=PAY, request=request, judge=judge)

    def _once(self, path: str, body: object) -> Request:
        """Post under a key, by which whoever passes it on knows that it may be sent again: neither of them buys anything."""
        return _send("POST", path, body, {"Idempotency-Key": f"{self._key}:{path[1:]}"})

    def _mine(self, what: int, request: Request, judge: Callable[[Any], str]) -> Ask:
        """Ask for something of its own: a JSON answer that says whose it is, in header and body, then for ``judge``."""

        def judged(reply: Reply) -> Said:
            if reply.status != 200:
                return _other_status(reply)
            try:
                answer = json.loads(reply.body)
                if reply.headers.get("x-shopper") != str(self._me) or answer["shopper"] != self._me:
                    return Said(wrong=IDENTITY)
                return Said(wrong=judge(answer))
            except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):  # 1e999 is a number in JSON
                return Said(wrong=OTHER_PAGE)

        return Ask(what=what, request=request, judge=judged)

    def _as_filled(self, answer: Any) -> str:
        """Say whether a cart holds what was put into it."""
        return "" if _lines(answer) == self._cart else OTHER_CART


def _asset(path: str) -> Ask:
    """Ask for something whose name is its hash."""
    name = path.removeprefix("/a/")[:16]

    def judge(reply: Reply) -> Said:
        if reply.status != 200:
            return _other_status(reply)
        if not reply.sha256.hex().startswith(name):
            return Said(wrong=OTHER_ASSET)
        return Said(wrong=IDENTITY) if _names_somebody(reply) else FINE

    return Ask(what=ASSET, request=_get(path), judge=judge)


def _names_somebody(reply: Reply) -> bool:
    """Say whether a public answer is one shopper's: whoever keeps this copy, makes all others into that one."""
    return "x-shopper" in reply.headers or any(cookie.startswith("sid=") for cookie in reply.cookies)


def _proved(reply: Reply) -> bool:
    """Say whether a page has the bytes that its maker meant it to have."""
    return f"sha-256=:{base64.b64encode(reply.sha256).decode()}:" in reply.headers.get("repr-digest", "")


def _other_status(reply: Reply) -> Said:
    """An error speaks for itself; any other success is not what was asked for."""
    return FINE if reply.status >= 400 else Said(wrong=OTHER_PAGE)


def _marks(body: bytes) -> dict[str, str]:
    """Read what a page says of itself, in the attributes of its body."""
    found = BODY.search(body)
    return {name.decode(): value.decode(errors="replace") for name, value in MARK.findall(found[1])} if found else {}


def _age_ms(marks: Mapping[str, str], reply: Reply) -> float:
    """Give how old that was which a page shows, when it was asked for; endless where the page says no moment."""
    as_of_ms = marks.get("as-of-ms", "")
    return reply.asked_ms - int(as_of_ms) if DIGITS.fullmatch(as_of_ms) else math.inf


def _lines(answer: Any) -> dict[str, int]:
    return {line["sku"]: line["qty"] for line in answer["lines"]}


def _get(path: str) -> Request:
    return Request(method="GET", path=path, headers={}, body=b"")


def _send(method: str, path: str, body: object, headers: Mapping[str, str] | None = None) -> Request:
    told = {"Content-Type": "application/json", **(headers or {})}
    return Request(method=method, path=path, headers=told, body=json.dumps(body).encode())
