"""What a product's page shows, held against what the database says at the same moment."""

import re
from typing import Final

from harness.clock import MachineClock
from sut.components.ask import Deadline, http_get, query
from sut.services.schema import SCARCE_SKU

WRONG: Final = "wrong"
LOOKED_AT: Final = ("SKU-00001", "SKU-00002", "SKU-00003", SCARCE_SKU)
_SHOWN = re.compile(rb'<body [^>]*data-price-cents="(\d+)" data-in-stock="(true|false)" data-as-of-ms="(\d+)"')
_TRUTH = "select price_cents, qty > 0 from products where sku = '{}'"


class Truth:
    """Compares one of a few popular products after the other. ``conninfo`` is libpq's way in to the database."""

    def __init__(self, address: str, port: int, conninfo: str) -> None:
        self._address, self._port, self._conninfo = address, port, conninfo
        self._looks = 0

    def look(self, deadline: Deadline) -> float | str:
        """Give how old (ms) that is which is shown, or ``wrong`` where it is not so. Raises ``OSError``, ``ValueError``."""
        sku = LOOKED_AT[self._looks % len(LOOKED_AT)]
        self._looks += 1
        status, body = http_get(self._address, self._port, f"/p/{sku}", deadline)
        shown = _SHOWN.search(body)
        if status != 200 or shown is None:
            raise ValueError(f"the page of {sku} gave {status} {body[:100]!r}")
        price, stock, as_of_ms = (group.decode() for group in shown.groups())
        true = query(self._conninfo, _TRUTH.format(sku), deadline)
        if true != [(price, "t" if stock == "true" else "f")]:
            return WRONG
        return max(0.0, MachineClock().wall_ns() / 1e6 - float(as_of_ms))
