"""How a shopper of the reference shop orders, and what proves an order acknowledged or refused."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.load.shopper import Answer, Request
from sut.services.schema import CATEGORIES, KINDS, PRODUCTS, SCARCE_SKU, SHOPPERS
from sut.services.sql import PAGE

_LINES = (1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5)  # mean 2.5
_QTYS = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)
_SPAN = 1 << 24
LISTS = -(-PRODUCTS // CATEGORIES // PAGE)  # of the smallest category
_REFUSALS = frozenset({400, 404, 409, 503})
_CLEAR, _UNCLEAR = Answer(fate=REFUSED), Answer(fate=UNKNOWN)


def canonical(lines: Iterable[tuple[str, int]]) -> str:
    """Write (sku, qty) pairs down in one way, sorted by the code points of the sku."""
    return ",".join(f"{sku}:{qty}" for sku, qty in sorted(lines))


def digest(lines: Iterable[tuple[str, int]], amount_cents: int) -> str:
    """Give the finger print of an order's content: 16 hex digits over its lines and its amount."""
    return digest_of(canonical(lines), amount_cents)


def digest_of(canonical_lines: str, amount_cents: int) -> str:
    """Give the same for lines already written down by ``canonical``."""
    return hashlib.blake2b(f"{canonical_lines}|{amount_cents}".encode(), digest_size=8).hexdigest()


class OneCallShopper:
    """Buys in one call: 1-5 lines of popular and less popular products. See ``harness.load.shopper.Shopper``."""

    def __init__(self, run_id: str, seed: int) -> None:
        self._run_id = run_id
        self._key = seed.to_bytes(16, "little", signed=True)

    def order(self, seq: int, *, last_piece: bool) -> Request:
        """Give the order of an arrival, keyed ``<run id>:<seq>``. ``last_piece``: one piece of the scarce product."""
        if last_piece:
            lines = [{"sku": SCARCE_SKU, "qty": 1}]
        else:
            chance = self._chance(seq)
            skus: set[str] = set()
            for n in range(_LINES[chance[0] % 20]):
                rank = _rank(chance, n)
                while (sku := sku_of(rank)) in skus:
                    rank += 1
                skus.add(sku)
            lines = [{"sku": sku, "qty": _QTYS[chance[1 + n] % 10]} for n, sku in enumerate(sorted(skus))]
        headers = {"Idempotency-Key": f"{self._run_id}:{seq}", "Content-Type": "application/json"}
        return Request(method="POST", path="/orders", headers=headers, body=json.dumps({"lines": lines}).encode())

    def without_key(self, request: Request) -> Request:
        """Take the key off, and leave it as a reference, which the shop keeps and does not ask about."""
        body = {"reference": request.headers["Idempotency-Key"], **json.loads(request.body)}
        headers = {name: value for name, value in request.headers.items() if name != "Idempotency-Key"}
        return Request(method=request.method, path=request.path, headers=headers, body=json.dumps(body).encode())

    def read(self, seq: int) -> Request:
        """Give the product read of an arrival."""
        return Request(method="GET", path=f"/products/{sku_of(_rank(self._chance(seq), 0))}", headers={}, body=b"")

    def by_hand(self, url: str) -> str:
        """Give the line that orders one piece of the most popular product, under a key that is new each time."""
        body = json.dumps({"lines": [{"sku": sku_of(0), "qty": 1}]})
        key = '"Idempotency-Key: by-hand-$(date +%s%N)"'
        return f"curl -i {url}/orders -H {key} -H 'Content-Type: application/json' -d '{body}'"

    def listing(self, seq: int) -> Request:
        """Give the page of a category that an arrival looks at; none is beyond the last."""
        chance = self._chance(seq)
        path = f"/products?category=CAT-{chance[0] % CATEGORIES + 1:02d}&page={chance[1] % LISTS + 1}"
        return Request(method="GET", path=path, headers={}, body=b"")

    def log(self, seq: int) -> Request:
        """Give the request for the last events of some shopper."""
        shopper = int.from_bytes(self._chance(seq)[:8], "little") % SHOPPERS + 1
        return Request(method="GET", path=f"/shoppers/{shopper}/events", headers={}, body=b"")

    def step(self, seq: int) -> Request:
        """Give the event of a shopper who looks at a product; the judge is ``judge_read``."""
        log, body = self.log(seq), {"kind": KINDS[0], "sku": sku_of(_rank(self._chance(seq), 0))}
        headers = {"Content-Type": "application/json"}
        return Request(method="POST", path=log.path, headers=headers, body=json.dumps(body).encode())

    def judge_order(self, request: Request, status: int, body: bytes) -> Answer:
        """Say what an answer proves.

        200 and 201 acknowledge what they say was ordered, whatever was asked for. 400, 404, 409 and 503 refuse if the shop
        itself says so in JSON. All else is unknown.
        """
        del request  # the digest is of the answer, so that an answer about another order is seen as lost
        try:
            answer = json.loads(body)
            if status in (200, 201):
                lines = [(_text(line["sku"]), _whole(line["qty"])) for line in answer["lines"]]
                if not lines:
                    return _UNCLEAR
                order_id = _identity(answer["order_id"])
                return Answer(fate=ACKNOWLEDGED, order_id=order_id, digest=digest(lines, _whole(answer["amount_cents"])))
        except (ValueError, TypeError, KeyError, RecursionError):
            return _UNCLEAR
        return _CLEAR if status in _REFUSALS and _refuses(answer) else _UNCLEAR

    def judge_read(self, request: Request, status: int, body: bytes) -> Answer:
        """Say whether what was asked for was shown: the product, the page, the events, and no others; or a step written.

        A page and a past have 1 to 20 rows, by sku and the newest first. A refusal needs the shop's own word here too.
        """
        try:
            answer = json.loads(body)
            if request.method == "POST" and status == 201:
                return Answer(fate=ACKNOWLEDGED) if _wrote(request, answer) else _UNCLEAR
            if request.method == "GET" and status == 200:
                return Answer(fate=ACKNOWLEDGED) if _shows(request.path, answer) else _UNCLEAR
        except (ValueError, TypeError, KeyError, RecursionError):
            return _UNCLEAR
        return _CLEAR if status in _REFUSALS and _refuses(answer) else _UNCLEAR

    def _chance(self, seq: int) -> bytes:
        """Give 21 random bytes of an arrival: how many lines, 5 quantities, 5 products of 3 bytes."""
        return hashlib.blake2b(seq.to_bytes(8, "little"), key=self._key, digest_size=21).digest()


