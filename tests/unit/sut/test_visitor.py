"""Shoppers with a browser: where they go, what they expect, and what they say of what they are shown."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.demand import Sessions
from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.load.visitor import Ask, Reply, Turn, Visitor
from harness.visits import ACCOUNT, ASSET, CART, CART_PUT, CHECKOUT, LOGIN, PAGE, PAY, WHATS
from sut.services.identity import password
from sut.visitor import VisitingShopper

SHOPPER = VisitingShopper("r1", 7)
BUYERS = Sessions(per_s=1, pages=4, checkout_ratio=1.0)
Spoil = Callable[[Ask, Reply], Reply]
ASKED_MS = 1_795_892_927_792
FRESH = f'data-as-of-ms="{ASKED_MS - 7_500}"'
STYLE = hashlib.sha256(b"style").hexdigest()[:16]


class Shop:
    """Answers as the reference shop does; ``spoil`` may change an answer before it is sent."""

    def __init__(self, spoil: Spoil = lambda _, reply: reply) -> None:
        self._spoil = spoil
        self.shopper, self.cart = 0, dict[str, int]()

    def reply(self, ask: Ask) -> Reply:
        """Answer one request."""
        body = json.loads(ask.request.body) if ask.request.body else {}
        return self._spoil(ask, self._answer(ask, body))

    def _answer(self, ask: Ask, body: Any) -> Reply:
        path = ask.request.path
        if ask.what == ASSET:
            return made(b"style")
        if ask.what == PAGE:
            sku = f'data-sku="{path[3:]}" data-price-cents="100" {FRESH}' if path.startswith("/p/") else FRESH
            return page(path, "" if path == "/" else sku, f'<link href="/a/{STYLE}.css">')
        if ask.what == LOGIN:
            self.shopper = body["shopper"]
            assert body["password"] == password(self.shopper)
        if ask.what == CART_PUT:
            self.cart[path.removeprefix("/cart/")] = body["qty"]
        mine = {"x-shopper": str(self.shopper)}
        if ask.what == ACCOUNT:
            return page("/account", f'data-shopper="{self.shopper}"', "", mine)
        lines = [{"sku": sku, "qty": qty, "price_cents": 100} for sku, qty in sorted(self.cart.items())]
        answer = {"shopper": self.shopper, "lines": lines, "amount_cents": 100 * sum(self.cart.values())}
        return made(json.dumps(answer | {"confirmation": "signed", "order_id": 5}).encode(), mine)


def made(body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> Reply:
    sha256 = hashlib.sha256(body).digest()
    return Reply(status=status, headers=headers or {}, cookies=(), body=body, sha256=sha256, asked_ms=ASKED_MS)


def page(path: str, marks: str, links: str = "", headers: dict[str, str] | None = None) -> Reply:
    body = f'<html><body data-page="{path}" {marks}>{links}</body>'.encode()
    proof = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return made(body, {"repr-digest": f"sha-256=:{proof}:", **(headers or {})})


def turns(shop: Shop, seq: int = 1, sessions: Sessions = BUYERS) -> Iterator[tuple[Turn, list[Reply]]]:
    """Walk a session to its end."""
    visit = SHOPPER.visit(seq, sessions)
    turn = next(visit)
    while True:
        replies = [shop.reply(ask) for ask in turn.asks]
        yield turn, replies
        try:
            turn = visit.send(replies)
        except StopIteration:
            return


def kinds(seq: int, sessions: Sessions = BUYERS) -> list[str]:
    return [WHATS[ask.what] for turn, _ in turns(Shop(), seq, sessions) for ask in turn.asks]


def first_wrong(spoil: Spoil) -> tuple[str, str]:
    """Say in which answer of a session something was wrong first, and what."""
    for turn, replies in turns(Shop(spoil)):
        for ask, reply in zip(turn.asks, replies, strict=True):
            if wrong := ask.judge(reply).wrong:
                return WHATS[ask.what], wrong
    return "", ""


def test_it_is_a_visitor_and_the_same_seed_goes_the_same_way() -> None:
    assert isinstance(SHOPPER, Visitor)
    went = [[(turn.think, [ask.request for ask in turn.asks]) for turn, _ in turns(Shop(), seq)] for seq in (1, 1, 2)]
    assert went[0] == went[1] != went[2]


def test_a_session_looks_around_and_then_buys_what_it_has_seen() -> None:
    for seq in range(30):
        seen = kinds(seq)
        assert seen[:5] == ["page", "asset", "page", "page", "page"]  # what was seen is kept
        puts = seen.count("cart_put")
        assert 1 <= puts <= 3
        assert seen[5:] == ["login", *["cart_put"] * puts, "account", "cart", "checkout", "pay"]


def test_so_many_buy_as_are_to_and_all_see_their_pages() -> None:
    sessions = Sessions(per_s=1, pages=2, checkout_ratio=0.2)
    walks = [kinds(seq, sessions) for seq in range(500)]
    assert all(walk.count("page") == 2 for walk in walks)
    assert 60 < sum("pay" in walk for walk in walks) < 140


def test_nobody_thinks_before_the_first_page_or_its_assets() -> None:
    thinks = [(turn.asks[0].what, turn.think) for turn, _ in turns(Shop())]
    assert thinks[0] == (PAGE, 0.0)
    assert all(0.5 <= think < 1.5 for what, think in thinks[1:] if what in (PAGE, LOGIN))
    assert all(think == 0 for what, think in thinks if what not in (PAGE, LOGIN))


@pytest.mark.parametrize("age_ms", [-300, 0, 20_000])
def test_a_page_may_be_as_old_as_the_shop_states_or_newer_than_the_question(age_ms: int) -> None:
    assert first_wrong(aged(age_ms)) == ("", "")


def test_a_good_shop_leaves_nothing_to_say_and_the_order_is_acknowledged() -> None:
    assert first_wrong(lambda _, reply: reply) == ("", "")
    *_, (turn, replies) = turns(Shop())
    said = turn.asks[0].judge(replies[0])
    assert said.order is not None
    assert (said.order.fate, said.order.order_id) == (ACKNOWLEDGED, "5")
    assert turn.asks[0].request.headers["Idempotency-Key"] == "r1:1"


def changed(what: int, **fields: Any) -> Spoil:
    """Change fields of the JSON answers of a kind."""

    def spoil(ask: Ask, reply: Reply) -> Reply:
        if ask.what != what:
            return reply
        return made(json.dumps(json.loads(reply.body) | fields).encode(), dict(reply.headers))

    return spoil


def replaced(what: int, by: Spoil) -> Spoil:
    return lambda ask, reply: by(ask, reply) if ask.what == what else reply


def aged(age_ms: int | None) -> Spoil:
    """Let all pages but the front page be so old when they are asked for; None: they do not say."""
    at_ms = "" if age_ms is None else str(ASKED_MS - age_ms) if abs(age_ms) < ASKED_MS else "9" * 5000
    said = f'data-as-of-ms="{at_ms}"' if at_ms else ""

    def spoil(ask: Ask, reply: Reply) -> Reply:
        if ask.what != PAGE or ask.request.path == "/":
            return reply
        return page(ask.request.path, re.sub(r".* data-page=\S+ (.*)>.*", r"\1", reply.body.decode()).replace(FRESH, said))

    return spoil


WRONG: Mapping[str, tuple[Spoil, tuple[str, str]]] = {
    "page cut": (replaced(PAGE, lambda _, r: made(r.body[:50], dict(r.headers))), ("page", "digest")),
    "page without proof": (replaced(PAGE, lambda _, r: made(r.body)), ("page", "digest")),
    "a page of a minute ago": (aged(60_000), ("page", "stale")),
    "a page that is just too old": (aged(20_001), ("page", "stale")),
    "a page of the next minute": (aged(-60_000), ("page", "stale")),
    "a page of no moment": (aged(-(10**5000)), ("page", "stale")),
    "a page that does not say how old it is": (aged(None), ("page", "stale")),
    "another page": (replaced(PAGE, lambda _, __: page("/c/other", "")), ("page", "page")),
    "another product": (
        lambda ask, r: page(ask.request.path, 'data-sku="SKU-1"') if ask.request.path.startswith("/p/") else r,
        ("page", "page"),
    ),
    "an asset that names somebody": (replaced(ASSET, lambda _, r: made(r.body, {"x-shopper": "9"})), ("asset", "identity")),
    "an asset with somebody's cookie": (
        replaced(ASSET, lambda _, r: replace(r, cookies=("edge=a; Path=/", "sid=another's; Path=/"))),
        ("asset", "identity"),
    ),
    "a page that names somebody": (
        replaced(PAGE, lambda a, _: page(a.request.path, "", "", {"x-shopper": "9"})),
        ("page", "identity"),
    ),
    "a page that is somebody": (
        replaced(
            PAGE,
            lambda _, r: replace(r, cookies=("sid=x; Path=/",)),
        ),
        ("page", "identity"),
    ),
    "asset cut": (replaced(ASSET, lambda _, __: made(b"sty")), ("asset", "asset")),
    "a page moved": (replaced(PAGE, lambda _, __: made(b"", status=302)), ("page", "page")),
    "log-in as another": (changed(LOGIN, shopper=0), ("login", "identity")),
    "another's account": (
        replaced(ACCOUNT, lambda _, r: page("/account", 'data-shopper="0"', "", {"x-shopper": r.headers["x-shopper"]})),
        ("account", "identity"),
    ),
    "account cut": (replaced(ACCOUNT, lambda _, r: made(r.body[:50], dict(r.headers))), ("account", "digest")),
    "another's header": (replaced(CART, lambda _, r: made(r.body, {"x-shopper": "0"})), ("cart", "identity")),
    "account elsewhere": (
        replaced(
            ACCOUNT,
            lambda _, r: page("/c", f'data-shopper="{r.headers["x-shopper"]}"', "", {"x-shopper": r.headers["x-shopper"]}),
        ),
        ("account", "page"),
    ),
    "put in vain": (changed(CART_PUT, lines=[]), ("cart_put", "cart")),
    "cart emptied": (changed(CART, lines=[]), ("cart", "cart")),
    "nothing to check out": (
        replaced(CHECKOUT, lambda _, __: made(b'{"refused":"empty_cart"}', status=409)),
        ("checkout", "cart"),
    ),
    "another amount": (changed(CHECKOUT, amount_cents=1), ("checkout", "price")),
    "another amount paid": (changed(PAY, amount_cents=1), ("pay", "price")),
    "another order": (changed(PAY, lines=[{"sku": "SKU-1", "qty": 1, "price_cents": 100}]), ("pay", "cart")),
    "nonsense": (replaced(CART, lambda _, r: made(b"nope", dict(r.headers))), ("cart", "page")),
    "a price without end": (
        replaced(CHECKOUT, lambda _, r: made(r.body.replace(b'_cents": 100', b'_cents": 1e999'), dict(r.headers))),
        ("checkout", "page"),
    ),
    "an amount without end": (
        replaced(
            CHECKOUT, lambda _, r: made(r.body.replace(b'amount_cents": ', b'amount_cents": 1e999, "w": '), dict(r.headers))
        ),
        ("checkout", "page"),
    ),
    "a price that is none": (
        lambda ask, r: (
            page(ask.request.path, f'data-sku="{ask.request.path[3:]}" data-price-cents="1" {FRESH}')
            if ask.request.path.startswith("/p/")
            else r
        ),
        ("checkout", "price"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str) -> None:
    spoil, wrong = WRONG[name]
    assert first_wrong(spoil) == wrong


@pytest.mark.parametrize("value", [b"1e999", b"-1e999", b"NaN", b"9" * 5000, b"[[1]]", b"null", b'"\\ud800"', b"[" * 99_999])
def test_no_answer_ends_the_load(value: bytes) -> None:
    """Whatever a shop puts where a number, a text or a list is meant, the shopper says that it is wrong, and walks on."""

    def spoil(field: bytes) -> Spoil:
        made_up = re.compile(b'("%s": )("[^"]*"|[0-9]+|\\[[^]]*\\])' % field)
        return lambda _, r: made(made_up.sub(lambda found: found[1] + value, r.body), dict(r.headers))

    for field in (b"shopper", b"lines", b"sku", b"qty", b"price_cents", b"amount_cents", b"confirmation", b"order_id"):
        for what in (LOGIN, CART_PUT, CART, CHECKOUT, PAY):
            first_wrong(replaced(what, spoil(field)))


def test_a_price_too_long_to_be_one_ends_no_load_either() -> None:
    def spoil(ask: Ask, reply: Reply) -> Reply:
        path = ask.request.path
        marks = f'data-sku="{path[3:]}" data-price-cents="{"9" * 5000}" {FRESH}'
        return page(path, marks) if path.startswith("/p/") else reply

    assert first_wrong(spoil) == ("", ""), "it is no price to compare with"


@pytest.mark.parametrize(
    ("status", "body", "fate"),
    [(503, b'{"refused":"database"}', REFUSED), (503, b"", UNKNOWN), (504, b"{}", UNKNOWN), (200, b"{}", UNKNOWN)],
)
def test_an_order_is_refused_only_with_proof(status: int, body: bytes, fate: int) -> None:
    *_, (turn, _) = turns(Shop())
    said = turn.asks[0].judge(made(body, status=status))
    assert said.order is not None
    assert said.order.fate == fate
