"""An order as it is asked for, checked once, here: what passes cannot spoil the batch that it travels in."""

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson

from .schema import KINDS, LINES_MAX, OF_ITS_OWN

Answer = tuple[int, dict[str, Any]]  # HTTP status and body

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_SKU = re.compile(r"[A-Z0-9-]{1,40}")
QTY_MAX = 9


class MalformedError(Exception):
    """The request is no order; the text is one word for the shopper."""


@dataclass(slots=True, eq=False)
class Order:
    """One request for an order. ``lines`` are (sku, qty) sorted by sku; ``due`` is when it is refused if never sent.

    ``told`` are prices in cents by sku, which only a bad shop believes (defect ``price_from_cache``).
    """

    key: str
    body_hash: str
    lines: tuple[tuple[str, int], ...]
    due: float
    answer: asyncio.Future[Answer] = field(repr=False)
    told: dict[str, int | None] = field(default_factory=dict)

    def settle(self, status: int, body: dict[str, Any]) -> None:
        """Answer the shopper, once."""
        if not self.answer.done():
            self.answer.set_result((status, body))


def read_lines(body: bytes) -> tuple[tuple[str, int], ...]:
    """Read the lines of an order, sorted by sku. Raises ``MalformedError``."""
    try:
        lines = orjson.loads(body)["lines"]
        pairs = sorted((line["sku"], line["qty"]) for line in lines)
    except (ValueError, TypeError, KeyError):
        raise MalformedError("body") from None
    if not isinstance(lines, list) or not 1 <= len(pairs) <= LINES_MAX:
        raise MalformedError("number_of_lines")
    if any(not is_sku(sku) for sku, _ in pairs):
        raise MalformedError("sku")
    if any(type(qty) is not int or not 1 <= qty <= QTY_MAX for _, qty in pairs):  # True is an int, too
        raise MalformedError("qty")
    if len({sku for sku, _ in pairs}) < len(pairs):
        raise MalformedError("sku_twice")
    return tuple(pairs)


def read_event(body: bytes) -> tuple[str, str]:
    """Read what a shopper did, and with which product. Raises ``MalformedError``."""
    try:
        told = orjson.loads(body)
        kind, sku = told["kind"], told["sku"]
    except (ValueError, TypeError, KeyError):
        raise MalformedError("body") from None
    if kind not in KINDS:
        raise MalformedError("kind")
    if not is_sku(sku):
        raise MalformedError("sku")
    return kind, sku


def is_sku(value: object) -> bool:
    """Say whether this could name a product."""
    return isinstance(value, str) and _SKU.fullmatch(value) is not None


def read_key(header: str | None) -> str:
    """Read the idempotency key. Raises ``MalformedError``."""
    if header is None or not _KEY.fullmatch(header):
        raise MalformedError("idempotency_key")
    return header


def new_key(body: bytes) -> str:
    """Give an order that came without a key one of its own, behind its reference; raises ``MalformedError`` without one.

    Nobody else has that key, so the same order received again is another one.
    """
    try:
        reference = orjson.loads(body)["reference"]
    except (ValueError, TypeError, KeyError):
        raise MalformedError("idempotency_key") from None
    if not isinstance(reference, str) or not _KEY.fullmatch(reference):
        raise MalformedError("reference")
    return f"{reference}{OF_ITS_OWN}{secrets.token_hex(8)}"


def hash_lines(lines: tuple[tuple[str, int], ...]) -> str:
    """Give what two requests with the same key must share to be the same order."""
    return hashlib.sha256(orjson.dumps(lines)).hexdigest()[:32]
