"""What a product's page shows, held against what the database says at the same moment."""

import re
import ssl
from typing import Final

from harness.clock import MachineClock
from sut.components.ask import Deadline, http_get, query
from sut.services.schema import SCARCE_SKU

WRONG: Final = "wrong"
LOOKED_AT: Final = ("SKU-00001", "SKU-00002", "SKU-00003", SCARCE_SKU)
_SHOWN = re.compile(rb'<body [^>]*data-price-cents="(\d+)" data-in-stock="(true|false)" data-as-of-ms="(\d+)"')
_TRUTH: Final = "select sku, price_cents, qty > 0 from products where sku in ('{}')"


class Truth:
    """Compares a few products, all of them each time. ``conninfo`` is libpq's way in to the database.

    Pages are asked for by https if ``trust`` says whom to believe, each over a connection of its own: so whoever spreads
    connections over several that show them shows what each of them does, sooner or later.
    """

    def __init__(self, address: str, port: int, conninfo: str, trust: ssl.SSLContext | None = None) -> None:
        self._address, self._port, self._conninfo, self._trust = address, port, conninfo, trust

    def look(self, deadline: Deadline) -> float | str:
        """Give how old (ms) the oldest is of what is shown, or ``wrong`` where one of it is not so.

        Raises ``OSError``, ``ValueError``.
        """
        shown = {sku: self._shown(sku, deadline) for sku in LOOKED_AT}
        rows = query(self._conninfo, _TRUTH.format("', '".join(LOOKED_AT)), deadline)
        true = {sku: (price, stock == "t") for sku, price, stock in rows}
        if any(true.get(sku) != (price, stock) for sku, (price, stock, _) in shown.items()):
            return WRONG
        return max(0.0, MachineClock().wall_ns() / 1e6 - min(as_of_ms for *_, as_of_ms in shown.values()))

    def _shown(self, sku: str, deadline: Deadline) -> tuple[str, bool, float]:
        """Read price, whether there is any, and when the database was asked, off a product's page."""
        status, body = http_get(self._address, self._port, f"/p/{sku}", deadline, self._trust)
        found = _SHOWN.search(body)
        if status != 200 or found is None:
            raise ValueError(f"the page of {sku} gave {status} {body[:100]!r}")
        price, stock, as_of_ms = (group.decode() for group in found.groups())
        return price, stock == "true", float(as_of_ms)
