"""The shop's pages as text: what is public is the same for everybody, what is personal names its shopper."""

import zlib
from collections.abc import Sequence
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .assets import THEME, Assets
from .schema import CATEGORIES
from .shown import Product, Shown
from .sql import PAGE

WORDS: Final = (
    "Made to be used every day, and to be passed on.",
    "The surface is sealed twice and wiped clean with a damp cloth.",
    "It comes in a box of plain cardboard, without any plastic.",
    "Spare parts are kept for ten years after the last one was sold.",
    "Two screws hold it; the tool for them lies in the box.",
    "We have tried it at twenty degrees below zero and in the midday sun.",
    "Its colours are those of the picture, as far as your screen can show them.",
    "What was a weak point of the model before has been made twice as thick.",
    "If you do not like it, send it back within thirty days.",
    "The people who make it are paid for the time that it takes.",
    "It is as light as it can be without giving way.",
    "Nothing about it beeps, blinks, or wants to be updated.",
    "It fits the hooks, rails and shelves of all earlier models.",
)
REVIEWS: Final = 8
SENTENCES: Final = 6


class Pages:
    """Renders pages; pure, and all of it escaped."""

    def __init__(self, assets: Assets) -> None:
        every = Environment(
            loader=FileSystemLoader(THEME),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # else every page looks whether a file has changed
        )
        every.globals.update(
            style=assets.href("shop.css"), script=assets.href("shop.js"), picture=assets.picture, money=money
        )
        self._category = every.get_template("category.html")
        self._product = every.get_template("product.html")
        self._account = every.get_template("account.html")
        names = [f"CAT-{n:02d}" for n in range(1, CATEGORIES + 1)]
        self.home = every.get_template("home.html").render(page="/", categories=names).encode()

    def category(self, name: str, page: int, shown: Shown) -> bytes:
        """Render a page of a category that has products on it."""
        more = len(shown.products) == PAGE
        where = f"/c/{name}?page={page}"
        return self._category.render(page=where, name=name, number=page, more=more, shown=shown).encode()

    def product(self, product: Product, as_of_ms: int) -> bytes:
        """Render a product's page."""
        seed = zlib.crc32(product.sku.encode())
        reviews = [words(seed // 7 + n * 31, 2 + n % 3) for n in range(REVIEWS)]
        return self._product.render(
            page=f"/p/{product.sku}", product=product, as_of_ms=as_of_ms, about=words(seed, SENTENCES), reviews=reviews
        ).encode()

    def account(self, shopper: int, lines: Sequence[tuple[str, int]]) -> bytes:
        """Render the page that is about one shopper; ``lines`` are what is in the cart, (sku, qty)."""
        return self._account.render(page="/account", shopper=shopper, lines=lines).encode()


def money(cents: int) -> str:
    """Write an amount as shoppers read it."""
    return f"{cents // 100}.{cents % 100:02d} EUR"


def words(seed: int, count: int) -> Sequence[str]:
    """Say a few sentences, the same ones for the same seed."""
    return [WORDS[(seed + n * (seed % 5 + 1)) % len(WORDS)] for n in range(count)]
