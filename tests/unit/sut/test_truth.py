"""A page held against the database."""

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


def looks(monkeypatch: pytest.MonkeyPatch, true: list[tuple[str, ...]], status: int = 200, **shown: Any) -> list[Any]:
    """Look once at each product, every page showing the same price and stock; give what came of it."""
    asked: list[str] = []
    as_of_ms = MachineClock().wall_ns() // 1_000_000 - 1_500

    def http_get(_address: str, _port: int, path: str, _deadline: Deadline) -> tuple[int, bytes]:
        asked.append(path)
        made: dict[str, Any] = {
            "sku": path.removeprefix("/p/"),
            "name": "n",
            "category": "C",
            "price_cents": 236,
            "qty": 5,
        } | shown
        return status, Pages(Assets(PAINTED)).product(Product(**made), as_of_ms)

    monkeypatch.setattr(truth, "http_get", http_get)
    monkeypatch.setattr(truth, "query", lambda *_: true)
    one, deadline = Truth("198.18.7.14", 8080, "host=198.18.7.13"), Deadline(MachineClock().now_ns, 5)
    found = [one.look(deadline) for _ in LOOKED_AT]
    assert asked == [f"/p/{sku}" for sku in LOOKED_AT]
    return found


def test_what_is_so_is_as_old_as_its_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(1_500 <= age < 4_000 for age in looks(monkeypatch, [("236", "t")]))
    assert SCARCE_SKU in LOOKED_AT


@pytest.mark.parametrize("shown", [{"price_cents": 1}, {"qty": 0}])
def test_another_price_or_stock_is_wrong(shown: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(looks(monkeypatch, [("236", "t")], **shown)) == {WRONG}


def test_a_page_that_is_none_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="503"):
        looks(monkeypatch, [("236", "t")], status=503)
