"""The carts: in the database, a cart for each session, so that no replica and no cache can lose one."""

from collections.abc import Iterable
from typing import Any, Final

from . import sql
from .link import Links

READ_LIMIT_S: Final = 1.0
WRITE_LIMIT_S: Final = 3.0  # as long as an order: it commits, and waits for the standby, as one does
CLEAR_LIMIT_S: Final = 0.5  # the shopper who waits for it has already bought

Line = tuple[str, int]


class Carts:
    """Reads and writes carts; lines are (sku, qty) sorted by sku. Each call raises ``link.CallError``."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def put(self, session: str, sku: str, qty: int) -> list[Line]:
        """Let a cart have so many pieces of a product, none of it where ``qty`` is 0, and give its lines then.

        The product is not among them where there is no such, or where the cart has no room for another.
        """
        if qty:
            rows = await self._links.call("put", sql.PUT, session, sku, qty, limit_s=WRITE_LIMIT_S)
        else:
            rows = await self._links.call("put", sql.REMOVE, session, sku, limit_s=WRITE_LIMIT_S)
        return _lines(rows)

    async def lines(self, session: str) -> list[Line]:
        """Give the lines of a cart."""
        return _lines(await self._links.call("cart", sql.CART, session, limit_s=READ_LIMIT_S))

    async def priced(self, session: str) -> tuple[tuple[str, int, int], ...]:
        """Give the lines of a cart with the prices that the database has now, in cents."""
        rows = await self._links.call("confirm", sql.CONFIRM, session, limit_s=READ_LIMIT_S)
        return tuple(sorted((row["sku"], row["qty"], row["price_cents"]) for row in rows))

    async def clear(self, session: str, bought: Iterable[Line]) -> None:
        """Take out of a cart what was bought; a line that has been changed since stays."""
        skus, qtys = (list(column) for column in zip(*bought, strict=True))
        await self._links.call("clear", sql.CLEAR, session, skus, qtys, limit_s=CLEAR_LIMIT_S)


def _lines(rows: list[Any]) -> list[Line]:
    return sorted((row["sku"], row["qty"]) for row in rows)
