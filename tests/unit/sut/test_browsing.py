"""The public pages and their assets: the same for everybody, complete, escaped, and with a proof of their bytes."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.applications import Starlette

from sut.images import pictures
from sut.services.assets import Assets, addressed, read_pictures
from sut.services.browsing import Browsing
from sut.services.link import Links, LostError
from sut.services.pages import Pages, words
from sut.services.schema import CATEGORIES
from sut.services.shelves import Shelves
from sut.services.shown import Product, Shown
from tests.asgi import PAINTED, ask

ROW = {"sku": "SKU-1", "name": "A <b>", "category": "CAT-01", "price_cents": 1205, "qty": 0}
HREF = re.compile(r'(?:src|href)="(/a/[^"]+)"')


class Answers(Links):
    """Stands for the connections to the database; gives the same rows each time, or none at all."""

    def __init__(self, rows: list[dict[str, Any]] | None) -> None:
        self._rows = rows

    async def call(self, kind: str, statement: str, *arguments: object, limit_s: float) -> list[Any]:
        """Give the rows."""
        del kind, statement, arguments, limit_s
        if self._rows is None:
            raise LostError("reset")
        return self._rows


def app(rows: list[dict[str, Any]] | None = None) -> Starlette:
    assets = Assets(PAINTED)
    return Starlette(routes=Browsing(Shelves(Answers(rows)), assets, Pages(assets)).routes())


PAGES = [
    ("/", "/"),
    ("/c/CAT-01", "/c/CAT-01?page=1"),
    ("/c/CAT-01?page=2&x=1", "/c/CAT-01?page=2"),
    ("/p/SKU-1", "/p/SKU-1"),
]


@pytest.mark.parametrize(("path", "says"), PAGES)
def test_a_page_says_what_it_is_proves_its_bytes_and_names_nobody(path: str, says: str) -> None:
    status, headers, body = ask(app([ROW]), "GET", path)
    assert status == 200
    assert f'<body data-page="{says}"' in body.decode()
    assert headers["cache-control"] == f"public, s-maxage={5 if says == '/' else 2}, max-age=0"
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert headers["repr-digest"] == f"sha-256=:{digest}:"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert not headers.keys() & {"set-cookie", "x-shopper", "vary"}
    assert 1_000 <= len(body) <= 200_000


@pytest.mark.parametrize(("path", "says"), PAGES)
def test_all_that_a_page_refers_to_is_there_under_the_name_of_its_bytes(path: str, says: str) -> None:
    found = HREF.findall(ask(app([ROW]), "GET", path)[2].decode())
    assert len(found) >= 3
    for href in found:
        status, headers, body = ask(app(), "GET", href)
        assert status == 200
        assert href.removeprefix("/a/").split(".")[0] == hashlib.sha256(body).hexdigest()[:16]
        assert headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_page_has_style_script_and_pictures() -> None:
    found = HREF.findall(ask(app([ROW]), "GET", "/p/SKU-1")[2].decode())
    assert sorted({href.rpartition(".")[2] for href in found}) == ["css", "js", "webp"]


def test_a_product_page_tells_price_stock_and_when_the_database_was_asked() -> None:
    text = ask(app([ROW]), "GET", "/p/SKU-1")[2].decode()
    (tag,) = re.findall(r"<body [^>]+>", text)
    assert 'data-sku="SKU-1" data-price-cents="1205" data-in-stock="false"' in tag
    assert re.search(r'data-as-of-ms="\d{13}"', tag)
    assert "12.05 EUR" in text
    assert "A &lt;b&gt;" in text
    assert "<b>" not in text
    assert 'data-in-stock="true"' in ask(app([ROW | {"qty": 3}]), "GET", "/p/SKU-1")[2].decode().split("<main>")[0]


def test_who_has_the_page_is_not_sent_it_again() -> None:
    _, headers, _ = ask(app(), "GET", "/")
    status, again, body = ask(app(), "GET", "/", headers={"If-None-Match": headers["etag"]})
    assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    assert ask(app(), "GET", "/", headers={"If-None-Match": '"other"'})[0] == 200


@pytest.mark.parametrize(
    ("path", "rows", "status"),
    [
        ("/c/CAT-01", [], 404),
        ("/c/CAT-01?page=0", [ROW], 400),
        ("/c/CAT-01", None, 503),
        ("/p/SKU-1", [], 404),
        ("/p/a%00b", [ROW], 404),
        ("/p/SKU-1", None, 503),
        ("/a/0123456789abcdef.css", [], 404),
    ],
)
def test_nobody_keeps_a_refusal(path: str, rows: list[dict[str, Any]] | None, status: int) -> None:
    answered, headers, body = ask(app(rows), "GET", path)
    assert answered == status
    assert headers["cache-control"] == "private, no-store"
    assert b'"refused"' in body


def test_a_category_leads_to_its_products_and_other_pages() -> None:
    products = tuple(Product(sku=f"S-{n:02d}", name="N", category="C", price_cents=1, qty=1) for n in range(20))
    text = Pages(Assets(PAINTED)).category("C", 2, Shown(products=products, as_of_ms=1)).decode()
    assert all(f'href="/p/{product.sku}"' in text for product in products)
    assert 'href="/c/C?page=1"' in text
    assert 'href="/c/C?page=3"' in text
    last = Pages(Assets(PAINTED)).category("C", 2, Shown(products=products[1:], as_of_ms=1)).decode()
    assert 'href="/c/C?page=3"' not in last


def test_the_front_page_leads_to_every_category() -> None:
    text = Pages(Assets(PAINTED)).home.decode()
    assert all(f'href="/c/CAT-{n:02d}?page=1"' in text for n in range(1, CATEGORIES + 1))


def test_the_same_product_is_described_in_the_same_words() -> None:
    assert words(17, 6) == words(17, 6) != words(18, 6)
    assert len(set(words(17, 6))) == 6


def test_other_bytes_have_another_address() -> None:
    assert addressed("a.css", b"x") != addressed("a.css", b"y")


def test_a_shop_without_pictures_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="painted"):
        Assets(read_pictures(tmp_path / "none"))


def test_pictures_are_the_same_bytes_whoever_paints_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOTIFS", 2)
    for folder in ("one", "other"):
        pictures.paint_all(tmp_path / folder)
    one, other = read_pictures(tmp_path / "one"), read_pictures(tmp_path / "other")
    assert one == other
    assert len(set(one.values())) == 4
    for name in one:
        with Image.open(tmp_path / "one" / name) as image:
            assert (image.format, image.size) == ("WEBP", pictures.LARGE if "large" in name else pictures.SMALL)
        assert 1_000 <= len(one[name]) <= 200_000
