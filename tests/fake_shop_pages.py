"""The fake shop for shoppers with a browser: pages, pictures, log-in, carts and a checkout in three steps.

Carts lie in the shop's state folder, as a database would keep them; a storefront keeps nothing of its own.
"""

import base64
import hashlib
import hmac
import itertools
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from sut.services.identity import password
from tests.fake_shop_part import DEFECTS, STATE

TOKEN = os.environ.get("FAKE_SHOP_TOKEN", "").encode()
CARTS = STATE / "carts"
PRICE_CENTS, NOT_FOUND = 100, {"refused": "not_found"}
ASSETS = {  # the name of each proves its bytes
    f"/a/{hashlib.sha256(body).hexdigest()[:16]}.{kind}": body
    for kind, body in [("css", b"p{}" * 400), ("js", b"1;" * 900), *(("webp", bytes([n]) * 3000) for n in range(1, 5))]
}
LINKS = "".join(f'<img src="{path}">' for path in ASSETS)
Answer = tuple[int, dict[str, str], bytes]
Order = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Pages:
    """Serves one storefront's browsers; ``order`` brings an order to the database."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._turn = itertools.count(1)
        CARTS.mkdir(exist_ok=True)

    async def serve(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request; spoil some of the answers where a defect says so."""
        method, path, body = request["method"], request["path"], json.loads(request["body"] or "{}")
        turn = next(self._turn)
        if method == "GET" and path not in ("/cart", "/account"):
            status, headers, data = _public(path, turn)
        elif path == "/login":
            status, headers, data = _login(body)
        elif sid := _unsigned(_cookie(request["cookie"], "sid")):
            shopper = int(sid.partition(".")[0]) + ("anothers_page" in DEFECTS and turn % 10 == 0)
            status, headers, data = await self._personal(f"{method} {path}", shopper, CARTS / sid, body, request["key"])
        else:
            status, headers, data = _json(401, {"refused": "login"})
        return {"status": status, "headers": headers, "body": data.decode("latin-1")}

    async def _personal(self, asked: str, shopper: int, cart: Path, body: Any, key: str) -> Answer:
        """Answer what only one shopper may see."""
        mine = {"X-Shopper": str(shopper)}
        lines = _cart(cart)
        if asked == "GET /account":
            page = _page("/account", f'data-shopper="{shopper}"')
            return 200, {**mine, **_proof(page), "Cache-Control": "private, no-store"}, page
        if asked.startswith("PUT /cart/"):
            lines[asked.removeprefix("PUT /cart/")] = body["qty"]
            if "lost_cart" not in DEFECTS or next(self._turn) % 4:
                _fill(cart, lines)
        if "/cart" in asked:
            return _json(200, {"shopper": shopper, "lines": _rows(lines)}, mine)
        if asked == "POST /checkout":
            return _json(409, {"refused": "empty_cart"}) if not lines else _confirm(shopper, lines, mine)
        answer = await self._order({"ask": "order", "key": key, "lines": _rows(_confirmed(body))})
        _fill(cart, {})
        return _json(status_of(answer), answer, mine)


def status_of(answer: Mapping[str, Any]) -> int:
    """Give the status that says what became of an order."""
    if "refused" in answer:
        return 409 if answer["refused"] == "sold_out" else 503
    return 504 if "unknown" in answer else 200


def _login(body: Mapping[str, Any]) -> Answer:
    shopper = body["shopper"]
    if body["password"] != password(shopper):
        return _json(401, {"refused": "login"})
    sid = _signed(f"{shopper}.{secrets.token_hex(8)}")
    return _json(200, {"shopper": shopper}, {"X-Shopper": str(shopper), "Set-Cookie": f"sid={sid}; Path=/"})


def _cart(file: Path) -> dict[str, int]:
    lines: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    return lines


def _fill(file: Path, lines: Mapping[str, int]) -> None:
    file.write_text(json.dumps(lines))


def _public(path: str, turn: int) -> Answer:
    """Give what is the same for all: an asset, or a page."""
    if path.startswith("/a/"):
        body = ASSETS.get(path)
        return (200, {"Cache-Control": "public, immutable"}, _cut(body, turn)) if body else _json(404, NOT_FOUND)
    sku = path.removeprefix("/p/")
    marks = f'data-sku="{sku}" data-price-cents="{PRICE_CENTS}" data-in-stock="true"' if sku != path else ""
    marks += f' data-as-of-ms="{time.time_ns() // 1_000_000}"'
    page = _page("/c/CAT-01" if "wrong_page" in DEFECTS and turn % 30 == 0 else path, marks)
    return 200, {**_proof(page), "Cache-Control": "public, s-maxage=5"}, _cut(page, turn)


def _proof(page: bytes) -> dict[str, str]:
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(page).digest()).decode()}:"}


def _cut(body: bytes, turn: int) -> bytes:
    return body[: len(body) // 2] if "truncated_body" in DEFECTS and turn % 30 == 0 else body


def _page(path: str, marks: str) -> bytes:
    return f'<html><body data-page="{path}" {marks}>{LINKS}</body></html>'.encode()


def _confirm(shopper: int, lines: Mapping[str, int], mine: dict[str, str]) -> Answer:
    priced = [{**row, "price_cents": PRICE_CENTS} for row in _rows(lines)]
    confirmation = _signed(base64.b64encode(json.dumps(lines).encode()).decode())
    amount = sum(lines.values()) * PRICE_CENTS
    return _json(200, {"shopper": shopper, "lines": priced, "amount_cents": amount, "confirmation": confirmation}, mine)


def _confirmed(body: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = json.loads(base64.b64decode(_unsigned(body["confirmation"])))
    return found


def _rows(lines: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "qty": qty} for sku, qty in sorted(lines.items())]


def _json(status: int, answer: object, headers: dict[str, str] | None = None) -> Answer:
    head = {"Content-Type": "application/json", "Cache-Control": "private, no-store", **(headers or {})}
    return status, head, json.dumps(answer).encode()


def _signed(text: str) -> str:
    return f"{text}:{hmac.digest(TOKEN, text.encode(), 'sha256').hex()[:32]}"


def _unsigned(signed: str) -> str:
    """Give a text that this shop has signed; empty where it has not."""
    text = signed.rpartition(":")[0]
    return text if hmac.compare_digest(signed, _signed(text)) else ""


def _cookie(header: str, name: str) -> str:
    found = SimpleCookie(header).get(name)
    return found.value if found else ""