def _rank(chance: bytes, n: int) -> int:
    """Draw a product's popularity, 0 the most popular: squared, so a tenth of all lines go to a hundredth of them."""
    share = int.from_bytes(chance[6 + 3 * n : 9 + 3 * n], "little") / _SPAN
    return int(PRODUCTS * share * share)


def sku_of(rank: int) -> str:
    """Name the product of a popularity, 0 the most popular."""
    return f"SKU-{rank % PRODUCTS + 1:05d}"


def _shows(path: str, answer: Any) -> bool:
    """Say whether an answer shows what a path asks for. Raises ``ValueError``, ``TypeError`` or ``KeyError``."""
    if path.startswith("/shoppers/"):
        times = [datetime.fromisoformat(event["at"]) for event in answer["events"]]
        newest_first = all(later >= earlier for later, earlier in pairwise(times))
        return path == f"/shoppers/{_whole(answer['shopper'])}/events" and 1 <= len(times) <= PAGE and newest_first
    if path.startswith("/products?"):
        skus = [_text(product["sku"]) for product in answer["products"]]
        pages = {f"/products?category={one['category']}&page={_whole(answer['page'])}" for one in answer["products"]}
        return pages == {path} and len(skus) <= PAGE and all(one < other for one, other in pairwise(skus))
    return path == f"/products/{answer['sku']}"


def _wrote(request: Request, answer: Any) -> bool:
    """Say whether an answer is about the step that was to be written. Raises ``ValueError``, ``TypeError``, ``KeyError``."""
    meant, about = json.loads(request.body), f"/shoppers/{_whole(answer['shopper'])}/events"
    return (request.path, meant) == (about, {"kind": answer["kind"], "sku": answer["sku"]})


def _refuses(answer: object) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("refused"), str)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _identity(value: object) -> str:
    text = str(value)
    if type(value) not in (int, str) or not 0 < len(text) <= 80 or not text.isprintable():
        raise TypeError(value)
    return text
