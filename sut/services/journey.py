"""What is for one shopper alone: log-in, account, cart, and the three steps from there: cart, confirm, pay."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .batches import UNKNOWN, Batches
from .browsing import NO_SKU, NOT_NOW
from .carts import Carts, Line
from .identity import SESSION_S, Confirmation, Session, Signer, log_in
from .link import CallError, LostError
from .metrics import counted
from .orders import QTY_MAX, Answer, MalformedError, is_sku, read_key
from .pages import Pages
from .replies import personal_page, read_body, respond
from .schema import LINES_MAX

Answering = Callable[[Request, Session], Awaitable[Answer]]

COOKIE: Final = "sid"
STRANGER: Answer = (401, {"refused": "login"})
FULL: Answer = (409, {"refused": "cart_full"})
EMPTY: Answer = (409, {"refused": "empty_cart"})


class Journey:
    """The routes of those who have logged in. Without a valid session all of them but the log-in refuse with 401.

    Those that answer with plain data refuse with 503 where the database cannot be asked now, and with 504 where nobody
    knows whether it has done what was asked.
    """

    def __init__(self, carts: Carts, batches: Batches, signer: Signer, pages: Pages) -> None:
        self._carts, self._batches, self._signer, self._pages = carts, batches, signer, pages

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/pay", self._known(self.pay), methods=["POST"]),
            Route("/cart", self._known(self.cart)),
            Route("/cart/{sku}", self._known(self.put), methods=["PUT"]),
            Route("/checkout", self._known(self.checkout), methods=["POST"]),
            Route("/login", self.login, methods=["POST"]),
            Route("/account", self.account),
        ]

    async def login(self, request: Request) -> Response:
        """Begin a session with a cart of its own: 200 and a cookie, 400 malformed, 401 for the wrong password."""
        try:
            shopper, word = _read(await read_body(request), "shopper", "password")
        except MalformedError as error:
            return respond(_malformed(error))
        session = log_in(shopper, word)
        if session is None:
            return respond(STRANGER)
        response = respond((200, {"shopper": session.shopper}), _name(session))
        token = self._signer.session(session)
        response.set_cookie(COOKIE, token, max_age=SESSION_S, path="/", httponly=True, samesite="lax")
        return response

    async def account(self, request: Request) -> Response:
        """Show a page that is about this shopper: 200, 401, 503 not now."""
        session = self._session(request)
        if session is None:
            return respond(STRANGER)
        try:
            lines = await self._carts.lines(session.id)
        except CallError:
            return respond(NOT_NOW)
        return personal_page(self._pages.account(session.shopper, lines), _name(session))

    async def cart(self, _request: Request, session: Session) -> Answer:
        """Give the cart: 200."""
        return _cart(session, await self._carts.lines(session.id))

    async def put(self, request: Request, session: Session) -> Answer:
        """Let the cart have so many pieces of a product, as often as it is said.

        200 with the cart as it is then, 400 malformed, 404 no such product, 409 no room for it.
        """
        qty, sku = _qty(await read_body(request)), request.path_params["sku"]
        if not is_sku(sku):
            return NO_SKU
        lines = await self._carts.put(session.id, sku, qty)
        if qty and all(sku != one for one, _ in lines):
            return FULL if len(lines) >= LINES_MAX else NO_SKU
        return _cart(session, lines)

    async def checkout(self, _request: Request, session: Session) -> Answer:
        """Say what the cart costs now, and sign that: 200, 409 nothing in it. Nothing is held back for the shopper."""
        lines = await self._carts.priced(session.id)
        if not lines:
            return EMPTY
        if len(lines) > LINES_MAX:  # two puts at the same moment found the same last place
            return FULL
        confirmed = Confirmation(session=session.id, lines=lines)
        return 200, {
            "shopper": session.shopper,
            "lines": [{"sku": sku, "qty": qty, "price_cents": price} for sku, qty, price in lines],
            "amount_cents": confirmed.amount_cents,
            "confirmation": self._signer.confirmation(confirmed),
        }

    async def pay(self, request: Request, session: Session) -> Answer:
        """Order what was confirmed, answered as an order in one call is."""
        return await counted(self._pay(request, session))

    async def _pay(self, request: Request, session: Session) -> Answer:
        try:
            key = read_key(request.headers.get("idempotency-key"))
            lines = self._confirmed(await read_body(request), session)
        except MalformedError as error:
            return _malformed(error)
        answer = await self._batches.place(key, lines)
        if answer[0] in (200, 201):
            with contextlib.suppress(CallError):  # a full cart is a nuisance; the order is placed
                await self._carts.clear(session.id, lines)
        return answer

    def _confirmed(self, body: bytes, session: Session) -> tuple[Line, ...]:
        """Read what this very session was told that it is about to buy. Raises ``MalformedError``."""
        (token,) = _read(body, "confirmation")
        confirmed = self._signer.read_confirmation(token) if isinstance(token, str) else None
        if confirmed is None or confirmed.session != session.id:
            raise MalformedError("confirmation")
        return tuple((sku, qty) for sku, qty, _ in confirmed.lines)

    def _session(self, request: Request) -> Session | None:
        return self._signer.read_session(request.cookies.get(COOKIE, ""))

    def _known(self, answer: Answering) -> Callable[[Request], Awaitable[Response]]:
        """Give the route on which those who have logged in are answered, and told whom the answer is meant for."""

        async def route(request: Request) -> Response:
            session = self._session(request)
            if session is None:
                return respond(STRANGER)
            try:
                return respond(await answer(request, session), _name(session))
            except MalformedError as error:
                return respond(_malformed(error))
            except LostError:
                return respond(UNKNOWN)
            except CallError:
                return respond(NOT_NOW)

        return route


def _qty(body: bytes) -> int:
    """Read how many pieces. Raises ``MalformedError``."""
    (qty,) = _read(body, "qty")
    if type(qty) is not int or not 0 <= qty <= QTY_MAX:  # True is an int, too
        raise MalformedError("qty")
    return qty


def _read(body: bytes, *keys: str) -> list[Any]:
    """Read some values of a JSON object. Raises ``MalformedError``."""
    try:
        found = orjson.loads(body)
        return [found[key] for key in keys]
    except (ValueError, TypeError, KeyError):
        raise MalformedError("body") from None


def _malformed(error: MalformedError) -> Answer:
    return 400, {"refused": f"malformed: {error}"}


def _cart(session: Session, lines: list[Line]) -> Answer:
    return 200, {"shopper": session.shopper, "lines": [{"sku": sku, "qty": qty} for sku, qty in lines]}


def _name(session: Session) -> dict[str, str]:
    return {"X-Shopper": str(session.shopper)}
