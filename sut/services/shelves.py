"""What the shop offers, as browsing shoppers are shown it: products one by one, and pages of a category."""

import time
from dataclasses import dataclass
from typing import Any

from . import sql
from .link import Links

LIMIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product as the database had it."""

    sku: str
    name: str
    category: str
    price_cents: int
    qty: int

    @property
    def in_stock(self) -> bool:
        """Whether there is a piece of it."""
        return self.qty > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Products, by sku, and when the database was asked for them (milliseconds since 1970)."""

    products: tuple[Product, ...]
    as_of_ms: int


class Shelves:
    """Reads products. Each call raises ``link.CallError`` where the database does not give an answer in time."""

    def __init__(self, reads: Links) -> None:
        self._reads = reads

    async def product(self, sku: str) -> Shown:
        """Give one product; none where there is no such."""
        return await self._ask("product", sql.PRODUCT, sku)

    async def listed(self, category: str, page: int) -> Shown:
        """Give a page of a category, counted from 1; none where it has no such page."""
        return await self._ask("list", sql.LIST, category, (page - 1) * sql.PAGE)

    async def _ask(self, kind: str, statement: str, *arguments: object) -> Shown:
        as_of_ms = time.time_ns() // 1_000_000
        rows = await self._reads.call(kind, statement, *arguments, limit_s=LIMIT_S)
        return Shown(products=tuple(_product(row) for row in rows), as_of_ms=as_of_ms)


def _product(row: Any) -> Product:
    return Product(
        sku=row["sku"], name=row["name"], category=row["category"], price_cents=row["price_cents"], qty=row["qty"]
    )
