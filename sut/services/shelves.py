"""What the shop offers, as browsing shoppers are shown it: products one by one, and pages of a category.

Where there is a cache, most of it comes from there, never older than ``KEPT_MS``, and each replica asks the database for
one thing once at a time (not with the defect ``no_single_flight``). Orders know nothing of this: the database alone says
what is sold, and at which price.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from . import sql
from .link import CallError, Links
from .shown import KEPT_MS, Product, Shown, key, read, written

LIMIT_S = 1.0
EVER_MS = 86_400_000  # defect stock_from_cache: longer than any sale


class Keeps(Protocol):
    """What the shelves need of a cache: it may forget anything, and say nothing, but soon."""

    async def get(self, name: str) -> bytes | None:
        """Give what is kept under a name, or None."""
        ...

    async def keep(self, name: str, text: bytes, for_ms: int) -> None:
        """Keep something for a while, in place of what was kept under that name."""
        ...


class Shelves:
    """Reads products. Each call raises ``link.CallError`` where the database does not give an answer in time."""

    def __init__(self, reads: Links, cache: Keeps | None = None, defects: Collection[str] = ()) -> None:
        self._reads, self._cache = reads, cache
        self._kept_ms = EVER_MS if "stock_from_cache" in defects else KEPT_MS
        self._together = "no_single_flight" not in defects
        self._flights = Flights()

    async def product(self, sku: str) -> Shown:
        """Give one product; none where there is no such."""
        return await self._shown("product", sql.PRODUCT, sku)

    async def listed(self, category: str, page: int) -> Shown:
        """Give a page of a category, counted from 1; none where it has no such page."""
        return await self._shown("list", sql.LIST, category, (page - 1) * sql.PAGE)

    async def shown_cents(self, sku: str) -> int | None:
        """Give a product's price as it is shown, None where it is not. For the defect ``price_from_cache`` alone."""
        try:
            found = (await self.product(sku)).products
        except CallError:
            return None
        return found[0].price_cents if found else None

    async def _shown(self, kind: str, statement: str, *arguments: object) -> Shown:
        cache = self._cache
        if cache is None:
            return await self._ask(kind, statement, *arguments)
        name = key(kind, *arguments)

        async def through() -> Shown:
            kept = fresh(await cache.get(name), self._kept_ms)
            if kept is not None:
                return kept
            shown = await self._ask(kind, statement, *arguments)
            await cache.keep(name, written(shown), self._kept_ms)
            return shown

        return await (self._flights.once(name, through) if self._together else through())

    async def _ask(self, kind: str, statement: str, *arguments: object) -> Shown:
        as_of_ms = now_ms()
        rows = await self._reads.call(kind, statement, *arguments, limit_s=LIMIT_S)
        return Shown(products=tuple(_product(row) for row in rows), as_of_ms=as_of_ms)


class Flights:
    """Lets those who want the same thing at the same time wait for the first of them."""

    def __init__(self) -> None:
        self._flying: dict[str, asyncio.Task[Shown]] = {}

    async def once(self, name: str, fly: Callable[[], Awaitable[Shown]]) -> Shown:
        """Give what ``fly`` gives, or what it gives to who is already waiting; one who goes away takes nobody along."""
        task = self._flying.get(name)
        if task is None:
            task = self._flying[name] = asyncio.ensure_future(fly())
            task.add_done_callback(lambda _: self._flying.pop(name))
        return await asyncio.shield(task)


def fresh(text: bytes | None, kept_ms: int) -> Shown | None:
    """Read what was kept; None for what is too old, or of another day, or not to be understood."""
    if text is None:
        return None
    try:
        shown = read(text)
    except ValueError:
        return None
    return shown if abs(now_ms() - shown.as_of_ms) <= kept_ms else None


def now_ms() -> int:
    """Give the time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _product(row: Any) -> Product:
    return Product(
        sku=row["sku"], name=row["name"], category=row["category"], price_cents=row["price_cents"], qty=row["qty"]
    )
