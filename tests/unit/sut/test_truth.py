"""A page held against the database."""

import sys
from typing import Any

import pytest

from harness.clock import MachineClock
from sut.components import truth
from sut.components.ask import Deadline
from sut.components.truth import LOOKED_AT, WRONG, Truth
from sut.services.assets import Assets
from sut.services.pages import Pages
from sut.services.schema import SCARCE_SKU
from sut.services.shown import Product
from tests.asgi import PAINTED

TRUE = [(sku, "236", "t") for sku in LOOKED_AT]


def look(monkeypatch: pytest.MonkeyPatch, of: str = "", *, status: int = 200, age_ms: int = 0, **shown: Any) -> float | str:
    """Look once, where all pages but that ``of`` one product show what is true, and are 1.5 s old."""
    now_ms = MachineClock().wall_ns() // 1_000_000

    def http_get(_address: str, _port: int, path: str, _deadline: Deadline, _trust: object) -> tuple[int, bytes]:
        sku = path.removeprefix("/p/")
        spoilt = shown if sku == of else {}
        made: dict[str, Any] = {"sku": sku, "name": "n", "category": "C", "price_cents": 236, "qty": 5} | spoilt
        as_of_ms = now_ms - (age_ms if sku == of else 1_500)
        return status if sku == of else 200, Pages(Assets(PAINTED)).product(Product(**made), as_of_ms)

    monkeypatch.setattr(truth, "http_get", http_get)
    monkeypatch.setattr(truth, "query", lambda *_: TRUE)
    return Truth("198.18.7.14", 8080, "host=198.18.7.13").look(Deadline(MachineClock().now_ns, 5))


def test_what_is_so_is_as_old_as_the_oldest_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1_500 <= float(look(monkeypatch)) < 4_000
    assert 60_000 <= float(look(monkeypatch, LOOKED_AT[1], age_ms=60_000)) < 62_500
    assert SCARCE_SKU in LOOKED_AT


@pytest.mark.parametrize("of", LOOKED_AT)
@pytest.mark.parametrize("shown", [{"price_cents": 1}, {"qty": 0}])
def test_one_price_or_stock_that_is_another_makes_the_look_wrong(
    of: str, shown: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever it is, at every look: else right ones by turns would hide one that is wrong for ever."""
    assert look(monkeypatch, of, **shown) == WRONG


def test_a_product_that_the_database_does_not_have_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "TRUE", TRUE[1:])
    assert look(monkeypatch) == WRONG


def test_a_page_that_is_none_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="503"):
        look(monkeypatch, LOOKED_AT[2], status=503)
